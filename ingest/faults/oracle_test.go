//go:build faultpoints

package faults

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"daybook/pkg/event"
	daybookkafka "daybook/pkg/kafka"
	"daybook/pkg/kafka/kafkatest"
	"daybook/schema"
)

// position is where a message stood. The epoch tells topics of one name apart.
type position struct {
	epoch     int
	partition int32
	offset    int64
}

func (p position) String() string { return fmt.Sprintf("%d/%d@%d", p.partition, p.offset, p.epoch) }

// identity is what an event is known by.
type identity struct{ tenant, source, id string }

// ledger is what the topic has held, read from Kafka.
type ledger struct {
	epoch   int
	next    map[int32]int64
	records map[position]event.Message
}

// exceptions are what an oracle does not expect in the store.
type exceptions struct {
	lost    func(position) bool // messages that Kafka took before they could be read
	refused func(position) bool // events that the server refuses: dead letters
}

// collect reads what the topic holds and the ledger does not have yet. A test
// calls it before it takes messages away.
func (s *stack) collect() {
	s.Helper()
	if s.topic.next == nil {
		s.topic.next = map[int32]int64{}
	}
	if s.topic.records == nil {
		s.topic.records = map[position]event.Message{}
	}
	partitions, err := daybookkafka.Partitions(s.Context(), s.kafka, s.kafka.Topic)
	if err != nil {
		s.Fatal(err)
	}
	for _, partition := range partitions {
		s.topic.next[partition] = s.read(s.kafka.Topic, partition, s.topic.next[partition], func(m event.Message) {
			s.topic.records[position{s.topic.epoch, partition, m.Offset}] = m
		})
	}
}

// anew forgets where the topic was read up to: it was deleted and made again.
func (l *ledger) anew() { l.epoch, l.next = l.epoch+1, nil }

// read passes what a partition holds from an offset on, and returns its end.
func (s *stack) read(topic string, partition int32, from int64, each func(event.Message)) int64 {
	s.Helper()
	reader, err := daybookkafka.NewReader(s.kafka, topic, partition, daybookkafka.ReaderConfig{})
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	first, end, err := reader.Offsets(ctx)
	if err != nil {
		s.Fatal(err)
	}
	reader.SeekTo(max(from, first))
	for next := max(from, first); next < end; {
		fetched, err := reader.Fetch(ctx)
		if err != nil {
			if ctx.Err() != nil {
				s.Fatalf("read %s/%d at %d: %v", topic, partition, next, err)
			}
			continue
		}
		for _, m := range fetched.Messages {
			each(m)
		}
		next = fetched.Next
	}
	return end
}

// settles waits until the group has acknowledged the whole topic, and then asks
// the oracle.
func (s *stack) settles() { s.Helper(); s.settlesBut(exceptions{}) }

func (s *stack) settlesBut(e exceptions) {
	s.Helper()
	s.awaitSettled()
	s.oracle(e)
}

// awaitSettled waits until the committed offset of every partition is the end
// of its log and nothing is planned beyond.
func (s *stack) awaitSettled() {
	s.Helper()
	s.poll("the group to acknowledge everything", time.Second/2, func() (bool, string) {
		state, err := s.unsettled()
		if err != nil {
			return false, err.Error()
		}
		return state == "", state
	})
}

// awaitProgressBeyond waits until the group has acknowledged more than so many messages.
func (s *stack) awaitProgressBeyond(n int64) {
	s.Helper()
	s.until(fmt.Sprintf("the group to acknowledge more than %d messages", n), func() (bool, string) {
		got := s.acknowledged()
		return got > n, strconv.FormatInt(got, 10)
	})
}

// acknowledged returns how many messages the group has acknowledged; 0 where it
// can't be asked.
func (s *stack) acknowledged() int64 {
	s.Helper()
	client, release, err := s.kafka.Client()
	if err != nil {
		s.Fatal(err)
	}
	defer release()
	partitions := make([]int, kafkatest.Partitions)
	for i := range partitions {
		partitions[i] = i
	}
	committed, err := client.OffsetFetch(s.Context(), &kafka.OffsetFetchRequest{GroupID: s.kafka.Group, Topics: map[string][]int{s.kafka.Topic: partitions}})
	if err != nil {
		return 0
	}
	sum := int64(0)
	for _, p := range committed.Topics[s.kafka.Topic] {
		sum += max(p.CommittedOffset, 0)
	}
	return sum
}

func (s *stack) unsettled() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	client, release, err := s.kafka.Client()
	if err != nil {
		return "", err
	}
	defer release()
	partitions, err := daybookkafka.Partitions(ctx, s.kafka, s.kafka.Topic)
	if err != nil {
		return "", err
	}
	ask := make([]int, len(partitions))
	ends := make([]kafka.OffsetRequest, len(partitions))
	for i, p := range partitions {
		ask[i], ends[i] = int(p), kafka.LastOffsetOf(int(p))
	}
	committed, err := client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: s.kafka.Group, Topics: map[string][]int{s.kafka.Topic: ask}})
	if err != nil {
		return "", err
	}
	log, err := client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{s.kafka.Topic: ends}})
	if err != nil {
		return "", err
	}
	end := map[int]int64{}
	for _, p := range log.Topics[s.kafka.Topic] {
		if p.Error != nil {
			return "", p.Error
		}
		end[p.Partition] = p.LastOffset
	}
	var state []string
	for _, p := range committed.Topics[s.kafka.Topic] {
		if p.Error != nil {
			return "", p.Error
		}
		settled := p.CommittedOffset == end[p.Partition] || p.CommittedOffset < 0 && end[p.Partition] == 0
		if !settled || strings.Contains(p.Metadata, "E=") {
			state = append(state, fmt.Sprintf("partition %d has %d, committed %d %q", p.Partition, end[p.Partition], p.CommittedOffset, p.Metadata))
		}
	}
	if len(committed.Topics[s.kafka.Topic]) != len(partitions) {
		return "", errors.New("the broker left partitions out of its answer")
	}
	return strings.Join(state, "; "), nil
}

// oracle is the one judge of every test. It compares the store with what the
// topic has held:
//
//   - each event is in the table once, at an offset at which the topic has it,
//     with its payload byte for byte; no offset is there twice; nothing else is;
//   - the dead letters are the messages that are no events, byte for byte, each
//     once in the table and at least once in their topic;
//   - no offset of the log is left over;
//   - the numbers of each payload are beside it;
//   - both rollups are what the events say;
//   - all of it without FINAL, over parts that have never been merged.
func (s *stack) oracle(e exceptions) {
	s.Helper()
	s.collect()
	events, letters := s.expected(e)
	s.checkEvents(events)
	s.checkDead(letters)
	s.checkNumbers()
	s.checkRollups()
	if merged := s.count("SELECT countIf(level > 0) FROM system.parts WHERE active AND database = currentDatabase() AND table = ?", schema.Events); merged > 0 {
		s.Errorf("%d parts of the events were merged, which may hide rows that are there twice", merged)
	}
}

// expected decodes the ledger: the events by identity with every place where
// the topic has them, and the messages that are none.
func (s *stack) expected(e exceptions) (events map[identity]map[position]event.Event, letters map[position]event.Message) {
	s.Helper()
	events, letters = map[identity]map[position]event.Event{}, map[position]event.Message{}
	for at, m := range s.topic.records {
		if e.lost != nil && e.lost(at) {
			continue
		}
		var decoded event.Event
		if err := s.decoder.Decode(&m, &decoded); err != nil || e.refused != nil && e.refused(at) {
			letters[at] = m
			continue
		}
		id := identity{decoded.TenantID, decoded.Source, decoded.EventID}
		if derived := len(m.Value) > 0 && !bytes.Contains(m.Value, []byte(`"eventId"`)); derived {
			id.id += "@" + strconv.Itoa(at.epoch) // Made of the offset, which another topic repeats.
		}
		if events[id] == nil {
			events[id] = map[position]event.Event{}
		}
		events[id][at] = decoded
	}
	return events, letters
}

// checkNumbers compares the numbers that ingest wrote with what ClickHouse makes of
// the payloads beside them.
func (s *stack) checkNumbers() {
	s.Helper()
	var made string
	if err := s.conn.QueryRow(context.Background(), "SELECT default_expression FROM system.columns WHERE database = currentDatabase() AND table = ? AND name = ?",
		schema.Events, schema.Numbers).Scan(&made); err != nil || made == "" {
		s.Fatalf("how ClickHouse makes %s: %q, %v", schema.Numbers, made, err)
	}
	if wrong := s.count(fmt.Sprintf("SELECT countIf(toString(%s) != toString(%s)) FROM %s", schema.Numbers, made, schema.Events)); wrong > 0 {
		s.Errorf("of %d rows the numbers are not those of the payload", wrong)
	}
}

func (s *stack) checkEvents(want map[identity]map[position]event.Event) {
	s.Helper()
	rows, err := s.conn.Query(context.Background(), `SELECT tenant_id, source, event_id, created_at, payload, kafka_topic, kafka_partition, kafka_offset FROM `+schema.Events)
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	faults := newFaults(s, "events")
	places := map[position]int{}
	found := map[identity]int{}
	n := 0
	for rows.Next() {
		var id identity
		var created time.Time
		var payload, topic string
		var at position
		if err := rows.Scan(&id.tenant, &id.source, &id.id, &created, &payload, &topic, &at.partition, &at.offset); err != nil {
			s.Fatal(err)
		}
		n++
		match := false
		for epoch := 0; epoch <= s.topic.epoch && !match; epoch++ {
			at.epoch = epoch
			for _, known := range []identity{id, {id.tenant, id.source, id.id + "@" + strconv.Itoa(epoch)}} {
				e, ok := want[known][at]
				if ok && topic == s.kafka.Topic && e.CreatedAt.Equal(created) && string(e.Payload) == payload {
					match = true
					found[known]++
					places[at]++
					break
				}
			}
		}
		if !match {
			faults.add("%v at %d/%d is nothing that the topic has held", id, at.partition, at.offset)
		}
	}
	if err := rows.Err(); err != nil {
		s.Fatal(err)
	}
	for id, positions := range want {
		switch found[id] {
		case 1:
		case 0:
			faults.add("%v of %v is lost", id, positionsOf(positions))
		default:
			faults.add("%v of %v is there %d times", id, positionsOf(positions), found[id])
		}
	}
	for at, times := range places {
		if times > 1 {
			faults.add("offset %v is there %d times", at, times)
		}
	}
	faults.report(len(want), n)
}

func positionsOf(m map[position]event.Event) []string {
	var out []string
	for at := range m {
		out = append(out, at.String())
	}
	slices.Sort(out)
	return out
}

func (s *stack) checkDead(want map[position]event.Message) {
	s.Helper()
	faults := newFaults(s, "dead letters")
	rows, err := s.conn.Query(context.Background(), `SELECT partition, offset, message_time, key, value, error_class FROM `+schema.DeadLetters+` WHERE topic = ?`, s.kafka.Topic)
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	found := map[position]int{}
	n := 0
	for rows.Next() {
		var at position
		var sent time.Time
		var key, value, class string
		if err := rows.Scan(&at.partition, &at.offset, &sent, &key, &value, &class); err != nil {
			s.Fatal(err)
		}
		n++
		match := false
		for epoch := 0; epoch <= s.topic.epoch && !match; epoch++ {
			at.epoch = epoch
			m, ok := want[at]
			if match = ok && string(m.Key) == key && string(m.Value) == value && m.Time.UnixMilli() == sent.UnixMilli() && class != ""; match {
				found[at]++
			}
		}
		if !match {
			faults.add("%v (%s) is no message that the topic has held, or not byte for byte", at, class)
		}
	}
	if err := rows.Err(); err != nil {
		s.Fatal(err)
	}
	type spot struct {
		partition, offset, value string
	}
	published := map[spot]struct{}{}
	s.read(s.kafka.DeadLetterTopic, 0, 0, func(m event.Message) {
		headers := map[string]string{}
		for _, h := range m.Headers {
			headers[h.Key] = string(h.Value)
		}
		published[spot{headers["daybook-partition"], headers["daybook-offset"], string(m.Value)}] = struct{}{}
	})
	for at, m := range want {
		if found[at] != 1 {
			faults.add("%v is there %d times", at, found[at])
		}
		if _, ok := published[spot{strconv.Itoa(int(at.partition)), strconv.FormatInt(at.offset, 10), string(m.Value)}]; !ok {
			faults.add("%v is not in the topic of dead letters", at)
		}
	}
	faults.report(len(want), n)
}

// checkRollups compares each rollup with the events, count by count.
func (s *stack) checkRollups() {
	s.Helper()
	for _, r := range schema.Rollups {
		key := "tenant_id, bucket, event_type, category, source, severity, kafka_partition"
		wrong := s.count(fmt.Sprintf(`SELECT count() FROM
			(
				SELECT %[1]s, sum(n) AS difference FROM
				(
					SELECT tenant_id, toStartOfInterval(created_at, INTERVAL %[2]d SECOND, 'UTC') AS bucket, event_type, category, source, severity, kafka_partition, toInt64(1) AS n
					FROM %[3]s
					UNION ALL
					SELECT %[1]s, -events AS n FROM %[4]s
				)
				GROUP BY %[1]s HAVING difference != 0
			)`, key, int(r.Bucket.Seconds()), schema.Events, r.Table))
		if wrong > 0 {
			s.Errorf("%s: %d counts are not what the events say: it has %d events, the table %d",
				r.Table, wrong, s.count("SELECT toUInt64(sum(events)) FROM "+r.Table), s.count(countEvents))
		}
	}
}

// faultList keeps a failure readable: the number of faults, and the first few.
type faultList struct {
	s     *stack
	what  string
	n     int
	first []string
}

func newFaults(s *stack, what string) *faultList { return &faultList{s: s, what: what} }

func (f *faultList) add(format string, args ...any) {
	f.n++
	if len(f.first) < 8 {
		f.first = append(f.first, fmt.Sprintf(format, args...))
	}
}

func (f *faultList) report(want, got int) {
	f.s.Helper()
	if got != want && f.n == 0 {
		f.add("the numbers differ")
	}
	if f.n > 0 {
		f.s.Errorf("%s: %d in the store, %d expected; %d faults, among them:\n  %s", f.what, got, want, f.n, strings.Join(f.first, "\n  "))
	}
}

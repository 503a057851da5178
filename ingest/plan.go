package ingest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

// plan is what ingest keeps in Kafka for one partition: everything below
// offset is stored, and, where end is at least offset, the messages
// [offset, end] may be on their way into the table. It is committed as the
// group's offset with the rest in the commit's metadata, so the broker's
// generation check fences it: who may not commit may not insert.
type plan struct {
	offset int64
	end    int64     // less than offset: nothing is on its way
	last   time.Time // timestamp of the message at offset-1; zero where unknown

	foreign bool // committed by another program: it says nothing about what is stored
}

// planVersion starts the metadata, so that a later version can tell.
const planVersion = "v1"

func (p plan) pending() bool { return p.end >= p.offset }

func (p plan) metadata() string {
	parts := []string{planVersion}
	if p.pending() {
		parts = append(parts, "E="+strconv.FormatInt(p.end, 10))
	}
	if !p.last.IsZero() {
		parts = append(parts, "t="+strconv.FormatInt(p.last.UnixMilli(), 10))
	}
	return strings.Join(parts, ";")
}

// parsePlan reads a committed offset. Metadata that is not ours (a tool has
// set the offset) says nothing about what is stored beyond it.
func parsePlan(offset int64, metadata string) plan {
	p := plan{offset: offset, end: offset - 1}
	version, rest, _ := strings.Cut(metadata, ";")
	if version != planVersion {
		p.foreign = true
		return p
	}
	for part := range strings.SplitSeq(rest, ";") {
		name, value, _ := strings.Cut(part, "=")
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			continue
		}
		switch name {
		case "E":
			p.end = max(n, offset-1)
		case "t":
			p.last = time.UnixMilli(n)
		}
	}
	return p
}

// errFenced says that the group has moved on: the partition may belong to
// another member already, so nothing more may be inserted for it.
var errFenced = errors.New("the consumer group has a newer generation")

// ledger reads and writes the plans of one generation.
type ledger struct {
	client     *kafka.Client
	group      string
	topic      string
	generation int32
	member     string

	fence    string     // a topic that the group does not consume; see read
	fencing  sync.Mutex // one read at a time: they share the fence
	unfenced func(error)
}

// commit stores the plan of a partition. It returns errFenced where the
// generation is over; any other error may be tried again.
func (l *ledger) commit(ctx context.Context, partition int32, p plan) error {
	return l.write(ctx, l.topic, kafka.OffsetCommit{Partition: int(partition), Offset: p.offset, Metadata: p.metadata()})
}

func (l *ledger) write(ctx context.Context, topic string, commit kafka.OffsetCommit) error {
	answer, err := l.client.OffsetCommit(ctx, &kafka.OffsetCommitRequest{
		GroupID: l.group, GenerationID: int(l.generation), MemberID: l.member,
		Topics: map[string][]kafka.OffsetCommit{topic: {commit}},
	})
	if err == nil && len(answer.Topics[topic]) > 0 {
		err = answer.Topics[topic][0].Error
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kafka.IllegalGeneration), errors.Is(err, kafka.UnknownMemberId),
		errors.Is(err, kafka.RebalanceInProgress), errors.Is(err, kafka.FencedInstanceID):
		return fmt.Errorf("%w: %w", errFenced, err)
	default:
		return fmt.Errorf("commit offset %d of %s/%d: %w", commit.Offset, topic, commit.Partition, err)
	}
}

// read returns the plan of a partition, and false where none was committed.
//
// A coordinator that has just taken the group over answers, for some hundred
// milliseconds, with less than was acknowledged: it reads below the high
// watermark that it knows, and a new leader's trails. So read does what a new
// leader does in Raft before it answers (Ongaro, Consensus: Bridging Theory and
// Practice, 6.4): it has something of its own committed, which makes all before
// it visible, and takes no answer that lacks it.
func (l *ledger) read(ctx context.Context, partition int32) (plan, bool, error) {
	l.fencing.Lock()
	defer l.fencing.Unlock()
	for attempt := 0; ; attempt++ {
		mark := planVersion + ";" + rand.Text()
		fenced := true
		// Offset -1 is none, so that tools count no lag.
		if err := l.write(ctx, l.fence, kafka.OffsetCommit{Offset: -1, Metadata: mark}); err != nil {
			if !errors.Is(err, kafka.TopicAuthorizationFailed) && !errors.Is(err, kafka.UnknownTopicOrPartition) {
				return plan{}, false, err
			}
			fenced = false
			l.unfenced(err)
		}
		p, found, seen, err := l.fetch(ctx, partition)
		if err != nil || seen == mark || !fenced {
			return p, found, err
		}
		// Moved once more in between, or another member wrote in between: of those who write, the last one goes on.
		if !pause(ctx, time.Millisecond<<min(attempt, 8)) {
			return plan{}, false, context.Cause(ctx)
		}
	}
}

// fetch reads the plan of a partition and the fence's metadata in one request.
func (l *ledger) fetch(ctx context.Context, partition int32) (p plan, found bool, fence string, err error) {
	answer, err := l.client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{
		GroupID: l.group, Topics: map[string][]int{l.topic: {int(partition)}, l.fence: {0}},
	})
	if err == nil {
		err = answer.Error
	}
	if err != nil {
		return plan{}, false, "", fmt.Errorf("read the committed offset of %s/%d: %w", l.topic, partition, err)
	}
	for _, one := range answer.Topics[l.fence] {
		fence = one.Metadata
	}
	for _, one := range answer.Topics[l.topic] {
		switch {
		case one.Partition != int(partition):
			continue
		case one.Error != nil:
			return plan{}, false, "", fmt.Errorf("read the committed offset of %s/%d: %w", l.topic, partition, one.Error)
		case one.CommittedOffset < 0:
			return plan{end: -1}, false, fence, nil
		}
		return parsePlan(one.CommittedOffset, one.Metadata), true, fence, nil
	}
	return plan{}, false, "", fmt.Errorf("read the committed offset of %s/%d: the broker left it out of its answer", l.topic, partition)
}

package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"time"

	"daybook/pkg/event"
	"daybook/pkg/kafka"
	"daybook/pkg/tenant"
)

// memoryTopic is a topic for tests of timing, which need virtual time and
// thousands of runs: the real broker can have neither. What the stream relies on
// from Kafka it has too: offsets with holes, retention, topics made anew,
// errors that pass.
type memoryTopic struct {
	mu         sync.Mutex // guards what follows
	partitions []memoryLog
	epoch      uint32
	failures   float64 // share of fetches that fail
	dice       *rand.Rand
	changed    chan struct{}
}

type memoryLog struct {
	first    int64
	messages []event.Message // the offset is in each; there may be holes
	end      int64
}

func newMemoryTopic(partitions int, dice *rand.Rand) *memoryTopic {
	return &memoryTopic{partitions: make([]memoryLog, partitions), epoch: 1, dice: dice, changed: make(chan struct{})}
}

func (m *memoryTopic) touch() {
	close(m.changed)
	m.changed = make(chan struct{})
}

// append adds a message after skip offsets that hold nothing.
func (m *memoryTopic) append(p int, value []byte, skip int64) (offset int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	log := &m.partitions[p]
	offset = log.end + skip
	log.messages = append(log.messages, event.Message{
		Topic: "events", Position: event.Position{Partition: int32(p), Offset: offset}, Time: time.Now(), Value: value,
	})
	log.end = offset + 1
	m.touch()
	return offset
}

// retain drops what is before first.
func (m *memoryTopic) retain(p int, first int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	log := &m.partitions[p]
	log.first = max(log.first, first)
	for len(log.messages) > 0 && log.messages[0].Offset < log.first {
		log.messages = log.messages[1:]
	}
	m.touch()
}

// recreate makes the topic anew, with the same number of partitions.
func (m *memoryTopic) recreate() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.epoch++
	m.partitions = make([]memoryLog, len(m.partitions))
	m.touch()
}

func (m *memoryTopic) Partitions(context.Context) ([]int32, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := make([]int32, len(m.partitions))
	for i := range list {
		list[i] = int32(i)
	}
	return list, nil
}

func (m *memoryTopic) Epoch(context.Context) (uint32, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.epoch, nil
}

func (m *memoryTopic) Open(p int32, maxBytes int) (Reader, error) {
	return &memoryReader{topic: m, partition: p, most: 1 + maxBytes/(64<<10)}, nil
}

type memoryReader struct {
	topic     *memoryTopic
	partition int32
	next      int64
	most      int
}

var errMemory = errors.New("a fault that passes")

func (r *memoryReader) SeekTo(offset int64) { r.next = offset }
func (r *memoryReader) Close() error        { return nil }

func (r *memoryReader) Fetch(ctx context.Context) (kafka.Fetch, error) {
	timer := time.NewTimer(250 * time.Millisecond)
	defer timer.Stop()
	for {
		f, changed, err := r.fetch()
		if err != nil {
			if errors.Is(err, errMemory) {
				select { // As the real reader waits before it returns.
				case <-ctx.Done():
				case <-time.After(50 * time.Millisecond):
				}
			}
			return kafka.Fetch{}, err
		}
		if f.Next > r.next {
			r.next = f.Next
			return f, nil
		}
		select {
		case <-changed:
		case <-timer.C:
			return f, nil
		case <-ctx.Done():
			return kafka.Fetch{}, ctx.Err()
		}
	}
}

func (r *memoryReader) fetch() (kafka.Fetch, <-chan struct{}, error) {
	m := r.topic
	m.mu.Lock()
	defer m.mu.Unlock()
	log := &m.partitions[r.partition]
	if m.dice.Float64() < m.failures {
		return kafka.Fetch{}, nil, errMemory
	}
	if r.next < log.first || r.next > log.end {
		return kafka.Fetch{}, nil, &kafka.OffsetOutOfRangeError{Requested: r.next, First: log.first, End: log.end}
	}
	f := kafka.Fetch{Next: r.next, HighWatermark: log.end}
	for _, message := range log.messages {
		if message.Offset >= r.next && len(f.Messages) < r.most {
			f.Messages = append(f.Messages, message)
			f.Next = message.Offset + 1
		}
	}
	return f, m.changed, nil
}

func (r *memoryReader) Offsets(context.Context) (first, end int64, err error) {
	r.topic.mu.Lock()
	defer r.topic.mu.Unlock()
	log := &r.topic.partitions[r.partition]
	return log.first, log.end, nil
}

func (r *memoryReader) OffsetAt(_ context.Context, t time.Time) (int64, error) {
	r.topic.mu.Lock()
	defer r.topic.mu.Unlock()
	log := &r.topic.partitions[r.partition]
	for _, message := range log.messages {
		if !message.Time.Before(t) {
			return message.Offset, nil
		}
	}
	return log.end, nil
}

// memoryStore is what ingest has made of a memoryTopic, up to where it is. As
// the real one it lacks what retention took first, and says so.
type memoryStore struct {
	topic   *memoryTopic
	decoder Decoder

	mu       sync.Mutex // guards what follows
	rows     [][]event.Message
	stored   []int64
	lost     []memoryHole
	oldest   time.Time
	failures float64
	dice     *rand.Rand
}

type memoryHole struct {
	hole
	noticed time.Time
}

// ingest stores up to n messages of a partition.
func (m *memoryStore) ingest(p int, n int) {
	m.topic.mu.Lock()
	log := m.topic.partitions[p]
	m.topic.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	for p >= len(m.stored) {
		m.stored, m.rows = append(m.stored, 0), append(m.rows, nil)
	}
	if m.stored[p] < log.first {
		m.lost = append(m.lost, memoryHole{hole{int32(p), m.stored[p], log.first}, time.Now()})
		m.stored[p] = log.first
	}
	for _, message := range log.messages {
		if message.Offset >= m.stored[p] && n > 0 {
			m.rows[p] = append(m.rows[p], message)
			m.stored[p] = message.Offset + 1
			n--
		}
	}
}

// purge is the retention of the store: it takes what Kafka no longer has.
func (m *memoryStore) purge() {
	m.topic.mu.Lock()
	logs := append([]memoryLog(nil), m.topic.partitions...)
	m.topic.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.oldest = time.Now()
	for p, log := range logs {
		for p < len(m.rows) && len(m.rows[p]) > 0 && m.rows[p][0].Offset < log.first {
			m.rows[p] = m.rows[p][1:]
		}
	}
}

// forget is what a topic made anew means: its offsets begin again.
func (m *memoryStore) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rows, m.stored, m.lost = nil, nil, nil
}

func (m *memoryStore) fails() error {
	if m.dice.Float64() < m.failures {
		return errMemory
	}
	return nil
}

func (m *memoryStore) Stored(context.Context) ([]int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]int64(nil), m.stored...), m.fails()
}

func (m *memoryStore) Lost(_ context.Context, from, to vector, since time.Time) ([]hole, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var holes []hole
	for p := range int32(len(to)) {
		for _, h := range m.lost {
			if !h.noticed.Before(since) && h.partition == p && h.to > from.of(p) && h.from < to.of(p) {
				holes = append(holes, h.hole)
			}
		}
	}
	return holes, m.fails()
}

func (m *memoryStore) Oldest(tenant.ID) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.oldest
}

func (m *memoryStore) events(s Span, each func(p int32, offset int64, e *event.Event) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for p := range m.rows {
		for i := range m.rows[p] {
			message := &m.rows[p][i]
			if message.Offset < s.From.of(int32(p)) || message.Offset >= s.To.of(int32(p)) {
				continue
			}
			var e event.Event
			if m.decoder.Decode(message, &e) != nil || e.TenantID != string(s.Tenant) {
				continue
			}
			if err := m.fails(); err != nil {
				return err
			}
			if err := each(int32(p), message.Offset, &e); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *memoryStore) Read(_ context.Context, s Span, restart func(), row func(int32, int64, *event.Event) error) error {
	for range 2 { // As over a restart of ClickHouse.
		restart()
		n := 0
		err := m.events(s, func(p int32, offset int64, e *event.Event) error {
			if n++; n > 40 {
				return errTooMuch
			}
			return row(p, offset, e)
		})
		if !errors.Is(err, errMemory) {
			return err
		}
	}
	return errMemory
}

func (m *memoryStore) First(_ context.Context, s Span, since time.Time) ([]int64, error) {
	first := s.To.clone()
	err := m.events(s, func(p int32, offset int64, e *event.Event) error {
		if !e.IngestedAt.Before(since) && offset < first.of(p) {
			first.set(p, offset)
		}
		return nil
	})
	return first, err
}

// socket is a client's connection in memory.
type socket struct {
	cancel context.CancelFunc // of the request

	mu       sync.Mutex // guards what follows
	status   int
	received bytes.Buffer
	budget   int           // bytes until it breaks
	stalled  chan struct{} // not nil: nothing is taken until it is closed
	deadline time.Time
	header   http.Header
}

func (s *socket) Header() http.Header { return s.header }

func (s *socket) WriteHeader(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
}

func (s *socket) Flush() {}

func (s *socket) SetReadDeadline(time.Time) error { return nil }

func (s *socket) SetWriteDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadline = t
	return nil
}

var errBroken = errors.New("broken pipe")

func (s *socket) Write(p []byte) (int, error) {
	for {
		s.mu.Lock()
		stalled, deadline := s.stalled, s.deadline
		if stalled == nil {
			break
		}
		s.mu.Unlock()
		timer := time.NewTimer(time.Until(deadline))
		select {
		case <-stalled:
			timer.Stop()
		case <-timer.C:
			s.cancel()
			return 0, fmt.Errorf("write: %w", os.ErrDeadlineExceeded)
		}
	}
	defer s.mu.Unlock()
	n := min(len(p), s.budget)
	s.received.Write(p[:n])
	s.budget -= n
	if n < len(p) {
		s.cancel()
		return n, errBroken
	}
	return n, nil
}

func (s *socket) stall() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stalled == nil {
		s.stalled = make(chan struct{})
	}
}

func (s *socket) unstall() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stalled != nil {
		close(s.stalled)
		s.stalled = nil
	}
}

func (s *socket) bytes() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.received.Bytes())
}

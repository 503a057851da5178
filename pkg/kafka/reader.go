package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"

	"daybook/pkg/event"
)

// ReaderConfig tunes a Reader. Zero fields take their defaults.
type ReaderConfig struct {
	MinBytes int           // a fetch waits for so many bytes, up to MaxWait; default 1
	MaxBytes int           // a fetch returns about so many bytes at most, or one record; default 4 MiB
	MaxWait  time.Duration // default 250 ms
}

// Reader reads one partition in offset order, on one connection to the
// partition's leader. Unlike kafka-go's own Reader it never jumps: an offset
// that the log no longer holds is an error the caller decides about. Of
// transactions it shows what was committed and nothing else, once they have ended.
// It is not safe for concurrent use.
type Reader struct {
	config    Config
	topic     string
	partition int32
	options   ReaderConfig
	dialer    *kafka.Dialer
	opened    func() *watchedConn // the connection that the dialer has opened last
	conn      *kafka.Conn         // nil while not connected
	watch     *watchedConn        // beneath conn
	next      int64
	failures  int
}

// Fetch is what one call of Reader.Fetch brought.
type Fetch struct {
	Messages      []event.Message
	Next          int64 // the offset after the last record read
	HighWatermark int64 // the offset that the next record of the partition gets; -1 where unknown
}

// OffsetOutOfRangeError says that the log does not hold the offset asked for:
// retention has taken it, or the topic was made anew.
type OffsetOutOfRangeError struct {
	Requested  int64
	First, End int64 // what the log holds: [First, End)
}

// Error names the offset asked for and what there is.
func (e *OffsetOutOfRangeError) Error() string {
	return fmt.Sprintf("offset %d is outside the log, which holds [%d, %d)", e.Requested, e.First, e.End)
}

// NewReader returns a reader of one partition. It connects at the first call.
func NewReader(c Config, topic string, partition int32, options ReaderConfig) (*Reader, error) {
	dialer, err := c.dialer()
	if err != nil {
		return nil, err
	}
	if options.MinBytes == 0 {
		options.MinBytes = 1
	}
	if options.MaxBytes == 0 {
		options.MaxBytes = 4 << 20
	}
	if options.MaxWait == 0 {
		options.MaxWait = 250 * time.Millisecond
	}
	return &Reader{config: c, topic: topic, partition: partition, options: options, dialer: dialer, opened: watch(dialer)}, nil
}

// SeekTo makes offset the next one to read.
func (r *Reader) SeekTo(offset int64) { r.next = offset }

// Fetch reads what follows the position, waiting up to MaxWait for it; no
// messages is a regular answer. An *OffsetOutOfRangeError is final until SeekTo;
// after any other error the caller may simply call again: the Reader has
// waited (50 ms, growing to 5 s) and connects anew.
func (r *Reader) Fetch(ctx context.Context) (Fetch, error) {
	f, err := r.fetch(ctx)
	if err == nil {
		r.failures = 0
		return f, nil
	}
	var gap *OffsetOutOfRangeError
	if errors.As(err, &gap) || ctx.Err() != nil {
		return Fetch{}, err
	}
	r.disconnect()
	wait := min(50*time.Millisecond<<min(r.failures, 10), 5*time.Second)
	r.failures++
	timer := time.NewTimer(wait/2 + rand.N(wait/2+1)) //nolint:gosec // Jitter needs no secrecy.
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
	return Fetch{}, fmt.Errorf("fetch %s/%d at %d: %w", r.topic, r.partition, r.next, err)
}

func (r *Reader) fetch(ctx context.Context) (Fetch, error) {
	if err := r.connect(ctx); err != nil {
		return Fetch{}, err
	}
	// A deadline per fetch rather than per message: timers per message cost most of kafka-go's speed.
	deadline := time.Now().Add(r.options.MaxWait + 10*time.Second)
	if err := r.conn.SetReadDeadline(deadline); err != nil {
		return Fetch{}, err
	}
	conn := r.conn
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := conn.Seek(r.next, kafka.SeekAbsolute|kafka.SeekDontCheck); err != nil {
		return Fetch{}, err
	}
	batch := conn.ReadBatchWith(kafka.ReadBatchConfig{
		MinBytes: r.options.MinBytes, MaxBytes: r.options.MaxBytes, MaxWait: r.options.MaxWait,
		IsolationLevel: kafka.ReadCommitted,
	})
	f := Fetch{Next: r.next, HighWatermark: -1}
	var err error
	for {
		var m kafka.Message
		if m, err = batch.ReadMessage(); err != nil {
			break
		}
		f.Messages = append(f.Messages, event.Message{
			Topic: r.topic, Position: event.Position{Partition: r.partition, Offset: m.Offset},
			Time: m.Time, Key: m.Key, Value: m.Value, Headers: headers(m.Headers),
		})
		f.Next = m.Offset + 1
	}
	f.HighWatermark = batch.HighWaterMark()
	if after := batch.Offset(); errors.Is(err, io.EOF) && after > f.Next {
		f.Next = after // The batch ends with records that compaction took.
	}
	closeErr := batch.Close()
	received := len(f.Messages)
	f.Messages = r.committed(f.Messages)
	switch {
	case errors.Is(err, io.EOF) && closeErr == nil, errors.Is(err, kafka.RequestTimedOut):
	case errors.Is(err, kafka.OffsetOutOfRange):
		return Fetch{}, r.outOfRange(ctx)
	case ctx.Err() != nil:
		r.disconnect()
		return Fetch{}, ctx.Err()
	case received > 0:
		r.disconnect() // What was read whole is good; the next fetch starts on a fresh connection.
	case closeErr != nil && errors.Is(err, io.EOF):
		return Fetch{}, closeErr
	default:
		return Fetch{}, err
	}
	r.next = f.Next
	return f, nil
}

// committed leaves out what no reader is to see: markers of transactions, and what
// belongs to transactions that were aborted.
func (r *Reader) committed(messages []event.Message) []event.Message {
	dropped := r.watch.take()
	if len(dropped) == 0 {
		return messages
	}
	return slices.DeleteFunc(messages, func(m event.Message) bool { // Both are in order.
		for len(dropped) > 0 && dropped[0].last < m.Offset {
			dropped = dropped[1:]
		}
		return len(dropped) > 0 && dropped[0].first <= m.Offset
	})
}

func headers(in []kafka.Header) []event.Header {
	if len(in) == 0 {
		return nil
	}
	out := make([]event.Header, len(in))
	for i, h := range in {
		out[i] = event.Header{Key: h.Key, Value: h.Value}
	}
	return out
}

// outOfRange tells a position that the log has lost from a leader that has
// not caught up yet: where the log holds the offset after all, the caller
// tries again.
func (r *Reader) outOfRange(ctx context.Context) error {
	r.disconnect() // kafka-go leaves the rest of an answer with an error unread, which spoils the connection.
	first, end, err := r.Offsets(ctx)
	if err != nil {
		return err
	}
	if r.next >= first && r.next <= end {
		return fmt.Errorf("the broker refused offset %d of [%d, %d]", r.next, first, end)
	}
	return &OffsetOutOfRangeError{Requested: r.next, First: first, End: end}
}

func (r *Reader) connect(ctx context.Context) error {
	if r.conn != nil {
		return nil
	}
	var errs []error
	for _, broker := range r.config.Brokers {
		conn, err := r.dial(ctx, broker)
		if err == nil {
			r.conn, r.watch = conn, r.opened()
			return nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

// dialTime bounds a connection to a leader, with the question who that is: kafka-go waits
// for that answer as long as its context lasts.
const dialTime = 10 * time.Second

func (r *Reader) dial(ctx context.Context, broker string) (*kafka.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	return r.dialer.DialLeader(ctx, "tcp", broker, r.topic, int(r.partition))
}

func (r *Reader) disconnect() {
	if r.conn != nil {
		_ = r.conn.Close() // Nothing was written; there is nothing to lose.
		r.conn = nil
	}
}

// Offsets returns the first offset that the log holds and the one that the
// next record will get.
func (r *Reader) Offsets(ctx context.Context) (first, end int64, err error) {
	err = r.ask(ctx, func(conn *kafka.Conn) error {
		first, end, err = conn.ReadOffsets()
		return err
	})
	return first, end, err
}

// OffsetAt returns the first offset whose record has a timestamp of at least
// t, or the end of the log where there is none.
func (r *Reader) OffsetAt(ctx context.Context, t time.Time) (int64, error) {
	var offset int64
	err := r.ask(ctx, func(conn *kafka.Conn) (err error) {
		if offset, err = conn.ReadOffset(t); err == nil && offset < 0 {
			offset, err = conn.ReadLastOffset()
		}
		return err
	})
	return offset, err
}

// ask sends a request other than a fetch, within 10 s.
func (r *Reader) ask(ctx context.Context, request func(*kafka.Conn) error) error {
	if err := r.connect(ctx); err != nil {
		return err
	}
	conn := r.conn
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := request(conn); err != nil {
		r.disconnect()
		return err
	}
	return conn.SetDeadline(time.Time{})
}

// Close ends the connection.
func (r *Reader) Close() error {
	r.disconnect()
	return nil
}

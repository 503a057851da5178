package kafka_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"go.uber.org/goleak"

	"daybook/pkg/clienttls"
	"daybook/pkg/kafka"
	"daybook/pkg/kafka/kafkatest"
)

func TestMain(m *testing.M) {
	if setting := os.Getenv(keeperChild); setting != "" {
		keepAsChild(setting)
		return
	}
	goleak.VerifyTestMain(kafkatest.Main(m))
}

// brokers runs a test on the embedded broker and on Apache Kafka.
func brokers(t *testing.T, test func(t *testing.T, c kafka.Config)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) { test(t, kafkatest.StartEmbedded(t)) })
	t.Run("apache", func(t *testing.T) { test(t, kafkatest.StartApache(t)) })
}

func newReader(t *testing.T, c kafka.Config, options kafka.ReaderConfig) *kafka.Reader {
	t.Helper()
	r, err := kafka.NewReader(c, c.Topic, 0, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func numbered(n int) []kafkago.Message {
	out := make([]kafkago.Message, n)
	for i := range out {
		out[i] = kafkago.Message{Key: fmt.Append(nil, i), Value: fmt.Appendf(nil, "value %d", i), Headers: []kafkago.Header{{Key: "h", Value: fmt.Append(nil, i)}}}
	}
	return out
}

// readAll reads until n messages have come, and checks that each is the next.
func readAll(t *testing.T, r *kafka.Reader, from int64, n int) {
	t.Helper()
	r.SeekTo(from)
	next := from
	for deadline := time.Now().Add(30 * time.Second); next < from+int64(n); {
		if time.Now().After(deadline) {
			t.Fatalf("only up to offset %d of %d", next, from+int64(n))
		}
		f, err := r.Fetch(t.Context())
		if _, ok := errors.AsType[*kafka.OffsetOutOfRangeError](err); ok {
			t.Fatal(err)
		}
		if err != nil {
			continue // Transient by contract.
		}
		for _, m := range f.Messages {
			want := fmt.Sprintf("value %d", next)
			if m.Offset != next || string(m.Value) != want || string(m.Key) != strconv.FormatInt(next, 10) || len(m.Headers) != 1 || m.Topic == "" || m.Time.IsZero() {
				t.Fatalf("message %+v, want offset %d with %q", m, next, want)
			}
			next++
		}
		if f.Next != next {
			t.Fatalf("Next is %d after offset %d", f.Next, next-1)
		}
	}
}

func TestReader_ReadsInOrderFromAnyOffset(t *testing.T) {
	brokers(t, func(t *testing.T, c kafka.Config) {
		kafkatest.ProduceTo(t, c, 0, numbered(5000)...)
		r := newReader(t, c, kafka.ReaderConfig{MaxBytes: 20_000})
		readAll(t, r, 0, 5000)
		readAll(t, r, 4321, 679)
		f, err := r.Fetch(t.Context())
		if err != nil || len(f.Messages) != 0 || f.Next != 5000 || f.HighWatermark != 5000 {
			t.Errorf("at the end: %+v, %v", f, err)
		}
		first, end, err := r.Offsets(t.Context())
		if err != nil || first != 0 || end != 5000 {
			t.Errorf("the log is [%d, %d), %v", first, end, err)
		}
	})
}

func TestReader_NeverSkipsWhatRetentionTook(t *testing.T) {
	brokers(t, func(t *testing.T, c kafka.Config) {
		kafkatest.ProduceTo(t, c, 0, numbered(100)...)
		kafkatest.DeleteRecords(t, c, 0, 40)
		r := newReader(t, c, kafka.ReaderConfig{})
		for _, from := range []int64{0, 39, 101} {
			r.SeekTo(from)
			_, err := r.Fetch(t.Context())
			var gap *kafka.OffsetOutOfRangeError
			if !errors.As(err, &gap) || gap.Requested != from || gap.First != 40 || gap.End != 100 {
				t.Errorf("from %d: %v", from, err)
			}
		}
		readAll(t, r, 40, 60)
	})
}

func TestReader_LargeMessages(t *testing.T) {
	c := kafkatest.StartEmbedded(t)
	big := bytes.Repeat([]byte("x"), 5<<20)
	kafkatest.ProduceTo(t, c, 0, kafkago.Message{Value: big}, kafkago.Message{Value: []byte("after")})
	r := newReader(t, c, kafka.ReaderConfig{MaxBytes: 10_000})
	var values [][]byte
	for deadline := time.Now().Add(30 * time.Second); len(values) < 2 && time.Now().Before(deadline); {
		f, err := r.Fetch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range f.Messages {
			values = append(values, m.Value)
		}
	}
	if len(values) != 2 || !bytes.Equal(values[0], big) || string(values[1]) != "after" {
		t.Errorf("%d messages", len(values))
	}
}

func TestReader_OutlivesTheBroker(t *testing.T) {
	dir := t.TempDir()
	broker := kafkatest.Broker(t, dir, "127.0.0.1:0")
	c := kafkatest.Fresh(t, broker.Addr(), 1)
	all := numbered(200)
	kafkatest.ProduceTo(t, c, 0, all[:100]...)
	r := newReader(t, c, kafka.ReaderConfig{})
	readAll(t, r, 0, 100)
	if err := broker.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Fetch(t.Context()); err == nil {
		t.Error("a fetch from a broker that is gone succeeded")
	}
	kafkatest.Broker(t, dir, broker.Addr())
	kafkatest.ProduceTo(t, c, 0, all[100:]...)
	readAll(t, r, 100, 100)
}

func TestReader_EndsWithItsContext(t *testing.T) {
	c := kafkatest.StartEmbedded(t)
	r := newReader(t, c, kafka.ReaderConfig{MaxWait: 20 * time.Second})
	ctx, cancel := context.WithCancel(t.Context())
	began := time.Now()
	time.AfterFunc(300*time.Millisecond, cancel)
	if _, err := r.Fetch(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s to notice", took)
	}
}

func TestReader_OffsetAt(t *testing.T) {
	brokers(t, func(t *testing.T, c kafka.Config) {
		start := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
		var messages []kafkago.Message
		for i := range 10 {
			messages = append(messages, kafkago.Message{Value: []byte("x"), Time: start.Add(time.Duration(i) * time.Minute)})
		}
		kafkatest.ProduceTo(t, c, 0, messages...)
		r := newReader(t, c, kafka.ReaderConfig{})
		for at, want := range map[time.Duration]int64{-time.Hour: 0, 0: 0, time.Minute: 1, 90 * time.Second: 2, time.Hour: 10} {
			got, err := r.OffsetAt(t.Context(), start.Add(at))
			if err != nil || got != want {
				t.Errorf("at %s: %d, %v; want %d", at, got, err, want)
			}
		}
	})
}

func TestEnsureTopics(t *testing.T) {
	brokers(t, func(t *testing.T, c kafka.Config) {
		c.Topic, c.DeadLetterTopic, c.Partitions, c.Replication = c.Topic+".new", c.Topic+".new.dead", 4, 1
		for range 2 { // The second time they are there.
			if err := kafka.EnsureTopics(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		deadline := time.Now().Add(20 * time.Second)
		for {
			got, err := kafka.Partitions(t.Context(), c, c.Topic)
			if err == nil && len(got) == 4 && got[3] == 3 {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("partitions %v, %v", got, err)
			}
			<-time.After(50 * time.Millisecond)
		}
	})
}

// A broker that takes the question who leads a partition and never answers keeps a
// reader for some seconds, not for ever.
func TestReader_NoAnswer(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, kind kafkatest.Kind) {
		c, proxy := kafkatest.Proxied(t, kind)
		r, err := kafka.NewReader(c, c.Topic, 0, kafka.ReaderConfig{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Close() }()
		proxy.DropResponses()
		failed := make(chan error, 1)
		go func() { _, _, err := r.Offsets(t.Context()); failed <- err }()
		select {
		case err := <-failed:
			if err == nil {
				t.Error("the answer that was lost has come")
			}
		case <-time.After(30 * time.Second):
			t.Fatal("it waits for ever")
		}
		proxy.Heal()
		if _, _, err := r.Offsets(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestConfig_Validate(t *testing.T) {
	if err := kafka.DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	bad := kafka.Config{Brokers: []string{"nowhere"}, DeadLetterTopic: "", Replication: -1, SASL: kafka.SASL{Mechanism: "gssapi"},
		TLS: clienttls.Config{Enabled: true, CA: "/absent.pem"}}
	err := bad.Validate()
	for _, key := range []string{"kafka.brokers", "kafka.topic", "kafka.dead_letter_topic", "kafka.group", "kafka.partitions", "kafka.replication", "kafka.sasl.mechanism", "kafka.tls.ca"} {
		if err == nil || !bytes.Contains([]byte(err.Error()), []byte(key)) {
			t.Errorf("no word of %s in: %v", key, err)
		}
	}
}

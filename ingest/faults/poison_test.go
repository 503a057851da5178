//go:build faultpoints

package faults

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/compress"

	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/event"
	"daybook/pkg/kafka/kafkatest"
	"daybook/schema"
)

// What is no event, of every class, among events, as the last message and as a
// whole block, is kept byte for byte and stops nothing.
func TestFault16_Poison(t *testing.T) {
	t.Parallel()
	bad := map[string]string{
		`{"tenantId":"t","eventType":"x"`: event.ClassInvalidJSON,
		`[]`:                              event.ClassWrongType,
		" ":                               event.ClassEmpty,
		"\x00\x01\x02":                    event.ClassInvalidJSON,
		`{"eventType":"x"}`:               event.ClassMissingField,
		`{"tenantId":"t"}`:                event.ClassMissingField,
		`{"tenantId":1,"eventType":"x"}`:  event.ClassWrongType,
		"{\"tenantId\":\"\xff\",\"eventType\":\"x\"}":                                          event.ClassInvalidUTF8,
		`{"tenantId":"t","eventType":"x","createdAt":"2199-01-01T00:00:00Z"}`:                  event.ClassOutOfBounds,
		`{"tenantId":"t","eventType":"x","severity":"LOUD"}`:                                   event.ClassInvalidField,
		`{"tenantId":"t","eventType":"x","payload":"text"}`:                                    event.ClassWrongType,
		`{"tenantId":"t","eventType":"x","payload":{"s":"` + strings.Repeat("x", 4096) + `"}}`: event.ClassTooLarge,
	}
	onBoth(t, func(s *stack) {
		s.config.MaxEventBytes = 4096
		s.decoder = s.newDecoder()
		var all []kafka.Message
		for value := range bad {
			all = append(all, kafka.Message{Key: []byte("k"), Value: []byte(value), Headers: []kafka.Header{{Key: "h", Value: []byte("v")}}})
		}
		all = append(all, kafka.Message{}, kafka.Message{Key: []byte("tombstone")})
		s.publishTo(0, all...) // a whole block
		s.start()
		s.await(len(all), countDead)
		s.publishTo(0, append(sample("good", 50), all...)...) // the last message
		s.publishTo(1, append(append([]kafka.Message{}, all...), sample("better", 50)...)...)
		s.settles()
		for value, class := range bad {
			got := s.count("SELECT count() FROM "+schema.DeadLetters+" WHERE value = ? AND error_class = ? AND error != '' AND header_values = if(key = 'k', ['v'], [])", value, class)
			if got != 3 {
				s.Errorf("%.60q: %d dead letters of class %s, want 3", value, got, class)
			}
		}
	})
}

// Producers compress in every way that Kafka knows.
func TestFault16_EveryCodec(t *testing.T) {
	t.Parallel()
	onBoth(t, func(s *stack) {
		for _, codec := range []compress.Compression{kafka.Gzip, kafka.Snappy, kafka.Lz4, kafka.Zstd} {
			writer, err := s.kafka.Writer(s.kafka.Topic)
			if err != nil {
				s.Fatal(err)
			}
			writer.Compression = codec
			if err := writer.WriteMessages(s.Context(), mixed(codec.String(), 500)...); err != nil {
				s.Fatal(err)
			}
			if err := writer.Close(); err != nil {
				s.Fatal(err)
			}
		}
		s.start()
		s.settles()
	})
}

// Messages of all sizes: the greatest that is allowed, one byte more, and more
// than a fetch asks for; and a network that cuts answers short.
func TestFault18_HugeMessages(t *testing.T) {
	t.Parallel()
	kafkatest.Each(t, func(t *testing.T, kind kafkatest.Kind) {
		t.Parallel()
		k, proxy := kafkatest.Proxied(t, kind)
		s := newStack(t, k, clickhousetest.Start(t))
		s.config.MaxEventBytes = 5 << 20
		s.decoder = s.newDecoder()
		sized := func(id string, size int) kafka.Message {
			head := fmt.Sprintf(`{"eventId":%q,"tenantId":"t","eventType":"x","payload":{"s":"`, id)
			var noise bytes.Buffer
			for noise.Len() < size-len(head)-3 {
				fmt.Fprintf(&noise, "%016x", rand.Uint64())
			}
			return kafka.Message{Value: append(append([]byte(head), noise.Bytes()[:size-len(head)-3]...), `"}}`...)}
		}
		most := int(s.config.MaxEventBytes)
		for i, size := range []int{most, most + 1, 3 << 20, 1 << 20, 2<<20 - 1, 2 << 20, 100} {
			s.publishTo(0, sized(fmt.Sprint("huge", i), size))
			s.publishTo(0, sample(fmt.Sprint("small", i), 5)...)
		}
		for i := range 8 {
			proxy.Truncate(int64(1) << (3 * i))
			if i == 0 {
				s.start()
			}
			s.wait(150 * time.Millisecond)
			proxy.Heal()
		}
		s.settles()
	})
}

package kafka_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"daybook/pkg/kafka"
	"daybook/pkg/kafka/kafkatest"
)

// A reader sees what was committed, and of transactions nothing else: not what was
// aborted, and no markers. Its position comes to the end of the log all the same.
func TestReader_Transactions(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, kind kafkatest.Kind) {
		c := kafkatest.Start(t, kind)
		var want []string
		said := 0
		say := func(seen bool, n int) (out []kafkago.Message) {
			for range n {
				text := fmt.Sprintf("%d %s", said, strings.Repeat("x", said%700))
				out = append(out, kafkago.Message{Value: []byte(text)})
				if said++; seen {
					want = append(want, text)
				}
			}
			return out
		}
		kafkatest.ProduceTo(t, c, 0, say(true, 3)...)
		for range 3 {
			one := kafkatest.Begin(t, c, "one")
			one.ProduceTo(0, say(true, 2)...)
			one.Commit()
			two := kafkatest.Begin(t, c, "two")
			two.ProduceTo(0, say(false, 3)...)
			three, plain := kafkatest.Begin(t, c, "three"), say(true, 50)
			kafkatest.ProduceCompressed(t, c, 0, kafkago.Zstd, plain...)
			three.ProduceTo(0, say(true, 5)...)
			two.ProduceTo(0, say(false, 200)...)
			two.Abort()
			kafkatest.ProduceTo(t, c, 0, say(true, 1)...)
			three.ProduceTo(0, say(true, 1)...)
			three.Commit()
			again := kafkatest.Begin(t, c, "two")
			again.ProduceTo(0, say(true, 1)...)
			again.Commit()
			empty := kafkatest.Begin(t, c, "four")
			empty.ProduceTo(1, kafkago.Message{Value: []byte("elsewhere")})
			empty.Abort()
		}
		last := kafkatest.Begin(t, c, "two")
		last.ProduceTo(0, say(false, 7)...)
		last.Abort()
		for _, options := range []kafka.ReaderConfig{{}, {MaxBytes: 1}, {MaxBytes: 3000}, {MaxBytes: 50_000}} {
			t.Run(strconv.Itoa(options.MaxBytes), func(t *testing.T) {
				r, err := kafka.NewReader(c, c.Topic, 0, options)
				require.NoError(t, err)
				defer func() { require.NoError(t, r.Close()) }()
				_, end, err := r.Offsets(t.Context())
				require.NoError(t, err)
				var got []string
				for next := int64(0); next < end; {
					f, err := r.Fetch(t.Context())
					require.NoError(t, err)
					for _, m := range f.Messages {
						got = append(got, string(m.Value))
					}
					next = f.Next
				}
				require.Equal(t, want, got)
			})
		}
	})
}

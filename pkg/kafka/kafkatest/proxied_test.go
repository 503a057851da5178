package kafkatest_test

import (
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"daybook/pkg/kafka/kafkatest"
)

func TestProxied(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, kind kafkatest.Kind) {
		config, proxy := kafkatest.Proxied(t, kind)
		other, otherProxy := kafkatest.Proxied(t, kind)
		require.NotEqual(t, config.Brokers, other.Brokers)
		kafkatest.ProduceTo(t, config, 0, kafka.Message{Value: []byte("a")})
		kafkatest.SetCommitted(t, config, 0, 1, "")
		require.Zero(t, proxy.Counts().Accepted, "what the test does for itself goes around")

		require.Equal(t, "a", string(read(t, config, 0, 1)[0].Value))
		require.Greater(t, proxy.Counts().Answers, int64(0))
		client, release, err := config.Client()
		require.NoError(t, err)
		defer release()
		offset, err := kafkatest.Committed(t.Context(), client, config)
		require.NoError(t, err)
		require.Equal(t, int64(1), offset)

		proxy.Refuse()
		_, err = kafkatest.Committed(t.Context(), client, config)
		require.Error(t, err, "there is no way around for anyone else")
		kafkatest.ProduceTo(t, config, 0, kafka.Message{Value: []byte("b")})
		offset, err = kafkatest.Committed(t.Context(), kafkatest.Client(t, config), config)
		require.NoError(t, err)
		require.Equal(t, int64(1), offset)
		kafkatest.ProduceTo(t, other, 0, kafka.Message{Value: []byte("c")})
		require.Equal(t, "c", string(read(t, other, 0, 1)[0].Value), "the other's network is sound")
		require.Greater(t, otherProxy.Counts().Answers, int64(0))

		proxy.Heal()
		require.Equal(t, "b", string(read(t, config, 0, 2)[1].Value))
	})
}

// A commit that the broker has done and nobody heard of: what the fault suite
// needs the proxy for.
func TestProxied_ALostAnswer(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, kind kafkatest.Kind) {
		config, proxy := kafkatest.Proxied(t, kind)
		client, release, err := config.Client()
		require.NoError(t, err)
		defer release()
		proxy.DropResponsesTo(kafkatest.Asks(kmsg.OffsetCommit))
		failed := make(chan error)
		go func() {
			_, err := client.OffsetCommit(t.Context(), &kafka.OffsetCommitRequest{
				GroupID: config.Group, GenerationID: -1,
				Topics: map[string][]kafka.OffsetCommit{config.Topic: {{Partition: 0, Offset: 7}}},
			})
			failed <- err
		}()
		require.Eventually(t, func() bool {
			offset, err := kafkatest.Committed(t.Context(), kafkatest.Client(t, config), config)
			return err == nil && offset == 7
		}, 20*time.Second, 10*time.Millisecond)
		require.Eventually(t, func() bool { return proxy.Counts().Swallowed > 0 }, 20*time.Second, time.Millisecond)
		proxy.Heal()
		require.Error(t, <-failed)
	})
}

// More tests than there are proxies to one broker wait for each other.
func TestProxied_ManyAtOnce(t *testing.T) {
	for range 8 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			config, proxy := kafkatest.Proxied(t, kafkatest.ApacheKafka)
			proxy.Delay(time.Millisecond, 0)
			kafkatest.ProduceTo(t, config, 0, kafka.Message{Value: []byte(t.Name())})
			require.Equal(t, t.Name(), string(read(t, config, 0, 1)[0].Value))
			proxy.Stall() // The next one finds it healed.
		})
	}
}

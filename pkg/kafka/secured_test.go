package kafka_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zaptest"

	"daybook/pkg/clienttls"
	"daybook/pkg/kafka"
	"daybook/pkg/kafka/kafkatest"
)

func TestSecured(t *testing.T) {
	broker := kafkatest.ApacheSecured(t) // It takes seconds to start.
	t.Run("works", func(t *testing.T) { works(t, broker) })
	t.Run("is refused", func(t *testing.T) { isRefused(t, broker) })
	t.Run("may not create", func(t *testing.T) { mayNotCreate(t, broker) })
}

// What Daybook does with Kafka works over TLS, for each way to sign in.
func works(t *testing.T, broker *kafkatest.Secured) {
	t.Helper()
	ways := map[string]kafka.Config{"mutual": broker.Mutual(t)}
	for _, mechanism := range []string{"plain", "scram-sha-256", "scram-sha-512"} {
		ways[mechanism] = broker.SASL(t, mechanism)
	}
	for name, c := range ways {
		t.Run(name, func(t *testing.T) {
			broker.Allow(t, kafkatest.Needed(c)...)
			require.NoError(t, kafka.EnsureTopics(t.Context(), c))
			partitions, err := kafka.Partitions(t.Context(), c, c.Topic)
			require.NoError(t, err)
			writer, err := c.Writer(c.Topic)
			require.NoError(t, err)
			for p := range partitions {
				writer.Balancer = kafkago.BalancerFunc(func(kafkago.Message, ...int) int { return p })
				require.NoError(t, writer.WriteMessages(t.Context(), kafkago.Message{Value: []byte("a")}))
			}
			require.NoError(t, writer.Close())
			r, err := kafka.NewReader(c, c.Topic, 0, kafka.ReaderConfig{})
			require.NoError(t, err)
			defer func() { require.NoError(t, r.Close()) }()
			f, err := r.Fetch(t.Context())
			require.NoError(t, err)
			require.Len(t, f.Messages, 1)
			group, err := c.ConsumerGroup(kafka.TimingsOf(6*time.Second), zaptest.NewLogger(t))
			require.NoError(t, err)
			generation, err := group.Next(t.Context())
			require.NoError(t, err)
			require.Len(t, generation.Assignments[c.Topic], len(partitions))
			require.NoError(t, generation.CommitOffsets(map[string]map[int]int64{c.Topic: {0: 1}}))
			require.NoError(t, group.Close())
			kafkatest.AwaitCommitted(t, c, 1)
		})
	}
}

// What keeps a client out is in the error, with the setting to look at, and soon.
// passing is what an error says that time alone may cure.
const passing = "connection refused"

func isRefused(t *testing.T, broker *kafkatest.Secured) {
	t.Helper()
	refused := func(t *testing.T, c kafka.Config, says ...string) {
		t.Helper()
		for _, err := range []error{kafka.EnsureTopics(t.Context(), c), func() error { _, err := kafka.Partitions(t.Context(), c, c.Topic); return err }()} {
			for _, text := range says {
				require.ErrorContains(t, err, text)
			}
			require.ErrorContains(t, err, "broker "+c.Brokers[0])
			require.Equal(t, slices.Contains(says, passing) || strings.Contains(err.Error(), "hung up"), kafka.IsRetriable(err), "%v", err)
		}
	}
	for _, mechanism := range []string{"plain", "scram-sha-512"} {
		for name, c := range map[string]struct {
			change func(*kafka.Config)
			says   []string
		}{
			"wrong password":  {func(c *kafka.Config) { c.SASL.Password = "wrong" }, []string{"SASL Authentication failed", "kafka.sasl.password"}},
			"unknown user":    {func(c *kafka.Config) { c.SASL.Username = "nobody" }, []string{"SASL Authentication failed", "kafka.sasl.username"}},
			"unknown CA":      {func(c *kafka.Config) { c.TLS.CA = broker.Files.Stranger }, []string{"unknown authority", "kafka.tls.ca"}},
			"no TLS":          {func(c *kafka.Config) { c.TLS = clienttls.Config{} }, []string{"kafka.tls.enabled"}},
			"nothing":         {func(c *kafka.Config) { c.TLS, c.SASL = clienttls.Config{}, kafka.SASL{} }, []string{"kafka.tls.enabled", "kafka.sasl.mechanism"}},
			"no password":     {func(c *kafka.Config) { c.SASL = kafka.SASL{} }, []string{"kafka.sasl.mechanism"}},
			"SASL, open door": {func(c *kafka.Config) { c.TLS, c.Brokers[0] = clienttls.Config{}, broker.Addr() }, []string{"kafka.sasl.mechanism"}},
			"TLS, open door":  {func(c *kafka.Config) { c.Brokers[0] = broker.Addr() }, []string{"kafka.tls.enabled"}},
		} {
			t.Run(name+", "+mechanism, func(t *testing.T) {
				config := broker.SASL(t, mechanism)
				c.change(&config)
				refused(t, config, c.says...)
			})
		}
	}
	t.Run("no certificate", func(t *testing.T) {
		config := broker.Mutual(t)
		config.TLS.Cert, config.TLS.Key = "", ""
		refused(t, config, "kafka.tls.cert")
	})
	t.Run("nobody listens", func(t *testing.T) {
		config := broker.Mutual(t)
		config.Brokers = []string{"127.0.0.1:1"}
		refused(t, config, passing)
	})
	t.Run("one of two", func(t *testing.T) {
		config := broker.SASL(t, "plain")
		broker.Allow(t, kafkatest.Needed(config)...)
		config.Brokers = append([]string{"127.0.0.1:1"}, config.Brokers...)
		require.NoError(t, kafka.EnsureTopics(t.Context(), config))
	})
}

// Where a topic is missing that Daybook may not create, the error says what to do.
func mayNotCreate(t *testing.T, broker *kafkatest.Secured) {
	t.Helper()
	config := broker.SASL(t, "plain")
	broker.Allow(t, kafkatest.Needed(config)...)
	config.Topic += ".absent"
	require.ErrorContains(t, kafka.EnsureTopics(t.Context(), config), "create it, and allow to READ and WRITE it")
}

package kafkatest_test

import (
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"daybook/pkg/kafka/kafkatest"
	"daybook/pkg/netfault"
)

// A broker that takes longer for its first answer than its metadata are kept is
// waited for.
func TestClient_SlowBroker(t *testing.T) {
	config := kafkatest.StartEmbedded(t)
	proxy := netfault.Start(t, config.Brokers[0])
	config.Brokers = []string{proxy.Addr()}
	proxy.Delay(300*time.Millisecond, 0)
	healed := time.AfterFunc(time.Second, proxy.Heal)
	defer healed.Stop()
	answer, err := kafkatest.Client(t, config).Metadata(t.Context(), &kafka.MetadataRequest{Topics: []string{config.Topic}})
	require.NoError(t, err)
	require.Len(t, answer.Topics[0].Partitions, kafkatest.Partitions)
}

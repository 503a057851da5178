package kafkatest

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	daybookkafka "daybook/pkg/kafka"
)

// DeleteRecords deletes what one partition of the settings' topic holds below
// an offset, as retention does. kafka-go has no call for it.
func DeleteRecords(t testing.TB, config daybookkafka.Config, partition int, below int64) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(config.Brokers...), kgo.Dialer(dialAround))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	one := kmsg.NewDeleteRecordsRequestTopicPartition()
	one.Partition, one.Offset = int32(partition), below
	topic := kmsg.NewDeleteRecordsRequestTopic()
	topic.Topic, topic.Partitions = config.Topic, []kmsg.DeleteRecordsRequestTopicPartition{one}
	request := kmsg.NewPtrDeleteRecordsRequest()
	request.Topics, request.TimeoutMillis = []kmsg.DeleteRecordsRequestTopic{topic}, 10_000
	answer, err := request.RequestWith(ctx, client)
	if err == nil {
		err = kerr.ErrorForCode(answer.Topics[0].Partitions[0].ErrorCode)
	}
	if err != nil {
		t.Fatalf("delete the records of %s/%d below %d: %v", config.Topic, partition, below, err)
	}
}

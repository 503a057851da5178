package kafkatest

import (
	"context"
	"testing"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	daybookkafka "daybook/pkg/kafka"
)

// Transaction is a transaction of a producer of its own. kafka-go has none.
type Transaction struct {
	testing.TB

	client *kgo.Client
	topic  string
}

// Begin begins a transaction on the settings' topic. Producers of one id are one
// producer; its end comes with the test's at the latest.
func Begin(t testing.TB, config daybookkafka.Config, id string) *Transaction {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(config.Brokers...), kgo.TransactionalID(config.Topic+"."+id),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
	if err != nil {
		t.Fatalf("make a producer with transactions: %v", err)
	}
	t.Cleanup(client.Close)
	if err := client.BeginTransaction(); err != nil {
		t.Fatalf("begin a transaction: %v", err)
	}
	return &Transaction{t, client, config.Topic}
}

// ProduceTo publishes messages to one partition, in order, as a batch.
func (x *Transaction) ProduceTo(partition int, messages ...kafka.Message) {
	x.Helper()
	records := make([]*kgo.Record, len(messages))
	for i, m := range messages {
		records[i] = &kgo.Record{Topic: x.topic, Partition: int32(partition), Key: m.Key, Value: m.Value, Timestamp: m.Time}
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := x.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		x.Fatalf("produce in a transaction: %v", err)
	}
}

// Commit ends the transaction.
func (x *Transaction) Commit() { x.Helper(); x.end(kgo.TryCommit) }

// Abort ends the transaction as if it had never been.
func (x *Transaction) Abort() { x.Helper(); x.end(kgo.TryAbort) }

func (x *Transaction) end(how kgo.TransactionEndTry) {
	x.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := x.client.EndTransaction(ctx, how); err != nil {
		x.Fatalf("end a transaction: %v", err)
	}
}

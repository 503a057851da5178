package ingest

import (
	"context"
	"errors"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"daybook/pkg/event"
)

// Prepared are blocks that are decoded already: what `daybook bench ingest`
// inserts to learn how fast the server takes blocks at all.
type Prepared struct{ blocks []*block }

// Prepare decodes messages of one topic, each partition's in its order, into
// the blocks that ingest would cut.
func Prepare(c Config, decoder *event.Decoder, messages []event.Message) (*Prepared, error) {
	p := &Prepared{}
	open := map[int32]*block{}
	for i := range messages {
		m := &messages[i]
		b := open[m.Partition]
		if b == nil {
			b = &block{topic: m.Topic, partition: m.Partition, start: m.Offset}
			open[m.Partition] = b
			p.blocks = append(p.blocks, b)
		}
		b.take(m)
		if b.offsets() >= int64(c.MaxRows) || b.bytes >= int64(c.MaxBytes) {
			delete(open, m.Partition)
		}
	}
	for _, b := range p.blocks {
		if err := b.decode(decoder); err != nil {
			return nil, err
		}
		if len(b.dead) > 0 {
			return nil, fmt.Errorf("%s/%s is no event: %w", b.topic, b.dead[0].message.Position, &b.dead[0].reason)
		}
	}
	return p, nil
}

// Insert sends the blocks, so many at a time.
func (p *Prepared) Insert(conn driver.Conn, parallel int) error {
	w := &writer{conn: conn, inserts: make(chan struct{}, parallel), metrics: newMetrics(prometheus.NewRegistry()), log: zap.NewNop()}
	group, ctx := errgroup.WithContext(context.Background())
	group.SetLimit(parallel)
	for _, b := range p.blocks {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error { return w.insert(b, b.token(), 1) })
	}
	return errors.Join(group.Wait())
}

package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
)

// keepRetention deletes what is older or more than the settings keep, until ctx
// ends.
//
// Age is that of the segment's file, and so the time of arrival. The broker's own
// retention.ms goes by the timestamps that producers write, and deletes all that
// lies before the newest expired message: one client with its clock at 1970
// would delete everybody's messages before they are stored.
//
// The last segment of a partition always stays. The broker learns from it, after
// a crash, at which offset to go on.
func (b *Broker) keepRetention(ctx context.Context, config BrokerConfig) {
	tick := time.NewTicker(retentionInterval)
	defer tick.Stop()
	for {
		b.cluster.ApplyRetention() // By size.
		if err := b.deleteOlder(ctx, config.Dir, time.Now().Add(-config.Retention)); err != nil && ctx.Err() == nil {
			config.Log.Error("embedded broker: delete old messages", zap.Error(err))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// deleteOlder deletes the segments whose last message arrived before a time.
func (b *Broker) deleteOlder(ctx context.Context, dir string, before time.Time) error {
	partitions, err := os.ReadDir(filepath.Join(dir, "partitions"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // No topic yet.
	}
	if err != nil {
		return err
	}
	request := kmsg.NewPtrDeleteRecordsRequest()
	request.TimeoutMillis = 30_000
	for _, p := range partitions {
		start, err := firstYounger(filepath.Join(dir, "partitions", p.Name()), before)
		if err != nil {
			return err
		}
		if start == 0 {
			continue
		}
		topic, partition, err := partitionOf(p.Name())
		if err != nil {
			return err
		}
		t := kmsg.NewDeleteRecordsRequestTopic()
		t.Topic = topic
		t.Partitions = []kmsg.DeleteRecordsRequestTopicPartition{{Partition: partition, Offset: start}}
		request.Topics = append(request.Topics, t)
	}
	if len(request.Topics) == 0 {
		return nil
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(b.addr))
	if err != nil {
		return err
	}
	defer client.Close()
	response, err := request.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range response.Topics {
		for _, p := range t.Partitions {
			// Out of range: retention by size has got there first.
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil && !errors.Is(err, kerr.OffsetOutOfRange) {
				errs = append(errs, fmt.Errorf("%s-%d: %w", t.Topic, p.Partition, err))
			}
		}
	}
	return errors.Join(errs...)
}

// firstYounger returns the offset at which a partition starts without its
// expired segments; 0 when none is expired. A segment's file is named for its
// first offset.
func firstYounger(dir string, before time.Time) (int64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	modified := map[int64]time.Time{}
	var bases []int64
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".dat")
		base, err := strconv.ParseInt(name, 10, 64)
		if !ok || err != nil {
			continue
		}
		info, err := e.Info()
		if err != nil {
			continue // Deleted meanwhile.
		}
		bases = append(bases, base)
		modified[base] = info.ModTime()
	}
	slices.Sort(bases)
	var start int64
	for i := range len(bases) - 1 {
		if !modified[bases[i]].Before(before) {
			break
		}
		start = bases[i+1]
	}
	return start, nil
}

// partitionOf reads the name of a partition's folder.
func partitionOf(folder string) (string, int32, error) {
	i := strings.LastIndexByte(folder, '-')
	if i < 0 {
		return "", 0, fmt.Errorf("unexpected folder %q in the broker's data", folder)
	}
	partition, err := strconv.ParseInt(folder[i+1:], 10, 32)
	if err != nil {
		return "", 0, fmt.Errorf("unexpected folder %q in the broker's data", folder)
	}
	topic, err := url.PathUnescape(folder[:i])
	return topic, int32(partition), err
}

package ingest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
)

// plan is what ingest keeps in Kafka for one partition: everything below
// offset is stored, and, where end is at least offset, the messages
// [offset, end] may be on their way into the table. It is committed as the
// group's offset with the rest in the commit's metadata, so the broker's
// generation check fences it: who may not commit may not insert.
type plan struct {
	offset int64
	end    int64     // less than offset: nothing is on its way
	last   time.Time // timestamp of the message at offset-1; zero where unknown

	foreign bool // committed by another program: it says nothing about what is stored
}

// planVersion starts the metadata, so that a later version can tell.
const planVersion = "v1"

func (p plan) pending() bool { return p.end >= p.offset }

func (p plan) metadata() string {
	parts := []string{planVersion}
	if p.pending() {
		parts = append(parts, "E="+strconv.FormatInt(p.end, 10))
	}
	if !p.last.IsZero() {
		parts = append(parts, "t="+strconv.FormatInt(p.last.UnixMilli(), 10))
	}
	return strings.Join(parts, ";")
}

// parsePlan reads a committed offset. Metadata that is not ours (a tool has
// set the offset) says nothing about what is stored beyond it.
func parsePlan(offset int64, metadata string) plan {
	p := plan{offset: offset, end: offset - 1}
	version, rest, _ := strings.Cut(metadata, ";")
	if version != planVersion {
		p.foreign = true
		return p
	}
	for part := range strings.SplitSeq(rest, ";") {
		name, value, _ := strings.Cut(part, "=")
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			continue
		}
		switch name {
		case "E":
			p.end = max(n, offset-1)
		case "t":
			p.last = time.UnixMilli(n)
		}
	}
	return p
}

// errFenced says that the group has moved on: the partition may belong to
// another member already, so nothing more may be inserted for it.
var errFenced = errors.New("the consumer group has a newer generation")

// ledger reads and writes the plans of one generation.
type ledger struct {
	client     *kafka.Client
	group      string
	topic      string
	generation int32
	member     string
}

// commit stores the plan of a partition. It returns errFenced where the
// generation is over; any other error may be tried again.
func (l *ledger) commit(ctx context.Context, partition int32, p plan) error {
	answer, err := l.client.OffsetCommit(ctx, &kafka.OffsetCommitRequest{
		GroupID: l.group, GenerationID: int(l.generation), MemberID: l.member,
		Topics: map[string][]kafka.OffsetCommit{
			l.topic: {{Partition: int(partition), Offset: p.offset, Metadata: p.metadata()}},
		},
	})
	if err != nil {
		return fmt.Errorf("commit offset %d of %s/%d: %w", p.offset, l.topic, partition, err)
	}
	for _, topic := range answer.Topics {
		for _, one := range topic {
			switch {
			case one.Error == nil:
			case errors.Is(one.Error, kafka.IllegalGeneration), errors.Is(one.Error, kafka.UnknownMemberId),
				errors.Is(one.Error, kafka.RebalanceInProgress), errors.Is(one.Error, kafka.FencedInstanceID):
				return fmt.Errorf("%w: %w", errFenced, one.Error)
			default:
				return fmt.Errorf("commit offset %d of %s/%d: %w", p.offset, l.topic, partition, one.Error)
			}
		}
	}
	return nil
}

// read returns the plan of a partition, and false where none was committed.
func (l *ledger) read(ctx context.Context, partition int32) (plan, bool, error) {
	answer, err := l.client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{
		GroupID: l.group, Topics: map[string][]int{l.topic: {int(partition)}},
	})
	if err == nil {
		err = answer.Error
	}
	if err != nil {
		return plan{}, false, fmt.Errorf("read the committed offset of %s/%d: %w", l.topic, partition, err)
	}
	for _, one := range answer.Topics[l.topic] {
		if one.Partition != int(partition) {
			continue
		}
		if one.Error != nil {
			return plan{}, false, fmt.Errorf("read the committed offset of %s/%d: %w", l.topic, partition, one.Error)
		}
		if one.CommittedOffset < 0 {
			return plan{end: -1}, false, nil
		}
		return parsePlan(one.CommittedOffset, one.Metadata), true, nil
	}
	return plan{}, false, fmt.Errorf("read the committed offset of %s/%d: the broker left it out of its answer", l.topic, partition)
}

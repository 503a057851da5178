package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
)

const (
	// storeBehind is how many records of the topic a client must be behind for
	// the store to be the better source although Kafka still has them, and
	// storeShare the share of the topic, one in so many, that its tenant has at
	// most: Kafka is read whole, whoever the records belong to, the store by
	// tenant, but each of its rows costs more.
	storeBehind = 50_000
	storeShare  = 8
	// storePatience is how long a client waits for ingest to confirm what Kafka
	// no longer has. Blocks that are on their way take less.
	storePatience = 10 * time.Second
	// purgeSlack is how much earlier than the retention says the store is looked
	// at for events that it has lost: partitions do not run in step.
	purgeSlack = 24 * time.Hour
)

// errStoreAway says that the store did not answer.
var errStoreAway = errors.New("the store of events does not answer")

// route says where what follows a client's position is to be read.
type route struct {
	store  vector // the store has everything up to here; nil: it is not asked
	needed bool   // nobody else has it
	lost   vector // what Kafka lacks before here, nobody has
}

// plan decides where a client that is behind the ring goes on reading. What
// Kafka no longer has comes from the store, up to the offsets that ingest has
// confirmed. Kafka goes on exactly there: both count in the same offsets.
func (s *session) plan(ctx context.Context, f *feed) (route, error) {
	store := s.hub.deps.Store
	next := mustParseCursor(s.at).next
	if store == nil {
		return route{lost: f.head()}, nil
	}
	var waited time.Time
	for {
		head := f.head()
		first, err := s.hub.firstOffsets(ctx, len(head))
		if err != nil {
			if err := s.pause(ctx, f); err != nil {
				return route{}, err
			}
			continue
		}
		far := !s.avoidStore && next.behind(head) > s.hub.storeBehind && f.sharesLess(s.tenant, storeShare)
		below := false
		for p, offset := range first {
			below = below || next.of(int32(p)) < min(offset, head[p])
		}
		if !below && !far {
			return route{}, nil
		}
		stored, err := store.Stored(ctx)
		if err == nil {
			to, useful := next.clone(), false
			for p := range head {
				at := next.of(int32(p))
				if end := min(head[p], vector(stored).of(int32(p))); end > at && (far || at < first[p]) {
					to.set(int32(p), end)
					useful = true
				}
			}
			if useful {
				return route{store: to, needed: below}, nil
			}
		} else {
			s.hub.log.Warn("the committed offsets of ingest cannot be read", zap.Error(err))
		}
		if !below {
			return route{}, nil
		}
		now := s.hub.deps.Now()
		if err != nil || waited.IsZero() {
			waited = now // Only an answer tells that ingest does not come.
		} else if now.Sub(waited) >= s.hub.storePatience {
			return route{lost: first}, nil
		}
		if err := s.reportLag(f); err != nil {
			return route{}, err
		}
		if err := s.pause(ctx, f); err != nil {
			return route{}, err
		}
	}
}

// firstOffsets returns where the log of each partition begins.
func (h *Hub) firstOffsets(ctx context.Context, partitions int) (vector, error) {
	first := make(vector, partitions)
	err := h.eachPartition(ctx, partitions, func(ctx context.Context, p int32, r Reader) (err error) {
		first[p], _, err = r.Offsets(ctx)
		return err
	})
	return first, err
}

// readStore delivers what the store has between the client's position and a
// position that ingest has confirmed.
func (s *session) readStore(ctx context.Context, f *feed, to vector) error {
	s.setMode(modeStore)
	s.hub.metrics.catchupStarts.WithLabelValues(modeStore).Inc()
	first, err := s.hub.firstOffsets(ctx, len(f.head()))
	if err != nil {
		return fmt.Errorf("%w: %w", errStoreAway, err)
	}
	if err := s.reportPurged(ctx, first, to); err != nil {
		return err
	}
	if to, err = s.reportLost(ctx, first, to); err != nil {
		return err
	}
	w := s.hub.openWindows(ctx, mustParseCursor(s.at), to, s.tenant, s.matcher)
	defer w.close()
	return s.pour(ctx, f, w)
}

// reportPurged announces what the retention of the store has taken from a
// client that was away for as long, and moves it behind. How many events they
// were, nobody knows any more.
func (s *session) reportPurged(ctx context.Context, first, to vector) error {
	c := mustParseCursor(s.at)
	store := s.hub.deps.Store
	if c.at().After(store.Oldest(s.tenant).Add(s.hub.purgeSlack)) {
		return nil
	}
	kept := first.clone()
	for p := range kept {
		kept[p] = max(c.next.of(int32(p)), min(kept[p], to.of(int32(p)))) // Behind it Kafka tells.
	}
	found, err := store.First(ctx, Span{Tenant: s.tenant, Matcher: s.matcher, From: c.next, To: kept}, time.UnixMilli(0))
	if err != nil {
		return fmt.Errorf("%w: %w", errStoreAway, err)
	}
	var holes []hole
	for p, offset := range found {
		if at := c.next.of(int32(p)); at < offset {
			holes = append(holes, hole{int32(p), at, offset})
			c.next.set(int32(p), offset)
		}
	}
	if len(holes) == 0 {
		return nil
	}
	after := c.at()
	s.at = c.appendText(nil)
	return s.reportGap("missingAtMost", after, holes)
}

// reportLost announces what ingest could not store and Kafka no longer has where
// the client has come upon it, and moves the client behind. It returns how far
// the store can be read until the client comes upon the next.
func (s *session) reportLost(ctx context.Context, first, to vector) (vector, error) {
	c := mustParseCursor(s.at)
	lost, err := s.hub.deps.Store.Lost(ctx, c.next, to, time.UnixMilli(0))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errStoreAway, err)
	}
	to = to.clone()
	var holes []hole
	for _, h := range lost { // By partition, then in order.
		at := c.next.of(h.partition)
		switch {
		case h.to <= at:
		case h.from > at:
			to.set(h.partition, min(h.from, to.of(h.partition)))
		case at < first.of(h.partition):
			end := min(h.to, first.of(h.partition))
			holes = append(holes, hole{h.partition, at, end})
			c.next.set(h.partition, end)
		default:
			to.set(h.partition, at)
			s.avoidStore = true // Kafka has what the store lacks.
		}
	}
	if len(holes) == 0 {
		return to, nil
	}
	after := c.at()
	s.at = c.appendText(nil)
	return to, s.reportGap("missing", after, holes)
}

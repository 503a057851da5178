package stream

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/url"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// Deps is what the stream needs from the rest of Daybook.
type Deps struct {
	Source  Source
	Decoder Decoder
	// Store has what Kafka no longer does. Nil: a hole in Kafka is a gap.
	Store Store
	// ParseFilter reads the filter parameters of a request. Equal canonical
	// texts mean equal filters: their clients share one evaluation.
	ParseFilter func(ctx context.Context, values url.Values, now time.Time) (filter Matcher, canonical string, err error)
	// ParseTime reads since=, in date math relative to now. Nil: RFC 3339 only.
	ParseTime func(text string, now time.Time) (time.Time, error)
	// StillValid reports whether a key, or a browser's session, may go on reading, by
	// auth.Principal.Credential. It is asked every few seconds for each stream, so
	// it must be cheap. Nil: they never end.
	StillValid func(credential string) bool
	Registerer prometheus.Registerer
	Log        *zap.Logger
	Now        func() time.Time // nil: time.Now
}

// Hub is the live stream of one node.
type Hub struct {
	config  Config
	deps    Deps
	log     *zap.Logger
	metrics *metrics
	clients *clientLimit
	turns   *turnstile

	retry                     time.Duration // clients wait for so long at least before they come back
	scanSlots                 int           // how many slots a client takes from the ring at once
	flushBytes                int           // how much a client that is behind gets with one write
	storeBehind, storeWindow  int64
	purgeSlack, storePatience time.Duration

	closing  chan struct{} // closed when Run ends: every stream says bye
	draining chan struct{} // closed by Drain

	mu      sync.Mutex // guards what follows
	feed    *feed      // nil while the tail is not in place
	changed chan struct{}
	streams map[*session]struct{}
	spread  time.Duration // over how long draining clients leave; set before draining is closed
	drained bool
}

// New returns the live stream of one node. It serves nobody until Run has
// placed the tail.
func New(config Config, deps Deps) *Hub {
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Log == nil {
		deps.Log = zap.NewNop()
	}
	if deps.Registerer == nil {
		deps.Registerer = prometheus.NewRegistry()
	}
	return &Hub{
		config: config, deps: deps, log: deps.Log.Named("stream"), metrics: newMetrics(deps.Registerer),
		clients:   newClientLimit(config),
		turns:     newTurnstile(config.MaxCatchups),
		scanSlots: 512, flushBytes: 64 << 10, storeBehind: storeBehind, storeWindow: firstWindow, purgeSlack: purgeSlack, storePatience: storePatience, retry: 2 * time.Second,
		closing: make(chan struct{}), draining: make(chan struct{}), changed: make(chan struct{}), streams: map[*session]struct{}{},
	}
}

// Run reads the topic until ctx ends, whatever happens to the brokers. When
// it returns, every stream is ending. It may be called once.
func (h *Hub) Run(ctx context.Context) error {
	defer h.alert()
	defer close(h.closing)
	failures := 0
	for {
		began := time.Now()
		err := h.runTail(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // Being told to stop is no failure.
		}
		if time.Since(began) > time.Minute {
			failures = 0
		}
		wait := min(100*time.Millisecond<<min(failures, 10), 5*time.Second)
		failures++
		if errors.Is(err, errLost) {
			h.metrics.restarts.Inc()
		}
		h.log.Warn("the live stream has no tail; it begins anew", zap.Error(err), zap.Duration("in", wait))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait/2 + rand.N(wait/2+1)): //nolint:gosec // Jitter needs no secrecy.
		}
	}
}

func (h *Hub) runTail(ctx context.Context) error {
	t, err := h.openTail(ctx)
	if err != nil {
		return err
	}
	defer t.close()
	defer h.setFeed(nil)
	defer t.feed.end()
	return t.run(ctx, func() { h.setFeed(t.feed) })
}

func (h *Hub) setFeed(f *feed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.feed = f
	h.wake()
}

// alert tells every stream that something concerns it: see session.look.
func (h *Hub) alert() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wake()
}

// wake is alert for whoever holds mu.
func (h *Hub) wake() {
	close(h.changed)
	h.changed = make(chan struct{})
	for s := range h.streams {
		s.alert()
	}
}

// enter and leave add and remove a stream that alerts concern.
func (h *Hub) enter(s *session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.streams[s] = struct{}{}
}

func (h *Hub) leave(s *session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.streams, s)
}

// current returns the feed, nil while there is none, and a channel that is
// closed when that changes, or when the hub drains or closes.
func (h *Hub) current() (*feed, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.feed, h.changed
}

// Ready returns why no stream can begin now, or nil.
func (h *Hub) Ready() error {
	select {
	case <-h.closing:
		return errors.New("the live stream is shutting down")
	case <-h.draining:
		return errors.New("the live stream is draining")
	default:
	}
	if f, _ := h.current(); f == nil {
		return errors.New("the live stream has not found its place in the topic yet")
	}
	return nil
}

// drainEach is how much of the drain's time a client is worth: a few leave at
// once.
const drainEach = 10 * time.Millisecond

// Drain asks every client to reconnect, elsewhere, at random moments within
// the given time, less where they are few, and refuses new ones. It returns when
// the last client has left, or ctx has ended.
func (h *Hub) Drain(ctx context.Context, within time.Duration) error {
	h.mu.Lock()
	if !h.drained {
		h.drained, h.spread = true, min(within, time.Duration(h.clients.count())*drainEach)
		close(h.draining)
		h.wake()
	}
	h.mu.Unlock()
	return h.clients.wait(ctx)
}

package stream

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"daybook/pkg/tenant"
)

// The modes of a client, as hello and lag frames and the metrics name them.
const (
	modeLive  = "live"  // shares blocks with its group
	modeRing  = "ring"  // reads the ring by itself
	modeKafka = "kafka" // reads Kafka
	modeStore = "store" // reads ClickHouse
)

// sessionTick is how often a stream looks after itself: revoked keys, age,
// checkpoints, heartbeats.
const sessionTick = 5 * time.Second

// sampleEvery is how often a client's delivery lag is measured at most.
const sampleEvery = 100 * time.Millisecond

// endError ends a stream on purpose; the client is told the reason.
type endError struct{ reason string }

func (e endError) Error() string { return "the stream ends: " + e.reason }

// errFeedEnded sends a client to the next feed.
var errFeedEnded = errors.New("the feed has ended")

// session is one client's stream. One goroutine runs it.
type session struct {
	hub     *Hub
	out     output
	http2   bool
	wire    wire
	own     bool // Daybook's own: no client, so neither counted nor revoked
	tenant  tenant.ID
	key     groupKey
	matcher Matcher

	start *start // until it has begun

	credential string // the id of the key, or of the browser's session, that must stay valid

	// at is the cursor up to which everything was delivered or does not match;
	// it may point into a shared place and must not be changed.
	at   []byte
	sent []byte // the last cursor that the client was given, or one a tick from it

	mode       string
	avoidStore bool   // the store has failed this client; it is asked only for what nobody else has
	buf        []byte // frames to be written
	bufEvents  int
	lastWrite  time.Time
	lastID     time.Time // when the client was last given an id
	deadline   time.Time // the write deadline in force
	bell       bell
	alerted    atomic.Bool // the bell was rung for something else than events
	ticker     *time.Timer
	due        atomic.Bool // the ticker has fired
	leaving    atomic.Bool // a draining client has to go now
	draining   <-chan struct{}
	expires    time.Time
	lastLag    time.Time // when the client was last told how far behind it is

	// Counted here and added up on a tick: counters that all clients share are slow.
	events, bytes int
	lastSample    time.Time // when the delivery lag was last measured
}

// begin makes the session wait and be woken, until the function that it returns is
// called.
func (s *session) begin(ctx context.Context) (end func()) {
	s.lastWrite = s.hub.deps.Now()
	s.lastID = s.lastWrite
	s.bell = newBell()
	s.alerted.Store(true) // What came before this is not told.
	s.hub.enter(s)
	gone := context.AfterFunc(ctx, s.alert)
	s.ticker = time.AfterFunc(s.tick(), func() {
		s.due.Store(true)
		s.alert()
	})
	s.draining = s.hub.draining
	age := s.hub.config.MaxAge
	s.expires = s.lastWrite.Add(age - rand.N(age/5+1)) //nolint:gosec // Jitter needs no secrecy.
	return func() {
		gone()
		s.ticker.Stop()
		s.hub.leave(s)
	}
}

// tick is how often the session looks after itself.
func (s *session) tick() time.Duration { return min(sessionTick, s.hub.config.Heartbeat) }

func (s *session) setMode(mode string) {
	if s.mode == mode {
		return
	}
	if s.mode != "" && !s.own {
		s.hub.metrics.clients.WithLabelValues(s.mode).Dec()
	}
	if mode != "" && !s.own {
		s.hub.metrics.clients.WithLabelValues(mode).Inc()
	}
	s.mode = mode
}

// run serves the stream until the client leaves or the stream ends.
func (s *session) run(ctx context.Context) error {
	defer s.setMode("")
	for {
		f, changed := s.hub.current()
		if f == nil {
			if err := s.wait(ctx, changed, nil); err != nil {
				return err
			}
			if err := s.keepAlive(); err != nil {
				return err
			}
			continue
		}
		if err := s.follow(ctx, f); !errors.Is(err, errFeedEnded) {
			return err
		}
	}
}

// follow serves the stream from one feed until the feed ends.
func (s *session) follow(ctx context.Context, f *feed) error {
	g := f.enter(s.key, s.matcher)
	defer f.leave(g)
	if mustParseCursor(s.at).epoch != f.epoch {
		if err := s.resync(ctx, f, "the topic was made anew"); err != nil {
			return err
		}
	}
	checked := false
	for {
		next := mustParseCursor(s.at).next
		seq, ok := f.locate(next)
		switch {
		case !ok:
			if err := s.catchUp(ctx, f); err != nil {
				return err
			}
			continue
		case !checked && !f.head().covers(next):
			// Ahead of this node: another one was faster, or the log lost its end.
			if err := s.checkAhead(ctx, f, next); err != nil {
				return err
			}
			checked = true
			continue
		}
		if err := s.followRing(ctx, f, g, seq); !errors.Is(err, errOvertaken) {
			return err
		}
	}
}

// drain picks the moment at which this client has to leave.
func (s *session) drain() {
	s.draining = nil
	s.hub.mu.Lock()
	spread := s.hub.spread
	s.hub.mu.Unlock()
	time.AfterFunc(rand.N(spread+1), func() { //nolint:gosec // Jitter needs no secrecy.
		s.leaving.Store(true)
		s.alert()
	})
}

// check ends streams whose key was revoked, or whose browser has signed out, and
// those that are too old.
func (s *session) check() error {
	s.count()
	if valid := s.hub.deps.StillValid; valid != nil && !s.own && !valid(s.credential) {
		return endError{"revoked"}
	}
	if s.hub.deps.Now().After(s.expires) {
		return endError{"age"}
	}
	return nil
}

// keepAlive sends a checkpoint where the position has moved without an event
// for a while, or else a heartbeat where the connection was silent. at must
// be true when it is called.
func (s *session) keepAlive() error {
	now := s.hub.deps.Now()
	tick := s.tick()
	switch {
	case now.Sub(s.lastID) >= tick-tick/8 && !bytes.Equal(s.at, s.sent):
		return s.control("checkpoint", map[string]any{"time": mustParseCursor(s.at).at()})
	case now.Sub(s.lastWrite) >= s.hub.config.Heartbeat-tick/2:
		s.buf = s.wire.appendHeartbeat(s.buf, now)
		return s.flush()
	}
	return nil
}

// control sends a named frame with the present position, after what is
// waiting to be written.
func (s *session) control(name string, members any) error {
	s.buf = s.wire.appendControl(s.buf, name, string(s.at), members)
	s.sent = s.at
	s.lastID = s.hub.deps.Now()
	return s.flush()
}

// flush writes what is waiting.
func (s *session) flush() error {
	if len(s.buf) == 0 {
		return nil
	}
	err := s.write(s.buf, s.bufEvents)
	if s.bufEvents > 0 {
		s.sent, s.lastID = s.at, s.lastWrite
	}
	s.buf, s.bufEvents = s.buf[:0], 0
	if err != nil {
		return err
	}
	return s.push()
}

// write hands bytes to the connection, which may send them later.
func (s *session) write(p []byte, events int) error {
	if err := s.beginWrite(); err != nil {
		return err
	}
	if _, err := s.out.Write(p); err != nil {
		return s.writeError(err)
	}
	s.events += events
	s.bytes += len(p)
	return nil
}

// beginWrite gives the connection time for a write that begins now.
func (s *session) beginWrite() error {
	now := s.hub.deps.Now()
	// Moving a deadline costs as much as a small write, so it is moved when a tenth of it is gone.
	if timeout := s.hub.config.WriteTimeout; s.deadline.Sub(now) < timeout-timeout/10 {
		s.deadline = now.Add(timeout)
		if err := s.out.SetWriteDeadline(s.deadline); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
	}
	s.lastWrite = now
	return nil
}

// count adds what was delivered, and how far behind it is, to the metrics.
func (s *session) count() {
	if s.own {
		return
	}
	if f, _ := s.hub.current(); f != nil && s.mode != "" {
		behind := int64(0) // A live client has what there is, but for the write that is due.
		if s.mode != modeLive {
			behind = mustParseCursor(s.at).next.behind(f.head())
		}
		s.hub.metrics.clientLag.Observe(float64(behind))
	}
	s.hub.metrics.events.Add(float64(s.events))
	s.hub.metrics.bytes.Add(float64(s.bytes))
	s.events, s.bytes = 0, 0
}

// push sends what was handed to the connection.
func (s *session) push() error {
	if err := s.out.Flush(); err != nil {
		return s.writeError(err)
	}
	if s.http2 {
		// There, a deadline that passes while nothing is written resets the stream.
		s.deadline = time.Time{}
		return s.out.SetWriteDeadline(s.deadline)
	}
	return nil
}

func (s *session) writeError(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		s.hub.metrics.writeTimeouts.Inc()
	}
	return errors.Join(errClientGone, err)
}

// errClientGone says that the client's connection takes no more bytes.
var errClientGone = errors.New("the client has gone")

// finish says why the stream ends, where there is somebody to tell.
func (s *session) finish(err error) (reason string) {
	defer s.count()
	var end endError
	switch {
	case errors.As(err, &end):
		retry := jitter(time.Second, 4*time.Second)
		s.buf = s.wire.appendRetry(s.buf, retry)
		_ = s.control("bye", map[string]any{"reason": end.reason, "reconnectInMs": retry.Milliseconds()}) // The stream is over either way.
		return end.reason
	case errors.Is(err, errClientGone), errors.Is(err, context.Canceled):
		return "client"
	default:
		_ = s.control("error", map[string]any{"detail": "the stream failed; reconnect to go on"}) // As above.
		return "error"
	}
}

// jitter returns a duration between least and least+spread.
func jitter(least, spread time.Duration) time.Duration {
	return least + rand.N(spread) //nolint:gosec // Jitter needs no secrecy.
}

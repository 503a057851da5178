package stream

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"go.uber.org/zap"

	"daybook/pkg/apierror"
	"daybook/pkg/auth"
	"daybook/pkg/httpserver"
	"daybook/pkg/tenant"
	"daybook/query/filter"
)

// Parameters are the query parameters of a stream beside those of the filter.
var Parameters = []string{"lastEventId", "since", "tail"}

// startWait is how long a request waits for a node that is just starting.
const startWait = 5 * time.Second

// Handler returns the handler of GET /api/v1/events/stream. The request's
// context must carry the tenant and the verified caller.
func (h *Hub) Handler() echo.HandlerFunc {
	return func(c echo.Context) error { return h.Serve(c.Response(), c.Request()) }
}

// Serve streams to one client until it leaves. An error that it returns came
// before the first byte and is to be answered with as a problem.
func (h *Hub) Serve(w http.ResponseWriter, r *http.Request) error {
	err := h.serve(w, r)
	if err != nil {
		h.metrics.connects.WithLabelValues(string(apierror.From(err).Kind)).Inc()
	}
	return err
}

// request is what a client asks for.
type request struct {
	resume *cursor
	since  time.Time // zero: not asked for
	tail   int       // zero: not asked for, or something that goes before it is
	key    groupKey
	match  Matcher
}

func (h *Hub) serve(w http.ResponseWriter, r *http.Request) error {
	req, err := h.parse(r)
	if err != nil {
		return err
	}
	id := req.key.tenant
	principal, _ := auth.FromContext(r.Context())
	setting, limit, ok := h.clients.enter(id, principal.KeyID)
	if !ok {
		return h.refuse(w, r, req.key.wire, setting, limit)
	}
	leave := func() { h.clients.leave(id, principal.KeyID) }
	detached := false
	defer func() {
		if !detached {
			leave()
		}
	}()
	rc := http.NewResponseController(w)
	// Whoever set a read deadline meant the request; on a stream it would cancel the context (golang/go#70834).
	if err := rc.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return apierror.From(err)
	}
	s := &session{
		hub: h, http2: r.ProtoMajor > 1,
		wire: req.key.wire, tenant: id, credential: principal.Credential(), key: req.key, matcher: req.match,
	}
	ctx := r.Context()
	f, err := h.await(ctx)
	if err != nil {
		return err
	}
	holes, mode, err := s.place(ctx, f, req)
	if err != nil {
		return err
	}
	s.start = &start{feed: f, request: req, mode: mode, holes: holes}
	setHeader(w.Header(), s.wire)
	err = httpserver.Detach(w, func(ctx context.Context, body *httpserver.Body) {
		defer leave()
		s.serve(ctx, bare{body})
	})
	switch {
	case err == nil:
		detached = true
		return nil
	case !errors.Is(err, http.ErrNotSupported):
		return apierror.From(err)
	}
	w.WriteHeader(http.StatusOK)
	s.serve(ctx, newAnswer(w))
	return nil
}

// start is what a stream begins with.
type start struct {
	feed    *feed
	request request
	mode    string
	holes   []hole
}

// serve is the whole of a stream.
func (s *session) serve(ctx context.Context, to output) {
	s.out = to
	defer s.begin(ctx)()
	s.hub.metrics.connects.WithLabelValues("ok").Inc()
	reason := s.finish(s.open(ctx))
	s.hub.metrics.ends.WithLabelValues(reason).Inc()
	s.hub.log.Debug("a stream ended", zap.String("reason", reason))
}

// open sends the first frames and then the stream.
func (s *session) open(ctx context.Context) error {
	f, req, mode, holes := s.start.feed, s.start.request, s.start.mode, s.start.holes
	s.start = nil // A ring that is no longer read from must not live on in a client.
	s.hub.metrics.resumes.WithLabelValues(mode).Inc()
	id := string(s.at)
	older := req.tail > 0 && mode == modeKafka
	if older || len(holes) > 0 {
		id = "" // What comes first is before this place: a client cut off here must not skip it.
	}
	s.buf = s.wire.appendRetry(s.buf, jitter(s.hub.retry, s.hub.retry*3/2))
	s.buf = s.wire.appendControl(s.buf, "hello", id, map[string]any{
		"mode":        mode,
		"serverTime":  s.hub.deps.Now().UTC(),
		"heartbeatMs": s.hub.config.Heartbeat.Milliseconds(),
		"maxAgeMs":    s.hub.config.MaxAge.Milliseconds(),
	})
	s.sent = s.at
	if err := s.flush(); err != nil {
		return err
	}
	if len(holes) > 0 {
		if err := s.reportGap("missingAtMost", req.since, holes); err != nil {
			return err
		}
	}
	if older {
		if err := s.readTail(ctx, f, req.tail); err != nil && !errors.Is(err, errFeedEnded) {
			return err
		}
	}
	return s.run(ctx)
}

// place decides where the stream begins and from where its first events come.
// The holes are what it asks for and can't have.
func (s *session) place(ctx context.Context, f *feed, req request) (holes []hole, mode string, err error) {
	here := f.last()
	s.at, mode = here.id, modeLive
	switch {
	case req.resume != nil:
		s.at = req.resume.appendText(nil)
		if _, ok := f.locate(req.resume.next); !ok || req.resume.epoch != f.epoch {
			mode = modeKafka
		} else if !req.resume.next.covers(here.next) {
			mode = modeRing
		}
	case !req.since.IsZero():
		ctx, cancel := context.WithTimeout(ctx, startWait)
		defer cancel()
		next, missing, err := s.hub.offsetsSince(ctx, f, s.tenant, req.since)
		if err != nil {
			return nil, "", unavailable("Kafka or the event store does not answer; try again", err)
		}
		s.at, holes, mode = cursor{epoch: f.epoch, time: req.since.UnixMilli(), next: next}.appendText(nil), missing, modeKafka
		if _, ok := f.locate(next); ok {
			mode = modeRing
		}
	case req.tail > 0:
		c, enough := f.newest(req.key.tenant, req.match, req.tail)
		if !enough {
			return nil, modeKafka, nil
		}
		s.at, mode = c.appendText(nil), modeRing
	}
	return holes, mode, nil
}

// setHeader sets the header of a stream.
func setHeader(header http.Header, wire wire) {
	header.Set("Content-Type", wire.contentType())
	header.Set("Cache-Control", "no-store, no-transform")
	header.Set("X-Accel-Buffering", "no")
	// nginx compresses what has no encoding, whatever no-transform says, and then
	// holds events back until it has enough of them.
	header.Set("Content-Encoding", "identity")
	header.Add("Vary", "Accept, Authorization, Cookie")
}

// await returns the feed, waiting a little for a node that is starting.
func (h *Hub) await(ctx context.Context) (*feed, error) {
	timer := time.NewTimer(startWait)
	defer timer.Stop()
	for {
		f, changed := h.current()
		if f != nil {
			if err := h.Ready(); err != nil {
				return nil, unavailable(err.Error(), nil)
			}
			return f, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-h.closing:
			return nil, unavailable("the live stream is shutting down", nil)
		case <-timer.C:
			return nil, unavailable("the live stream has not found its place in Kafka yet; try again", nil)
		}
	}
}

func unavailable(detail string, cause error) error {
	return &apierror.Error{Kind: apierror.KindUnavailable, Detail: detail, RetryAfter: 2 * time.Second, Cause: cause}
}

// refuse tells a client that there is no room. A browser's own EventSource
// gives up for ever on any status but 200, so it is told in the stream.
func (h *Hub) refuse(w http.ResponseWriter, r *http.Request, wire wire, setting string, limit int) error {
	problem := &apierror.Error{
		Kind: apierror.KindTooMany, RetryAfter: 10 * time.Second,
		Detail: "there are " + strconv.Itoa(limit) + " open streams already; close one, or raise " + setting,
	}
	principal, _ := auth.FromContext(r.Context())
	native := principal.Session != "" || r.Header.Get("Sec-Fetch-Mode") != "" // The latter is sent over TLS and loopback alone.
	if !native || r.Header.Get("Authorization") != "" || wire != wireSSE {
		return problem
	}
	h.metrics.connects.WithLabelValues(string(problem.Kind)).Inc()
	retry := jitter(problem.RetryAfter, 10*time.Second)
	setHeader(w.Header(), wire)
	w.WriteHeader(http.StatusOK)
	frame := wire.appendRetry(nil, retry)
	frame = wire.appendControl(frame, "error", "", map[string]any{"type": problem.Kind, "detail": problem.Detail})
	frame = wire.appendControl(frame, "bye", "", map[string]any{"reason": "limit", "reconnectInMs": retry.Milliseconds()})
	_, _ = w.Write(frame) // Whoever does not read it is refused all the same.
	return nil
}

// parse reads the request. Its errors name the parameter at fault.
func (h *Hub) parse(r *http.Request) (request, error) {
	values, err := filter.Values(r.URL.RawQuery)
	if err != nil {
		return request{}, err
	}
	for _, name := range Parameters {
		if len(values[name]) > 1 {
			return request{}, apierror.Invalid(name, "is given %d times, once is allowed", len(values[name]))
		}
	}
	now := h.deps.Now()
	req := request{key: groupKey{tenant: tenant.FromContext(r.Context()), wire: wireOf(r)}}
	last, name := r.Header.Get("Last-Event-ID"), "Last-Event-ID"
	if last == "" {
		last, name = values.Get("lastEventId"), "lastEventId"
	}
	if last != "" {
		c, err := parseCursor(last)
		if err != nil {
			return request{}, apierror.Invalid(name, "%v", err)
		}
		req.resume = &c
	}
	if text := values.Get("since"); text != "" {
		t, err := h.parseTime(text, now)
		if err != nil {
			return request{}, apierror.Invalid("since", "%v", err)
		}
		req.since = t
	}
	if text := values.Get("tail"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > maxTail {
			return request{}, apierror.Invalid("tail", "%q is not a number from 0 to %d", text, maxTail)
		}
		req.tail = n
	}
	if req.resume != nil || !req.since.IsZero() {
		req.tail = 0
	}
	for _, name := range Parameters {
		values.Del(name)
	}
	match, canonical, err := h.deps.ParseFilter(r.Context(), values, now)
	if err != nil {
		return request{}, err
	}
	req.match, req.key.canonical = match, canonical
	return req, nil
}

func (h *Hub) parseTime(text string, now time.Time) (time.Time, error) {
	if h.deps.ParseTime != nil {
		return h.deps.ParseTime(text, now)
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, errors.New("write a time like 2026-04-17T14:32:01Z")
	}
	return t, nil
}

// wireOf picks NDJSON for whoever asks for it and not for events.
func wireOf(r *http.Request) wire {
	accept := strings.ToLower(strings.Join(r.Header.Values("Accept"), ","))
	if strings.Contains(accept, "application/x-ndjson") && !strings.Contains(accept, "text/event-stream") {
		return wireNDJSON
	}
	return wireSSE
}

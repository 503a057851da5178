package stream

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"daybook/pkg/apierror"
	"daybook/pkg/auth"
	"daybook/pkg/bytesize"
	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/client"
	"daybook/pkg/event"
	"daybook/pkg/httpserver"
	daybookkafka "daybook/pkg/kafka"
	"daybook/pkg/kafka/kafkatest"
	"daybook/pkg/tenant"
	"daybook/query/filter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(clickhousetest.Main(m)) }

// stack is a hub on a real broker behind a real HTTP server.
type stack struct {
	t        *testing.T
	kafka    daybookkafka.Config
	config   Config
	hub      *Hub
	url      string
	stop     func() // ends the hub and the server
	http2    bool
	native   string // the tenant of clients that can't set a header
	revoked  sync.Map
	deps     func(*Deps)
	tune     func(*Hub)
	registry *prometheus.Registry
	mu       sync.Mutex // guards url while the node restarts
}

func newStack(t *testing.T, change ...func(*stack)) *stack {
	t.Helper()
	s := &stack{t: t, config: DefaultConfig()}
	for _, f := range change {
		f(s)
	}
	if len(s.kafka.Brokers) == 0 {
		s.kafka = kafkatest.StartEmbedded(t)
	}
	s.start()
	return s
}

// start runs a node; a test may stop it and start it again.
func (s *stack) start() {
	s.t.Helper()
	decoder, err := event.NewDecoder(event.DefaultConfig())
	if err != nil {
		s.t.Fatal(err)
	}
	s.registry = prometheus.NewRegistry()
	deps := Deps{
		Source: Topic(s.kafka), Decoder: decoder,
		ParseFilter: func(ctx context.Context, values url.Values, now time.Time) (Matcher, string, error) {
			f, err := filter.ParseRequest(ctx, values, now)
			if err != nil {
				return nil, "", err
			}
			return f, f.Canonical(), nil
		},
		StillValid: func(key string) bool { _, gone := s.revoked.Load(key); return !gone },
		Registerer: s.registry, Log: zaptest.NewLogger(s.t, zaptest.Level(zap.ErrorLevel)),
	}
	if s.deps != nil {
		s.deps(&deps)
	}
	hub := New(s.config, deps)
	if s.tune != nil {
		s.tune(hub)
	}
	s.hub = hub
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := hub.Run(ctx); err != nil {
			s.t.Errorf("the hub ended with %v", err)
		}
	})
	var streams httpserver.Streams
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// As the house's middleware does: a key names its tenant.
		key, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if r.URL.Path == "/page" || r.URL.Path == "/favicon.ico" { // What a browser asks for besides.
			w.Header().Set("Content-Type", "text/html")
			return
		}
		named := r.Header.Get("X-Tenant-Id")
		if named == "" {
			named = s.native
		}
		c := auth.NewContext(r.Context(), auth.Principal{KeyID: key})
		c = tenant.NewContext(c, tenant.ID(named))
		answer := streams.Detachable(w, r)
		defer answer.Start(nil)
		if err := hub.Serve(answer, r.WithContext(c)); err != nil {
			problem := apierror.From(err)
			if problem.RetryAfter > 0 {
				w.Header().Set("Retry-After", strconv.Itoa(int(problem.RetryAfter.Seconds())))
			}
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(problem.Status())
			_ = json.NewEncoder(w).Encode(map[string]any{"type": problem.Kind, "detail": problem.Detail, "errors": problem.Fields})
		}
	}))
	// Both would cut a stream that does not see to its own deadlines.
	server.Config.ReadTimeout, server.Config.WriteTimeout = time.Second, time.Second
	if s.http2 {
		server.EnableHTTP2 = true
		server.StartTLS()
	} else {
		server.Start()
	}
	s.url = server.URL
	stopped := false
	s.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		running.Wait()
		server.Close()
		patience, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		streams.Wait(patience)
	}
	s.t.Cleanup(s.stop)
	poll(s.t, "the hub is ready", func() bool { return hub.Ready() == nil })
}

// poll waits until ok, which it asks every few milliseconds.
func poll(t testing.TB, what string, ok func() bool) {
	t.Helper()
	pollEvery(t, 5*time.Millisecond, what, ok)
}

func pollEvery(t testing.TB, interval time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("it did not come about that %s", what)
		case <-ticker.C:
		}
	}
}

// publish sends events of a tenant to a partition and waits for Kafka.
func (s *stack) publish(partition int, id string, names ...string) {
	s.t.Helper()
	messages := make([]kafka.Message, len(names))
	for i, name := range names {
		messages[i] = kafka.Message{Value: eventJSON(id, name)}
	}
	kafkatest.ProduceTo(s.t, s.kafka, partition, messages...)
}

func eventJSON(id, name string) []byte {
	return fmt.Appendf(nil, `{"eventId":%q,"tenantId":%q,"eventType":"payment.received","source":"billing","severity":"INFO",
		"payload":{"amount":450.00,"name":%[1]q}}`, name, id)
}

// reader is one client's connection.
type reader struct {
	t        *testing.T
	sse      *client.SSEReader
	response *http.Response
	cancel   context.CancelFunc
}

type option func(*http.Request)

func header(name, value string) option { return func(r *http.Request) { r.Header.Set(name, value) } }

func param(name, value string) option {
	return func(r *http.Request) {
		q := r.URL.Query()
		q.Set(name, value)
		r.URL.RawQuery = q.Encode()
	}
}

// request asks for a stream as curl does.
func (s *stack) request(ctx context.Context, id string, options ...option) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/api/v1/events/stream", nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer key-"+id)
	r.Header.Set("X-Tenant-Id", id)
	r.Header.Set("Accept", "text/event-stream")
	for _, o := range options {
		o(r)
	}
	// A connection of its own, which ends with the stream.
	transport := &http.Transport{DisableKeepAlives: true}
	return transport.RoundTrip(r)
}

func (s *stack) connect(id string, options ...option) *reader {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	response, err := s.request(ctx, id, options...) //nolint:bodyclose // The reader closes it, at the end of the test at the latest.
	if err != nil {
		cancel()
		s.t.Fatal(err)
	}
	r := &reader{t: s.t, sse: client.NewSSEReader(response.Body), response: response, cancel: cancel}
	s.t.Cleanup(r.close)
	if response.StatusCode != http.StatusOK {
		s.t.Fatalf("the stream answers %s", response.Status)
	}
	return r
}

func (r *reader) close() {
	r.cancel()
	_ = r.response.Body.Close()
}

// next returns the next frame, or fails after a while.
func (r *reader) next() client.Frame {
	r.t.Helper()
	timer := time.AfterFunc(30*time.Second, r.cancel)
	defer timer.Stop()
	f, err := r.sse.Next()
	if err != nil {
		r.t.Fatalf("the stream ended: %v", err)
	}
	return f
}

// frame returns the next frame of a name; other control frames are passed over.
func (r *reader) frame(name string) client.Frame {
	r.t.Helper()
	for {
		f := r.next()
		if f.Name == name {
			return f
		}
		if f.Name == "message" {
			r.t.Fatalf("an event came where %s was awaited: %s", name, f.Data)
		}
	}
}

// events returns the ids of the next n events.
func (r *reader) events(n int) []string {
	r.t.Helper()
	var ids []string
	for len(ids) < n {
		f := r.next()
		switch f.Name {
		case "message":
			ids = append(ids, eventID(r.t, f.Data))
		case "gap", "resync", "error", "bye":
			r.t.Fatalf("after %d events came %s: %s", len(ids), f.Name, f.Data)
		}
	}
	return ids
}

func eventID(t *testing.T, data []byte) string {
	t.Helper()
	var e struct{ EventID, TenantID string }
	if err := json.Unmarshal(data, &e); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return e.EventID
}

func names(prefix string, from, to int) []string {
	var list []string
	for i := from; i < to; i++ {
		list = append(list, fmt.Sprintf("%s-%d", prefix, i))
	}
	return list
}

// metric returns the sum of a counter or gauge, or how often a histogram has
// observed, over its labels.
func metric(t testing.TB, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	return metricOf(t, registry, name, "")
}

// metricOf returns a counter or gauge with a label of the given value.
func metricOf(t testing.TB, registry *prometheus.Registry, name, label string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		sum := 0.0
		for _, m := range f.GetMetric() {
			wanted := label == ""
			for _, l := range m.GetLabel() {
				wanted = wanted || l.GetValue() == label
			}
			if wanted {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
		return sum
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

func smallRing(s *stack) { s.config.RingBytes = 64 * bytesize.KiB }

package stream

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"daybook/pkg/auth"
	"daybook/pkg/bytesize"
	"daybook/pkg/client"
	"daybook/pkg/event"
	"daybook/pkg/tenant"
)

var (
	schedules = flag.Int("schedules", 300, "random schedules of TestStream_Model")
	firstSeed = flag.Uint64("seed", uint64(time.Now().UnixNano()), "seed of the first schedule of TestStream_Model")
)

// TestStream_Model runs random schedules of everything that can happen to a
// stream, in virtual time, and compares what each client got with what the
// topic had: each matching event once, in order within its partition, and
// each hole covered by exactly one gap.
func TestStream_Model(t *testing.T) {
	t.Logf("seeds from %d", *firstSeed)
	for i := range *schedules {
		seed := *firstSeed + uint64(i)
		if !t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newModel(t, seed).run() })
		}) {
			t.Fatalf("run again with -seed %d -schedules 1", seed)
		}
	}
}

type model struct {
	t        *testing.T
	dice     *rand.Rand
	topic    *memoryTopic
	store    *memoryStore // nil: the node has none
	config   Config
	hub      *Hub
	registry *prometheus.Registry // of the hub
	stop     func()
	clients  []*modelClient
	history  []modelEvent // everything that was ever appended
	decoder  *event.Decoder
}

type modelEvent struct {
	epoch     uint32
	partition int32
	offset    int64
	tenant    string
	severity  string
}

func (e modelEvent) id() string { return fmt.Sprintf("%d:%d/%d", e.epoch, e.partition, e.offset) }

// modelClient is a client over all of its connections.
type modelClient struct {
	tenant, severity string
	start            cursor // from its first hello
	last             string
	got              []string
	gaps             []modelGap
	resyncs          int
	socket           *socket
	done             chan struct{}
}

type modelGap struct {
	Partition int32
	From, To  int64
}

func newModel(t *testing.T, seed uint64) *model {
	t.Helper()
	decoder, err := event.NewDecoder(event.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	dice := rand.New(rand.NewPCG(seed, 7))
	m := &model{t: t, dice: dice, decoder: decoder, config: DefaultConfig()}
	m.topic = newMemoryTopic(1+dice.IntN(3), rand.New(rand.NewPCG(seed, 8)))
	m.topic.failures = float64(dice.IntN(2)) * 0.05
	if dice.IntN(4) > 0 {
		m.store = &memoryStore{topic: m.topic, decoder: decoder, dice: rand.New(rand.NewPCG(seed, 9)), failures: float64(dice.IntN(2)) * 0.04}
	}
	m.config.RingBytes = bytesize.Size(1 + dice.IntN(60_000))
	m.config.Preload = time.Duration(dice.IntN(2)) * 5 * time.Second
	m.config.MaxCatchups = 1 + dice.IntN(3)
	m.config.MaxAge = time.Duration(5+dice.IntN(60)) * time.Second
	return m
}

func (m *model) startHub() {
	m.registry = prometheus.NewRegistry()
	deps := Deps{
		Registerer: m.registry,
		Source:     m.topic, Decoder: m.decoder,
		ParseFilter: func(_ context.Context, values url.Values, _ time.Time) (Matcher, string, error) {
			return severityMatcher(values.Get("severity")), values.Get("severity"), nil
		},
	}
	if m.store != nil {
		deps.Store = m.store
	}
	m.hub = New(m.config, deps)
	m.hub.storeBehind, m.hub.storeWindow = int64(m.dice.IntN(60)), 1+int64(m.dice.IntN(20))
	m.hub.purgeSlack, m.hub.storePatience = time.Hour, 2*time.Second
	// Small steps, so that there are many places at which something can happen.
	m.hub.scanSlots, m.hub.flushBytes = 1+m.dice.IntN(8), 1+m.dice.IntN(2000)
	ctx, cancel := context.WithCancel(m.t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = m.hub.Run(ctx) })
	m.stop = func() {
		cancel()
		running.Wait()
	}
}

// severityMatcher wants one severity, or with "" all.
type severityMatcher string

func (s severityMatcher) Match(e *event.Event) bool {
	return s == "" || string(s) == e.Severity.String()
}

func (m *model) run() {
	m.startHub()
	for range 5 + m.dice.IntN(60) {
		m.step()
	}
	m.settle()
	for i, c := range m.clients {
		m.check(i, c)
	}
	m.stop()
	if n := metric(m.t, m.registry, "daybook_stream_handover_overlap_events_total"); n != 0 {
		m.t.Errorf("%v events came from two sources", n)
	}
}

func (m *model) step() {
	switch n := m.dice.IntN(100); {
	case n < 45:
		m.append(1 + m.dice.IntN(30))
	case n < 60:
		if len(m.clients) < 5 {
			c := &modelClient{tenant: m.tenant(), severity: []string{"", "", "ERROR"}[m.dice.IntN(3)]}
			m.clients = append(m.clients, c)
			m.connect(c, math.MaxInt)
		}
	case n < 75:
		m.someClient(func(c *modelClient) {
			m.disconnect(c)
			budget := math.MaxInt
			if m.dice.IntN(2) == 0 {
				budget = m.dice.IntN(6000)
			}
			m.connect(c, budget)
		})
	case n < 80:
		m.someClient(func(c *modelClient) { c.socket.stall() })
	case n < 85:
		m.someClient(func(c *modelClient) { c.socket.unstall() })
	case n < 87:
		m.stop()
		m.startHub()
	case n < 91: // Of the rest of the time, ingest is behind.
		for p := range m.topic.partitions {
			m.ingest(p, m.dice.IntN(60))
		}
	case n < 92:
		if m.store != nil {
			m.store.purge()
		}
	case n < 94:
		p := m.dice.IntN(len(m.topic.partitions))
		m.topic.mu.Lock()
		log := m.topic.partitions[p]
		m.topic.mu.Unlock()
		m.topic.retain(p, log.first+m.dice.Int64N(log.end-log.first+1))
	case n < 95:
		m.topic.mu.Lock()
		if len(m.topic.partitions) < 5 {
			m.topic.partitions = append(m.topic.partitions, memoryLog{})
		}
		m.topic.mu.Unlock()
	case n < 96:
		m.topic.recreate()
		if m.store != nil {
			m.store.forget()
		}
	default:
		time.Sleep(time.Duration(m.dice.IntN(8000)) * time.Millisecond) //nolint:forbidigo // Virtual time.
	}
	if m.dice.IntN(2) == 0 {
		time.Sleep(time.Duration(m.dice.IntN(40)) * time.Millisecond) //nolint:forbidigo // Virtual time.
	}
}

func (m *model) ingest(p, n int) {
	if m.store != nil {
		m.store.ingest(p, n)
	}
}

func (m *model) tenant() string { return []string{"a", "b"}[m.dice.IntN(2)] }

func (m *model) append(n int) {
	for range n {
		p := m.dice.IntN(len(m.topic.partitions))
		e := modelEvent{epoch: m.topic.epoch, partition: int32(p), tenant: m.tenant(), severity: []string{"INFO", "ERROR"}[m.dice.IntN(2)]}
		skip := int64(m.dice.IntN(8) / 7)
		if m.dice.IntN(20) == 0 {
			m.topic.append(p, []byte("no event"), skip)
			continue
		}
		m.topic.mu.Lock()
		e.offset = m.topic.partitions[p].end + skip
		m.topic.mu.Unlock()
		m.topic.append(p, fmt.Appendf(nil, `{"eventId":%q,"tenantId":%q,"eventType":"t","severity":%q,"payload":{"x":"%s"}}`,
			e.id(), e.tenant, e.severity, strings.Repeat("x", m.dice.IntN(300))), skip)
		m.history = append(m.history, e)
	}
}

func (m *model) someClient(f func(*modelClient)) {
	if len(m.clients) > 0 {
		f(m.clients[m.dice.IntN(len(m.clients))])
	}
}

// connect begins a connection that breaks after so many bytes.
func (m *model) connect(c *modelClient, budget int) {
	ctx, cancel := context.WithCancel(m.t.Context())
	ctx = tenant.NewContext(auth.NewContext(ctx, auth.Principal{KeyID: "k"}), tenant.ID(c.tenant))
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "/?severity="+c.severity, nil)
	if err != nil {
		m.t.Fatal(err)
	}
	if c.last != "" {
		r.Header.Set("Last-Event-ID", c.last)
	}
	c.socket = &socket{cancel: cancel, budget: budget, header: http.Header{}}
	c.done = make(chan struct{})
	hub, socket, done := m.hub, c.socket, c.done
	go func() {
		defer close(done)
		_ = hub.Serve(socket, r) // A node that stops refuses; the client comes again.
	}()
}

// disconnect ends the connection and takes in what it brought.
func (m *model) disconnect(c *modelClient) {
	c.socket.unstall()
	c.socket.cancel()
	<-c.done
	sse := client.NewSSEReader(bytes.NewReader(c.socket.bytes()))
	for {
		f, err := sse.Next()
		if err != nil {
			break
		}
		m.take(c, f)
	}
	if id := sse.LastID(); id != "" {
		c.last = id
	}
}

func (m *model) take(c *modelClient, f client.Frame) {
	switch f.Name {
	case "hello":
		if c.start.next == nil {
			c.start = mustParseCursor([]byte(f.ID))
		}
	case "message":
		var e struct{ EventID, TenantID, Severity string }
		if err := json.Unmarshal(f.Data, &e); err != nil {
			m.t.Fatal(err)
		}
		if e.TenantID != c.tenant || c.severity != "" && e.Severity != c.severity {
			m.t.Errorf("a client of %s wanting %q got %s", c.tenant, c.severity, f.Data)
		}
		c.got = append(c.got, e.EventID)
	case "gap":
		var g struct{ Partitions []modelGap }
		if err := json.Unmarshal(f.Data, &g); err != nil || len(g.Partitions) == 0 {
			m.t.Fatalf("gap %s: %v", f.Data, err)
		}
		c.gaps = append(c.gaps, g.Partitions...)
	case "resync":
		c.resyncs++
	case "error":
		m.t.Errorf("error: %s", f.Data)
	}
}

// settle lets every client come to the end.
func (m *model) settle() {
	m.topic.mu.Lock()
	m.topic.failures = 0
	m.topic.mu.Unlock()
	if m.store != nil {
		m.store.mu.Lock()
		m.store.failures = 0
		m.store.mu.Unlock()
		if m.dice.IntN(2) == 0 { // Else ingest never comes, and what Kafka has lost is lost.
			for p := range m.topic.partitions {
				m.ingest(p, math.MaxInt)
			}
		}
	}
	time.Sleep(watchTopic + time.Second) //nolint:forbidigo // Virtual time, until the node knows of partitions that came late.
	for range 3 {
		for _, c := range m.clients {
			m.disconnect(c)
			m.connect(c, math.MaxInt)
		}
		time.Sleep(m.hub.storePatience + 3*time.Second) //nolint:forbidigo // Virtual time.
		synctest.Wait()
	}
	for _, c := range m.clients {
		m.disconnect(c)
	}
}

func (m *model) check(i int, c *modelClient) {
	anew := c.start.epoch != m.topic.epoch // since the client began
	if (c.resyncs > 0) != anew {
		m.t.Errorf("client %d was told to resync %d times; topic made anew: %t", i, c.resyncs, anew)
	}
	seen := map[string]int{}
	last := map[int32]int64{}
	for _, id := range c.got {
		seen[id]++
		var epoch uint32
		var p int32
		var offset int64
		if _, err := fmt.Sscanf(id, "%d:%d/%d", &epoch, &p, &offset); err != nil {
			m.t.Fatal(err)
		}
		if before, ok := last[p]; ok && before >= offset && !anew {
			m.t.Errorf("client %d: %s came after offset %d", i, id, before)
		}
		last[p] = offset
	}
	for _, e := range m.history {
		if e.epoch != m.topic.epoch {
			continue // Went with its topic.
		}
		wanted := e.tenant == c.tenant && (c.severity == "" || c.severity == e.severity) && (anew || e.offset >= c.start.next.of(e.partition))
		gaps := 0
		for _, g := range c.gaps {
			if g.Partition == e.partition && g.From <= e.offset && e.offset < g.To {
				gaps++
			}
		}
		switch n := seen[e.id()]; {
		case n == 1 && !wanted:
			m.t.Errorf("client %d got %s, which it did not ask for", i, e.id())
		case anew && wanted && n+gaps == 0:
			m.t.Errorf("client %d never got %s of the topic that was made anew", i, e.id())
		case anew:
			// Events may come twice: that is what resync says.
		case n > 1:
			m.t.Errorf("client %d got %s %d times", i, e.id(), n)
		case wanted && n+gaps != 1:
			m.t.Errorf("client %d, from %v: %s came %d times and is in %d gaps", i, c.start, e.id(), n, gaps)
		}
	}
}

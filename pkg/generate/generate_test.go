package generate_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/pkg/event"
	"daybook/pkg/generate"
)

var end = time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC)

func config(events int) generate.Config {
	return generate.Config{Seed: 7, Tenants: 50, Events: events, Days: 30, End: end}
}

func all(tb testing.TB, c generate.Config, visit func(value, key []byte, at time.Time)) {
	tb.Helper()
	g := generate.New(c)
	var buf []byte
	for {
		value, key, at, ok := g.Next(buf)
		if !ok {
			return
		}
		visit(value, key, at)
		buf = value
	}
}

// Every event must be one that the decoder accepts, judged at the end of the run.
func TestGenerator_EventsAreValid(t *testing.T) {
	const events = 200_000
	d, err := event.NewDecoder(event.DefaultConfig())
	require.NoError(t, err)
	ids := map[string]bool{}
	perTenant, perType, perCategory, perSeverity := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	chains := map[string]map[string]bool{} // sources by correlation id
	size, n := 0, 0
	all(t, config(events), func(value, key []byte, at time.Time) {
		n++
		size += len(value)
		var e event.Event
		// The event points into the message, and the buffer is used again.
		m := event.Message{Topic: "events", Time: end, Value: bytes.Clone(value)}
		if err := d.Decode(&m, &e); err != nil {
			t.Fatalf("%v in %s", err, value)
		}
		if n%100 == 0 && !json.Valid(value) {
			t.Fatalf("not JSON: %s", value)
		}
		if ids[e.EventID] {
			t.Fatalf("event id %s comes twice", e.EventID)
		}
		ids[e.EventID] = true
		if !e.CreatedAt.Equal(at) || at.Before(end.Add(-30*24*time.Hour)) || at.After(end) {
			t.Fatalf("%s: created at %v, returned %v", e.EventID, e.CreatedAt, at)
		}
		if string(key) != e.CorrelationID {
			t.Fatalf("key %q of an event with correlation id %q", key, e.CorrelationID)
		}
		if e.Extra != nil || e.Category == event.CategoryOther {
			t.Fatalf("unknown members or category: %s", value)
		}
		perTenant[e.TenantID]++
		perType[e.EventType]++
		perCategory[e.Category]++
		perSeverity[e.Severity.String()]++
		if chains[e.CorrelationID] == nil {
			chains[e.CorrelationID] = map[string]bool{}
		}
		chains[e.CorrelationID][e.Source] = true
	})
	require.Equal(t, events, n)
	t.Logf("average %d bytes, types %v, categories %v, severities %v", size/n, perType, perCategory, perSeverity)
	require.InDelta(t, 525, size/n, 25, "average bytes of an event")
	require.Len(t, perTenant, 50)
	require.Len(t, perCategory, 6)
	require.Len(t, perSeverity, 4)
	for eventType := range strings.FieldsSeq(`request.success request.error rate_limit.hit invoice.created payment.received
		subscription.changed login.success login.failed api_key.created api_key.revoked service.started deploy.completed
		health_check.failed event.ingested threshold.exceeded anomaly.detected ticket.created ticket.escalated ticket.resolved
		user_login user_logout session_revoked session_revoked_all client_created client_deleted role_assigned role_removed idp_created`) {
		require.Positive(t, perType[eventType], eventType)
	}
	require.Greater(t, perTenant["tenant_0000"], 5*perTenant["tenant_0009"], "Zipf: the first tenant has about ten times the tenth's events")
	wide := 0
	for _, sources := range chains {
		if len(sources) >= 3 {
			wide++
		}
	}
	require.Greater(t, wide, len(chains)/20, "chains over three services or more")
}

func TestGenerator_SameSeedSameBytes(t *testing.T) {
	sum := func(c generate.Config) string {
		h := sha256.New()
		all(t, c, func(value, _ []byte, _ time.Time) { h.Write(value) })
		return hex.EncodeToString(h.Sum(nil))
	}
	c := config(20_000)
	first := sum(c)
	require.Equal(t, first, sum(c))
	c.Seed++
	require.NotEqual(t, first, sum(c))
	c.Seed--
	c.End = c.End.Add(time.Second)
	require.NotEqual(t, first, sum(c))
}

func TestGenerator_DayAndNight(t *testing.T) {
	hours, days := map[int]int{}, map[time.Weekday]int{}
	var last time.Time
	early := 0
	all(t, config(100_000), func(_, _ []byte, at time.Time) {
		hours[at.Hour()]++
		days[at.Weekday()]++
		if at.Before(last.Add(-time.Minute)) {
			early++
		}
		last = at
	})
	require.Greater(t, hours[14], 3*hours[3], "afternoon against night")
	require.Greater(t, days[time.Wednesday], days[time.Sunday]*3/2, "weekday against weekend")
	require.Zero(t, early, "events come in order of time but for the steps of chains that overlap")
}

func TestGenerator_Needles(t *testing.T) {
	const events = 2_000_000
	counts := map[string]int{}
	all(t, config(events), func(value, _ []byte, _ time.Time) {
		for _, n := range generate.Needles {
			if !bytes.Contains(value, []byte(n.Text)) {
				continue
			}
			counts[n.Text]++
			if n.Every == 1_000_000 {
				require.Contains(t, string(value), `"tenantId":"tenant_0000"`)
			}
		}
	})
	for _, n := range generate.Needles {
		require.Equal(t, events/n.Every, counts[n.Text], n.Text)
	}
}

func TestGenerator_LiveTakesTheClock(t *testing.T) {
	now := end
	g := generate.New(generate.Config{Seed: 1, TenantNames: []string{`de"mo`}, Now: func() time.Time { now = now.Add(time.Second); return now }})
	for i := range 1000 {
		value, _, at, ok := g.Next(nil)
		require.True(t, ok)
		require.Equal(t, end.Add(time.Duration(i+1)*time.Second), at)
		require.Contains(t, string(value), `"tenantId":"de\"mo"`)
	}
}

func TestConfig_Validate(t *testing.T) {
	require.ErrorContains(t, generate.Config{Days: 1}.Validate(), "events: needed")
	require.ErrorContains(t, generate.Config{Days: 1, Events: 1}.Validate(), "end: needed")
	require.ErrorContains(t, generate.Config{Tenants: -1}.Validate(), "tenants: -1")
	require.ErrorContains(t, generate.Config{TenantNames: []string{"a", ""}}.Validate(), "the one at 1 is empty")
}

func BenchmarkNext(b *testing.B) {
	c := config(b.N + 1)
	g := generate.New(c)
	buf := make([]byte, 0, 4096)
	size := 0
	b.ReportAllocs()
	for b.Loop() {
		value, _, _, ok := g.Next(buf)
		if !ok {
			g = generate.New(config(1 << 30))
		}
		size += len(value)
		buf = value
	}
	b.ReportMetric(float64(size)/float64(b.N), "bytes/event")
}

package query

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/pkg/event"
	"daybook/query/openapi"
	"daybook/query/statement"
)

// filterFaults are filters that every call that filters refuses: a parameter,
// its value, and the field that the problem names.
var filterFaults = [][3]string{
	{"q", `"card declined`, "q"},
	{"q", "(a OR b", "q"},
	{"q", "a)", "q"},
	{"q", "OR a", "q"},
	{"q", "-", "q"},
	{"q", "type:", "q"},
	{"q", "nosuch:x", "q"},
	{"q", "payload.a..b:1", "q"},
	{"q", "createdAt:>yesterday", "q"},
	{"q", strings.Repeat("(", 1000) + "a" + strings.Repeat(")", 1000), "q"},
	{"q", "type:" + strings.Repeat("*a*b", 100), "q"},
	{"q", strings.Repeat("*a*b", 5000), "q"},
	{"q", strings.Repeat("word ", 100), "q"},
	{"q", "\xff", "q"},
	{"nosuch", "x", "nosuch"},
	{"eventtype", "x", "eventtype"},
	{"severity", "LOUD", "severity"},
	{"from", "yesterday", "from"},
	{"to", "2026-02-30T00:00:00Z", "to"},
	{"to", "1e999", "to"},
	{"tz", "Local", "tz"},
	{"tz", "../../etc/passwd", "tz"},
	{"tz", "Mars/Base", "tz"},
	{"preset", "nosuch", "preset"},
	{"attr.", "x", "attr."},
	{"attr.a..b", "x", "attr.a..b"},
	{"attr.a", "1..b", "attr.a"},
	{"attr.a", "..", "attr.a"},
	{"eventType", strings.Repeat("x", 2000), "eventType"},
	{"actorId", strings.Repeat("*a", 10), "actorId"},
}

// callFaults are what single calls refuse beside that.
var callFaults = map[string][][2]string{
	"/api/v1/events":           {{"limit=0", "limit"}, {"limit=-1", "limit"}, {"limit=1000000000", "limit"}, {"limit=ten", "limit"}, {"limit=1.5", "limit"}, {"order=up", "order"}, {"cursor=x", "cursor"}, {"order=asc&order=desc", "order"}},
	"/api/v1/events/export":    {{"format=xml", "format"}, {"limit=0", "limit"}, {"limit=1e9", "limit"}, {"cursor=x", "cursor"}, {"after=2026-04-17T14:32:01Z/a/b", "after"}},
	"/api/v1/events/histogram": {{"interval=2y", "interval"}, {"interval=1s&from=now-1d&interval=1m", "interval"}, {"groupBy=nosuch", "groupBy"}, {"groupBy=payload.", "groupBy"}, {"groupBy=severity%27", "groupBy"}},
	"/api/v1/events/facets":    {{"field=nosuch", "field"}, {"field=eventType&field=eventType", "field"}, {"limit=0", "limit"}, {"limit=1001", "limit"}},
	"/api/v1/events/x/context": {{"chain=501", "chain"}, {"before=-1", "before"}, {"after=", "after"}, {"q=x", "q"}},
	"/api/v1/events/x/diff":    {{"", "with"}, {"with=", "with"}, {"with=a&with=b", "with"}, {"with=a&q=x", "q"}},
	"/api/v1/events/x":         {{"q=x", "q"}},
	"/api/v1/presets":          {{"q=x", "q"}},
	"/api/audit":               {{"page=0", "page"}, {"limit=101", "limit"}, {"page=99999999999999999999", "page"}, {"start_date=yesterday", "start_date"}, {"end_date=2026-02-30", "end_date"}, {"start_date=2026-02-02&end_date=2026-02-01", "start_date"}, {"user_id=%FF", "user_id"}, {"q=x", "q"}},
	"/api/audit/events":        {{"page=1", "page"}},
	"/api/audit/x":             {{"page=1", "page"}},
	"/api/users/x/audit":       {{"page=-1", "page"}, {"limit=ten", "limit"}, {"event_type=x", "event_type"}},
}

// filtering returns the paths of the calls that take a filter as parameters.
func filtering(t *testing.T) []string {
	t.Helper()
	d, err := openapi.Load()
	require.NoError(t, err)
	var document struct {
		Paths map[string]map[string]struct {
			Parameters []struct {
				Ref string `json:"$ref"`
			}
		}
	}
	require.NoError(t, json.Unmarshal(d.JSON(), &document))
	var paths []string
	for path, methods := range document.Paths {
		for _, p := range methods["get"].Parameters {
			if strings.HasSuffix(p.Ref, "/Query") {
				paths = append(paths, path)
			}
		}
	}
	require.Greater(t, len(paths), 4)
	return paths
}

// refuses requires a 400 that names the field.
func refuses(t *testing.T, status int, answer map[string]any, field, about string) {
	t.Helper()
	require.Equal(t, http.StatusBadRequest, status, "%.300s: %v", about, answer)
	var fields []string
	for _, e := range answer["errors"].([]any) {
		fields = append(fields, e.(map[string]any)["field"].(string))
		require.NotEmpty(t, e.(map[string]any)["message"], about)
	}
	require.Contains(t, fields, field, "%.300s: %v", about, answer)
}

func TestRoutes_Refuse(t *testing.T) {
	base := serve(t, statement.DefaultConfig())
	const key = "acme/admin"
	for _, path := range filtering(t) {
		for _, f := range filterFaults {
			address := base + path + "?" + url.Values{f[0]: {f[1]}}.Encode()
			status, answer := call(t, key, "GET", address, "")
			refuses(t, status, answer, f[2], path+" "+f[0]+"="+f[1])
		}
		many := url.Values{"eventType": make([]string, 2000)}
		for i := range many["eventType"] {
			many["eventType"][i] = fmt.Sprint("type", i)
		}
		status, answer := call(t, key, "GET", base+path+"?"+many.Encode(), "")
		refuses(t, status, answer, "eventType", path+" with 2,000 values")
		status, answer = call(t, key, "GET", base+path+"?from=now&to=now-1d", "")
		refuses(t, status, answer, "from", path+" from after to")
		status, answer = call(t, key, "GET", base+path+"?q=%zz", "")
		refuses(t, status, answer, "q", path+" with a broken escape")
	}
	for _, f := range filterFaults { // And as an object.
		if strings.Contains(f[1], "\xff") {
			continue // No JSON.
		}
		object, err := json.Marshal(map[string]string{f[0]: f[1]})
		require.NoError(t, err)
		status, answer := call(t, key, "POST", base+"/api/v1/events/aggregate", `{"filter":`+string(object)+`}`)
		refuses(t, status, answer, "filter."+f[2], "aggregate "+string(object))
		if len(object) > 16<<10 {
			continue // As a whole too long for a preset.
		}
		status, answer = call(t, key, "POST", base+"/api/v1/presets", `{"name":"x","filter":`+string(object)+`}`)
		refuses(t, status, answer, "filter."+f[2], "preset "+string(object))
	}
	for path, faults := range callFaults {
		for _, f := range faults {
			status, answer := call(t, key, "GET", base+path+"?"+f[0], "")
			refuses(t, status, answer, f[1], path+"?"+f[0])
		}
	}
}

// A cursor that is not whole, or of something else, goes on with nothing.
func TestRoutes_RefuseCursors(t *testing.T) {
	var events []event.Event
	for i := range 10 {
		events = append(events, event.Event{TenantID: "acme", EventID: fmt.Sprint("e", i), EventType: "a", CreatedAt: now.Add(-time.Duration(i) * time.Minute)})
	}
	base := serve(t, statement.DefaultConfig(), events...)
	const key, other = "acme/admin", "other/admin"
	cursors := map[string]string{}
	for _, order := range []string{"desc", "asc"} {
		_, page := call(t, key, "GET", base+"/api/v1/events?limit=2&eventType=a&order="+order, "")
		cursors["/api/v1/events?limit=2&eventType=a&order="+order], _ = page["nextCursor"].(string)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/api/v1/events/export?eventType=a", nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+key)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	cursors["/api/v1/events/export?limit=1&eventType=a"] = answer.Header.Get("Daybook-Export-View")

	for target, cursor := range cursors {
		require.NotEmpty(t, cursor, target)
		status, _ := raw(t, key, base+target+"&cursor="+cursor)
		require.Equal(t, http.StatusOK, status, target)
		refused := func(key, target, cursor string) {
			t.Helper()
			status, answer := call(t, key, "GET", base+target+"&cursor="+url.QueryEscape(cursor), "")
			refuses(t, status, answer, "cursor", target+" "+cursor)
		}
		for cut := 1; cut < len(cursor); cut++ {
			refused(key, target, cursor[:cut])
			changed := []byte(cursor)
			if changed[cut] = 'A'; changed[cut] == cursor[cut] {
				changed[cut] = 'B'
			}
			refused(key, target, string(changed))
		}
		refused(key, target, cursor+"A")
		refused(key, target, cursor+cursor)
		refused(key, target, " "+cursor)
		refused(key, target, strings.Repeat("A", 20_000))
		refused(other, target, cursor)
		refused(key, strings.Replace(target, "eventType=a", "eventType=b", 1), cursor)
		refused(key, target+"&q=x", cursor)
		for elsewhere := range cursors {
			if elsewhere != target {
				refused(key, elsewhere, cursor)
			}
		}
	}
}

package query

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/labstack/echo/v4"
	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"daybook/pkg/archive"
	"daybook/pkg/archive/archivetest"
	"daybook/pkg/event"
	"daybook/pkg/retention"
	"daybook/query/querytest"
	"daybook/query/statement"
	"daybook/schema"
)

// kept is the retention of the stores that have an archive. It cuts the day kept days
// ago in two.
const kept = 4

// cut is the instant of the retention.
var cut = now.AddDate(0, 0, -kept)

// serveArchive serves a store; without places the archive is disabled.
func serveArchive(t testing.TB, conn driver.Conn, days int, places *archive.Places) (base string) {
	t.Helper()
	none := func(c echo.Context) error { return c.NoContent(http.StatusTeapot) }
	deps := Deps{
		Conn: conn, Limits: statement.DefaultConfig(), Kept: retention.Days(days), Now: func() time.Time { return now }, Intake: none, Stream: none,
		Publish: recorded, Topic: topic{}, Stored: topic{},
	}
	deps.Limits.MaxDuration = time.Minute // On machines that do other work.
	if places != nil {
		deps.Archive, deps.Places = true, *places
	}
	return querytest.Serve(t, keys{}, Routes(deps))
}

// dayAt is the UTC day so many days ago.
func dayAt(days int) time.Time { return now.Truncate(24*time.Hour).AddDate(0, 0, -days) }

// past is an event for about every hour of twelve days, with ties of time and ids.
func past(r *rand.Rand) []event.Event {
	var events []event.Event
	for at := dayAt(12); at.Before(now); at = at.Add(time.Duration(1+r.IntN(3600)) * time.Second) {
		for range 1 + r.IntN(2) {
			n := len(events)
			events = append(events, event.Event{
				TenantID: "acme", EventID: fmt.Sprintf("evt_%04d", r.IntN(1<<30)), EventType: []string{"login.ok", "login.failed", "invoice.paid"}[r.IntN(3)],
				Category: []string{event.CategoryAuth, event.CategoryBilling}[r.IntN(2)], Source: []string{"", "billing", "web"}[r.IntN(3)],
				Severity: event.Severities[r.IntN(4)], ActorType: "USER", ActorID: fmt.Sprintf("usr_%d", r.IntN(6)), ActorEmail: "u@example.com",
				TargetID: []string{"", "inv_1"}[r.IntN(2)], CorrelationID: []string{"", fmt.Sprintf("corr_%d", n%9)}[r.IntN(2)],
				Payload:   fmt.Appendf(nil, `{"amount": %d, "note": "Word%d Ünï", "tags": ["a", "t%d"]}`, r.IntN(500), n%7, r.IntN(3)),
				CreatedAt: at.Add(time.Duration(r.IntN(2)) * time.Microsecond),
			})
			if r.IntN(6) == 0 {
				events[n].Extra = []byte(`{"region":"eu","archived":"theirs"}`)
			}
		}
	}
	return events
}

// twoStores serves the same events twice: whole; and with a retention, days that
// were archived and purged, days of those that were restored, a day of which a part is
// held and one that nobody has purged or archived.
func twoStores(t *testing.T, events []event.Event) (whole, parted string) {
	t.Helper()
	conn := querytest.Open(t)
	querytest.Insert(t, conn, querytest.Rows(events...))
	whole = serveArchive(t, conn, 5000, nil)

	conn = querytest.Open(t)
	place := archivetest.Start(t).Place("days")
	querytest.Insert(t, conn, querytest.Rows(events...))
	var other []event.Event
	for _, e := range events[:20] {
		e.TenantID, e.EventID = "other", "theirs"+e.EventID
		other = append(other, e)
	}
	querytest.Insert(t, conn, querytest.Rows(other...))
	querytest.Archive(t, conn, place, "other", dayAt(12))
	archivedDays := []time.Time{dayAt(12), dayAt(10), dayAt(9), dayAt(8), dayAt(7), dayAt(6), dayAt(4)}
	querytest.Archive(t, conn, place, "acme", archivedDays...)
	querytest.Restore(t, conn, place, "acme", dayAt(9), dayAt(8), dayAt(6))
	querytest.SetRestored(t, conn, "acme", dayAt(6), "begun") // Half of it is there, and nobody reads that: the archive has it.
	require.NoError(t, conn.Exec(t.Context(), "DELETE FROM "+schema.EventsRestored+" WHERE created_at >= ? AND created_at < ?", dayAt(6), dayAt(6).Add(12*time.Hour)))
	querytest.Restore(t, conn, place, "acme", dayAt(7))
	querytest.Purge(t, conn, "acme", dayAt(12), dayAt(10), dayAt(9), dayAt(8), dayAt(6))
	// Of day 7 the table still has all, besides both others; days 11 and 5 are nowhere else; day 4 is cut in two.
	return whole, serveArchive(t, conn, kept, &archive.Places{All: place})
}

// TestArchive_RetentionWasShorter holds that what a shorter retention has purged is read
// from the archive, although the retention of today reaches further.
func TestArchive_RetentionWasShorter(t *testing.T) {
	conn := querytest.Open(t)
	place := archivetest.Start(t).Place("days")
	events := past(rand.New(rand.NewPCG(12, 1)))
	querytest.Insert(t, conn, querytest.Rows(events...))
	querytest.Archive(t, conn, place, "acme", dayAt(5), dayAt(4), dayAt(3))
	querytest.Purge(t, conn, "acme", dayAt(5), dayAt(4), dayAt(3))
	require.NoError(t, conn.Exec(t.Context(), "INSERT INTO "+schema.Purges+" (tenant_id, table_name, planned_at, before, state) VALUES "+
		"('acme', 'events', now(), ?, 'done'), ('acme', 'dead_letters', now(), ?, 'done'), ('other', 'events', now(), ?, 'done')", dayAt(2), dayAt(1), dayAt(1)))
	base := serveArchive(t, conn, kept, &archive.Places{All: place})
	found := unmarked(t, dayAt(2), pagesOf(t, base, url.Values{"include": {"archive"}, "limit": {"500"}}))
	require.Len(t, found, len(events))
	answer, source := ask(t, "GET", base+"/api/v1/events/histogram?include=archive", "")
	require.EqualValues(t, len(events), answer["total"])
	require.Equal(t, "archive", source)
}

// randomFilter returns parameters.
func randomFilter(r *rand.Rand) url.Values {
	v := url.Values{}
	for range r.IntN(3) {
		switch r.IntN(10) {
		case 0:
			v.Set("severity", []string{"WARN+", "ERROR", "<CRITICAL", "INFO"}[r.IntN(4)])
		case 1:
			v.Set("eventType", []string{"login.*", "invoice.paid", "none"}[r.IntN(3)])
		case 2:
			v.Set("q", []string{"word3", "ünï", "-word1", "payload.amount:>250", "severity:ERROR OR source:web", "nowhere", "targetId:*", "payload.tags:t1"}[r.IntN(8)])
		case 3:
			v.Set("actorId", fmt.Sprintf("usr_%d", r.IntN(7)))
		case 4:
			v.Set("attr.amount", []string{">100", "10..300"}[r.IntN(2)])
		case 5:
			v.Set("correlationId", fmt.Sprintf("corr_%d", r.IntN(9)))
		case 6:
			v.Set("category", "auth")
		case 7:
			v.Set("source", "billing")
		}
	}
	if r.IntN(2) == 0 {
		v.Set("from", now.Add(-time.Duration(r.IntN(13*24*60))*time.Minute).Format(time.RFC3339))
	}
	if r.IntN(2) == 0 {
		v.Set("to", now.Add(-time.Duration(r.IntN(6*24*60))*time.Minute).Format(time.RFC3339))
	}
	if v.Has("from") && v.Has("to") && v.Get("from") > v.Get("to") {
		v.Del("to")
	}
	return v
}

// ask returns what a call answers with 200, without its meta, and its source.
func ask(t *testing.T, method, address, body string) (answer map[string]any, source string) {
	t.Helper()
	status, answer := call(t, "acme/events:read", method, address, body)
	require.Equal(t, http.StatusOK, status, "%s %v", address, answer)
	source, _ = answer["meta"].(map[string]any)["source"].(string)
	delete(answer, "meta")
	return answer, source
}

// unmarked returns events without the mark, which must be there exactly where they
// are older than the retention.
func unmarked(t *testing.T, cut time.Time, events []any) []any {
	t.Helper()
	for _, e := range events {
		e := e.(map[string]any)
		at, err := time.Parse(time.RFC3339Nano, e["createdAt"].(string))
		require.NoError(t, err)
		if at.Before(cut) {
			require.Equal(t, true, e["archived"], e)
		} else {
			require.NotEqual(t, true, e["archived"], e)
		}
		delete(e, "archived")
	}
	return events
}

// pagesOf follows a search to its end.
func pagesOf(t *testing.T, base string, parameters url.Values) (events []any) {
	t.Helper()
	v := maps.Clone(parameters)
	for {
		page, _ := ask(t, "GET", base+"/api/v1/events?"+v.Encode(), "")
		events = append(events, page["events"].([]any)...)
		next, more := page["nextCursor"].(string)
		if !more {
			return events
		}
		v.Set("cursor", next)
	}
}

// TestArchive_EqualsAStoreWithoutRetention holds that with include=archive nothing is
// missing, doubled or different, wherever it is.
func TestArchive_EqualsAStoreWithoutRetention(t *testing.T) {
	const seed = 8
	r := rand.New(rand.NewPCG(seed, 1))
	whole, parted := twoStores(t, past(r))
	rounds := 5
	if long := os.Getenv("DAYBOOK_ARCHIVE_ROUNDS"); long != "" {
		rounds, _ = strconv.Atoi(long)
	}
	for range rounds {
		filter := randomFilter(r)
		with := url.Values{"include": {"archive"}}
		maps.Copy(with, filter)
		t.Log(filter.Encode())

		for _, order := range []string{"desc", "asc"} {
			filter.Set("order", order)
			with.Set("order", order)
			filter.Set("limit", "1000")
			with.Set("limit", strconv.Itoa(20+r.IntN(200)))
			want := pagesOf(t, whole, filter)
			for _, e := range want {
				delete(e.(map[string]any), "archived") // The producer's own.
			}
			require.Equal(t, want, unmarked(t, cut, pagesOf(t, parted, with)), "order %s", order)
		}
		for _, name := range []string{"order", "limit"} {
			filter.Del(name)
			with.Del(name)
		}
		counted := func(base string, v url.Values) any {
			address := base + "/api/v1/events?limit=1&count=exact&" + v.Encode()
			_, answer := call(t, "acme/events:read", "GET", address, "")
			return answer["meta"].(map[string]any)["count"].(map[string]any)["value"]
		}
		require.Equal(t, counted(whole, filter), counted(parted, with))

		for _, path := range []string{
			"histogram?", "histogram?groupBy=" + []string{"eventType", "actorId", "payload.tags"}[r.IntN(3)] + "&",
			"facets?", "facets?field=actorId&field=payload.tags&field=severity&limit=3&",
		} {
			want, _ := ask(t, "GET", whole+"/api/v1/events/"+path+filter.Encode(), "")
			got, _ := ask(t, "GET", parted+"/api/v1/events/"+path+with.Encode(), "")
			require.Equal(t, want, got, path)
		}
		object := map[string]any{}
		for name, values := range filter {
			object[name] = values[0]
		}
		body := map[string]any{
			"filter": object, "bucket": []any{"auto", "1d", nil}[r.IntN(3)], "groupBy": [][]string{nil, {"severity"}, {"actorId"}, {"eventType", "source"}}[r.IntN(4)],
			"metrics": []any{
				map[string]any{"op": "count"}, map[string]any{"op": "uniq", "field": "actorId"}, map[string]any{"op": "sum", "field": "payload.amount"}, map[string]any{"op": "max", "field": "payload.amount"},
			}[:1+r.IntN(4)],
		}
		for _, limited := range []bool{false, true} {
			if limited && body["groupBy"] == nil || body["groupBy"] != nil && len(body["groupBy"].([]string)) == 0 {
				delete(body, "groupBy")
			}
			sent, err := json.Marshal(body)
			require.NoError(t, err)
			want, _ := ask(t, "POST", whole+"/api/v1/events/aggregate", string(sent))
			body["include"] = "archive"
			sent, err = json.Marshal(body)
			require.NoError(t, err)
			got, _ := ask(t, "POST", parted+"/api/v1/events/aggregate", string(sent))
			require.Equal(t, want["series"], got["series"], string(sent))
			require.Equal(t, want["totals"], got["totals"], string(sent))
			delete(body, "include")
		}

		wantLines, gotLines := exported(t, whole, filter), exported(t, parted, with)
		for i, line := range gotLines {
			var e map[string]any
			require.NoError(t, json.Unmarshal([]byte(line), &e))
			unmarked(t, cut, []any{e})
			gotLines[i] = jsonOf(t, e)
		}
		for i, line := range wantLines {
			var e map[string]any
			require.NoError(t, json.Unmarshal([]byte(line), &e))
			delete(e, "archived")
			wantLines[i] = jsonOf(t, e)
		}
		require.Equal(t, wantLines, gotLines)
	}
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}

// download returns an export as it comes.
func download(t *testing.T, base string, v url.Values) []byte {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/api/v1/events/export?"+v.Encode(), nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer acme/events:read")
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, answer.Body.Close()) }()
	raw, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, answer.StatusCode, string(raw))
	require.NotEmpty(t, answer.Trailer.Get("Daybook-Export-Sha256"), "an export without its trailers was cut")
	return raw
}

func exported(t *testing.T, base string, v url.Values) []string {
	t.Helper()
	return slices.DeleteFunc(strings.Split(string(download(t, base, v)), "\n"), func(line string) bool { return line == "" })
}

// TestArchive_Audit holds the same for the audit log.
func TestArchive_Audit(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 1))
	events := past(r)
	whole, parted := twoStores(t, events)
	read := func(address string) map[string]any {
		status, answer := call(t, "acme/audit:read", "GET", address, "")
		require.Equal(t, http.StatusOK, status, "%s %v", address, answer)
		return answer
	}
	for _, path := range []string{
		"/api/audit?limit=100", "/api/audit?limit=100&page=3", "/api/audit?limit=7&user_id=usr_2", "/api/audit?limit=50&event_type=login.ok&start_date=" + dayAt(11).Format(time.DateOnly),
		"/api/audit?end_date=" + dayAt(6).Format(time.DateOnly), "/api/audit/events", "/api/users/usr_3/audit?limit=30", "/api/users/usr_3/audit?limit=30&page=2",
	} {
		separator := "?"
		if strings.Contains(path, "?") {
			separator = "&"
		}
		require.Equal(t, read(whole+path), read(parted+path+separator+"include=archive"), path)
	}
	for _, e := range events[:30] {
		if e.Category == event.CategoryAuth {
			require.Equal(t, read(whole+"/api/audit/"+e.EventID), read(parted+"/api/audit/"+e.EventID+"?include=archive"))
			status, _ := call(t, "acme/audit:read", "GET", parted+"/api/audit/"+e.EventID, "")
			require.Equal(t, http.StatusNotFound, status)
		}
	}
}

// TestArchive_Events holds what one event and its context say, what exports mark, and
// who is shown it.
func TestArchive_Events(t *testing.T) {
	r := rand.New(rand.NewPCG(10, 1))
	events := past(r)
	whole, parted := twoStores(t, events)
	for i := 0; i < len(events); i += 23 {
		path := "/api/v1/events/" + events[i].EventID
		status, want := call(t, "acme/events:read", "GET", whole+path, "")
		require.Equal(t, http.StatusOK, status)
		delete(want, "archived")
		status, got := call(t, "acme/events:read", "GET", parted+path+"?include=archive", "")
		require.Equal(t, http.StatusOK, status, got)
		require.Equal(t, []any{want}, unmarked(t, cut, []any{got}))
		status, _ = call(t, "other/events:read", "GET", parted+path+"?include=archive", "")
		require.Equal(t, http.StatusNotFound, status, "somebody else's")
		status, _ = call(t, "acme/events:read", "GET", parted+path, "")
		if old := events[i].CreatedAt.Before(now.AddDate(0, 0, -kept)); old {
			require.Equal(t, http.StatusNotFound, status)
			answer, source := ask(t, "GET", parted+path+"/context?include=archive", "")
			theirs, _ := ask(t, "GET", whole+path+"/context", "")
			require.Equal(t, "archive", source)
			require.Equal(t, true, answer["event"].(map[string]any)["archived"])
			if answer["actor"] != nil {
				ours, wants := answer["actor"].(map[string]any), theirs["actor"].(map[string]any)
				for _, side := range []string{"before", "after"} {
					for _, e := range wants[side].([]any) {
						delete(e.(map[string]any), "archived")
					}
					require.Equal(t, wants[side], unmarked(t, cut, ours[side].([]any)))
				}
			}
		} else {
			require.Equal(t, http.StatusOK, status)
		}
	}

	var theirs int
	for _, e := range pagesOfOther(t, parted) {
		require.Equal(t, "other", e.(map[string]any)["tenantId"])
		theirs++
	}
	require.Equal(t, 20, theirs)

	_, source := ask(t, "GET", parted+"/api/v1/events?include=archive&from="+cut.Format(time.RFC3339), "")
	require.Equal(t, "raw", source, "nothing older was asked for")
	_, source = ask(t, "GET", parted+"/api/v1/events?include=archive&limit=1", "")
	require.Equal(t, "raw", source, "nothing older was read")
	_, source = ask(t, "GET", parted+"/api/v1/events/histogram?include=archive", "")
	require.Equal(t, "archive", source)

	lines := exported(t, parted, url.Values{"include": {"archive"}, "format": {"csv"}})
	require.True(t, strings.HasSuffix(lines[0], ",archived"), lines[0])
	require.Len(t, lines, 1+len(events))
	require.True(t, strings.HasSuffix(lines[1], ",true"), lines[1])
	require.True(t, strings.HasSuffix(lines[len(events)], ",false"), lines[len(events)])
	require.False(t, strings.HasSuffix(exported(t, parted, url.Values{"format": {"csv"}})[0], ",archived"))

	file := download(t, parted, url.Values{"include": {"archive"}, "format": {"parquet"}})
	rows, err := parquet.Read[struct {
		EventID  string `parquet:"eventId"`
		Archived bool   `parquet:"archived"`
	}](bytes.NewReader(file), int64(len(file)))
	require.NoError(t, err)
	require.Len(t, rows, len(events))
	require.True(t, rows[0].Archived)
	require.False(t, rows[len(rows)-1].Archived)
	plain := download(t, parted, url.Values{"format": {"parquet"}})
	opened, err := parquet.OpenFile(bytes.NewReader(plain), int64(len(plain)))
	require.NoError(t, err)
	require.NotContains(t, fmt.Sprint(opened.Schema()), "archived")

	for _, c := range []struct{ path, has string }{
		{"/api/v1/events?include=archive&order=ingest", "order of ingest"},
		{"/api/v1/events?include=all", "must be archive"},
		{"/api/v1/events?include=archive&include=archive", "given 2 times"},
		{"/api/v1/events/x?include=all", "must be archive"},
		{"/api/v1/events/x?exclude=archive", "is not a parameter"},
	} {
		status, answer := call(t, "acme/events:read", "GET", parted+c.path, "")
		require.Equal(t, http.StatusBadRequest, status, c.path)
		require.Contains(t, answer["detail"], c.has)
	}
}

func pagesOfOther(t *testing.T, base string) []any {
	t.Helper()
	status, answer := call(t, "other/events:read", "GET", base+"/api/v1/events?include=archive&limit=1000", "")
	require.Equal(t, http.StatusOK, status, answer)
	return answer["events"].([]any)
}

// TestArchive_Faults holds that a day that can't be read fails the calls that
// need it, and no other, and that the problem names the archive.
func TestArchive_Faults(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 1))
	conn := querytest.Open(t)
	gateway := archivetest.Start(t)
	place := gateway.Place("days")
	querytest.Insert(t, conn, querytest.Rows(past(r)...))
	querytest.Archive(t, conn, place, "acme", dayAt(10), dayAt(9), dayAt(8))
	querytest.Restore(t, conn, place, "acme", dayAt(9))
	querytest.Purge(t, conn, "acme", dayAt(10), dayAt(9), dayAt(8))
	base := serveArchive(t, conn, kept, &archive.Places{All: place})
	const key = "acme/events:read"
	aggregate := `{"include": "archive", "metrics": [{"op": "uniq", "field": "actorId"}]}`
	all := func(base string, each func(name string, status int, answer map[string]any)) {
		for _, path := range []string{"events?limit=1000&", "events?order=asc&limit=1000&", "events?q=nowhere&", "events?count=exact&limit=1&", "events/histogram?", "events/facets?", "events/export?", "events/none?"} {
			if path == "events/export?" { // No JSON, where it works.
				status, text := raw(t, key, base+"/api/v1/"+path+"include=archive")
				answer := map[string]any{"detail": text}
				each(path, status, answer)
				continue
			}
			status, answer := call(t, key, "GET", base+"/api/v1/"+path+"include=archive", "")
			each(path, status, answer)
		}
		status, answer := call(t, key, "POST", base+"/api/v1/events/aggregate", aggregate)
		each("aggregate", status, answer)
		status, answer = call(t, "acme/audit:read", "GET", base+"/api/audit?include=archive", "")
		each("audit", status, answer)
	}
	fails := func(base, detail string, statuses ...int) {
		t.Helper()
		all(base, func(name string, status int, answer map[string]any) {
			require.Contains(t, statuses, status, "%s: %v", name, answer["detail"])
			require.Contains(t, answer["detail"], "archive", name)
			require.Contains(t, answer["detail"], detail, name)
			require.NotContains(t, jsonOf(t, answer), place.SecretKey)
			require.NotContains(t, jsonOf(t, answer), gateway.Addr)
		})
		status, answer := call(t, key, "GET", base+"/api/v1/events?limit=1000&include=archive&from="+now.AddDate(0, 0, -7).Format(time.RFC3339), "")
		require.Equal(t, http.StatusOK, status, "a call that needs none of those days: %v", answer)
		status, _ = call(t, key, "GET", base+"/api/v1/events?include=archive&limit=1000&from="+dayAt(9).Format(time.RFC3339)+"&to="+dayAt(8).Format(time.RFC3339), "")
		require.Equal(t, http.StatusOK, status, "a day that is restored")
	}
	works := func() {
		t.Helper()
		all(base, func(name string, status int, answer map[string]any) {
			if name != "events/none?" {
				require.Equal(t, http.StatusOK, status, "%s: %v", name, answer)
			}
		})
	}
	works()

	wrong := place
	wrong.SecretKey = "not-it"
	fails(serveArchive(t, conn, kept, &archive.Places{All: wrong}), "refuses the credentials", 422)
	gone := place
	gone.Bucket = "no-such-bucket"
	fails(serveArchive(t, conn, kept, &archive.Places{All: gone}), "is missing from its bucket", 422)
	fails(serveArchive(t, conn, kept, nil), "archive.enabled is false", 422)

	object := archive.Folder("acme", dayAt(8)) + archive.Data(1)
	file := gateway.File(place, object)
	whole, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.Remove(file))
	fails(base, object, 422)
	require.NoError(t, os.WriteFile(file, whole[:len(whole)/2], 0o600))
	all(base, func(name string, status int, answer map[string]any) {
		require.Contains(t, []int{422, 503}, status, "%s: %v", name, answer)
		require.Contains(t, answer["detail"], "archive", name)
	})
	require.NoError(t, os.WriteFile(file, whole, 0o600))

	gateway.Stop()
	fails(base, "does not answer now", 503)
	gateway.Run()

	require.NoError(t, conn.Exec(t.Context(), "DROP NAMED COLLECTION "+place.Collection()))
	status, answer := call(t, key, "GET", base+"/api/v1/events/facets?include=archive", "")
	require.Equal(t, http.StatusServiceUnavailable, status, answer)
	require.Contains(t, answer["detail"], "archive")
	status, answer = call(t, key, "GET", base+"/api/v1/events/facets?include=archive", "")
	require.Equal(t, http.StatusOK, status, "it was told the address again: %v", answer)

	var days uint64
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT count() FROM "+schema.ArchiveDays).Scan(&days))
	require.EqualValues(t, 3, days)
}

package export

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"daybook/pkg/event"
	"daybook/query/querytest"
)

func TestExport_EverythingOnce(t *testing.T) {
	conn := querytest.Open(t)
	events := randomEvents(1000)
	querytest.Insert(t, conn, rowsFrom(0, events...))
	querytest.Insert(t, conn, rowsFrom(1000, events[:400]...)) // Copies that are not merged.
	theirs, expired := events[0], events[0]
	theirs.TenantID, theirs.EventID = "other", "theirs"
	expired.EventID, expired.CreatedAt = "expired", now.Add(-365*24*time.Hour-time.Microsecond)
	querytest.Insert(t, conn, rowsFrom(2000, theirs, expired))
	clock := now
	base := server(t, service(conn, &clock))
	want := sorted(events)

	all := get(t, base, nil)
	require.Equal(t, lines(want), all.lines())
	require.Equal(t, len(want), all.rows)
	require.Empty(t, all.next)
	require.Equal(t, "application/x-ndjson", all.header.Get("Content-Type"))
	require.Equal(t, `attachment; filename="events-20260417T143201Z.ndjson"`, all.header.Get("Content-Disposition"))
	require.Equal(t, "no-store", all.header.Get("Cache-Control"))

	from, to := now.Add(-60*24*time.Hour), now.Add(-3*time.Hour)
	var some []event.Event
	for _, e := range want {
		if e.EventType == "a" && string(e.Payload) == `{"n": "word3"}` && !e.CreatedAt.Before(from) && e.CreatedAt.Before(to) {
			some = append(some, e)
		}
	}
	require.NotEmpty(t, some)
	part := get(t, base, url.Values{"eventType": {"a"}, "q": {"WORD3"}, "from": {"now-60d"}, "to": {"now-3h"}})
	require.Equal(t, lines(some), part.lines())

	none := get(t, base, url.Values{"q": {"nothing"}})
	require.Empty(t, none.body)
	require.Zero(t, none.rows)
}

// strange is an event whose texts a spreadsheet would run.
var strange = event.Event{
	TenantID: string(acme), EventID: "=1+1", EventType: "+a", Category: "other", Source: "-s", Severity: event.Critical, ActorType: "@x", ActorID: "\tu",
	ActorName: "＝SUM(A1)", ActorEmail: "'quoted", TargetType: "a,b", TargetID: "line\nbreak", CorrelationID: `"quotes"`, IPAddress: "203.0.113.1",
	UserAgent: "\r\nx", Payload: []byte(`{"a": [1, "=2"]}`), Extra: []byte(`{"more":1.50}`), CreatedAt: now.Add(-time.Hour + time.Microsecond),
	IngestedAt: now.Add(-time.Hour + time.Millisecond),
}

var plain = event.Event{
	TenantID: string(acme), EventID: "plain", EventType: "a", Category: "other", Severity: event.Info, Payload: []byte(`{}`), CreatedAt: now.Add(-time.Hour), IngestedAt: now.Add(-time.Hour),
}

func TestExport_CSV(t *testing.T) {
	conn := querytest.Open(t)
	querytest.Insert(t, conn, querytest.Rows(strange, plain))
	clock := now
	base := server(t, service(conn, &clock))
	answer := get(t, base, url.Values{"format": {"csv"}})
	require.Equal(t, "text/csv; charset=utf-8; header=present", answer.header.Get("Content-Type"))
	rows, err := csv.NewReader(bytes.NewReader(answer.body)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 3)
	require.Equal(t, event.CSVColumns, rows[0])
	require.Equal(t, []string{"plain", "acme", "a", "other", "", "INFO", "", "", "", "", "", "", "", "", "", "2026-04-17T13:32:01Z", "2026-04-17T13:32:01Z", "{}", ""}, rows[1])
	raw := make([]string, len(rows[2]))
	for i, cell := range rows[2] {
		require.NotRegexp(t, "^[=+@\t\r\n＝-]", cell, event.CSVColumns[i])
		raw[i] = event.Raw(cell)
	}
	require.Equal(t, []string{
		strange.EventID, "acme", strange.EventType, "other", strange.Source, "CRITICAL", strange.ActorType, strange.ActorID, strange.ActorName, strange.ActorEmail,
		strange.TargetType, strange.TargetID, strange.CorrelationID, strange.IPAddress, "\nx", // encoding/csv reads \r\n as \n.
		"2026-04-17T13:32:01.000001Z", "2026-04-17T13:32:01.001Z", string(strange.Payload), string(strange.Extra),
	}, raw)
	empty := get(t, base, url.Values{"format": {"csv"}, "q": {"nothing"}})
	require.Len(t, empty.lines(), 1, "the columns' names")
}

func TestExport_Parquet(t *testing.T) {
	conn := querytest.Open(t)
	events := append(randomEvents(500), strange, plain)
	querytest.Insert(t, conn, rowsFrom(0, events...))
	clock := now
	base := server(t, service(conn, &clock))
	answer := get(t, base, url.Values{"format": {"parquet"}})
	require.Equal(t, "application/vnd.apache.parquet", answer.header.Get("Content-Type"))
	require.Equal(t, len(events), answer.rows)
	file, err := parquet.OpenFile(bytes.NewReader(answer.body), int64(len(answer.body)))
	require.NoError(t, err)
	require.Equal(t, `message parquetRow {
	required binary eventId (STRING);
	required binary tenantId (STRING);
	required binary eventType (STRING);
	required binary category (STRING);
	optional binary source (STRING);
	required binary severity (STRING);
	optional binary actorType (STRING);
	optional binary actorId (STRING);
	optional binary actorName (STRING);
	optional binary actorEmail (STRING);
	optional binary targetType (STRING);
	optional binary targetId (STRING);
	optional binary correlationId (STRING);
	optional binary ipAddress (STRING);
	optional binary userAgent (STRING);
	required int64 createdAt (TIMESTAMP(isAdjustedToUTC=true,unit=MICROS));
	required int64 ingestedAt (TIMESTAMP(isAdjustedToUTC=true,unit=MILLIS));
	required binary payload (JSON);
	required binary extra (JSON);
}`, file.Schema().String())
	rows, err := parquet.Read[parquetRow](bytes.NewReader(answer.body), int64(len(answer.body)))
	require.NoError(t, err)
	var got []event.Event
	for _, r := range rows {
		severity, _ := event.ParseSeverity(r.Severity)
		e := event.Event{
			EventID: r.EventID, TenantID: r.TenantID, EventType: r.EventType, Category: r.Category, Source: r.Source, Severity: severity, ActorType: r.ActorType,
			ActorID: r.ActorID, ActorName: r.ActorName, ActorEmail: r.ActorEmail, TargetType: r.TargetType, TargetID: r.TargetID, CorrelationID: r.CorrelationID,
			IPAddress: r.IPAddress, UserAgent: r.UserAgent, Payload: r.Payload, CreatedAt: r.CreatedAt.UTC(), IngestedAt: r.IngestedAt.UTC(),
		}
		if string(r.Extra) != "{}" {
			e.Extra = r.Extra
		}
		got = append(got, e)
	}
	require.Equal(t, sorted(events), got)

	empty := get(t, base, url.Values{"format": {"parquet"}, "q": {"nothing"}})
	rows, err = parquet.Read[parquetRow](bytes.NewReader(empty.body), int64(len(empty.body)))
	require.NoError(t, err)
	require.Empty(t, rows)
}

func TestExport_Gzip(t *testing.T) {
	conn := querytest.Open(t)
	querytest.Insert(t, conn, rowsFrom(0, randomEvents(300)...))
	clock := now
	base := server(t, service(conn, &clock))
	for _, format := range formats {
		whole := get(t, base, url.Values{"format": {format.name}})
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"?format="+format.name, nil)
		require.NoError(t, err)
		request.Header.Set("Accept-Encoding", "br;q=1.0, gzip;q=0.8")
		answer, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, "Accept-Encoding", answer.Header.Get("Vary"))
		if format.name == "parquet" {
			require.Empty(t, answer.Header.Get("Content-Encoding"))
			continue
		}
		require.Equal(t, "gzip", answer.Header.Get("Content-Encoding"))
		require.Less(t, len(body), len(whole.body)/3)
		require.Equal(t, string(whole.body), unzip(t, body))
		sum := sha256.Sum256(whole.body)
		require.Equal(t, hex.EncodeToString(sum[:]), answer.Trailer.Get(SumTrailer), "of what was compressed")
	}
	for value, want := range map[string]bool{"gzip": true, "GZIP ; q=0.5": true, "deflate, gzip": true, "gzip;q=0": false, "gzip; Q=0.000": false, "x-gzip": false, "": false, "*": false} {
		require.Equal(t, want, acceptsGzip(http.Header{"Accept-Encoding": {value}}), value)
	}
}

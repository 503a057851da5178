package export

import (
	"bytes"
	"encoding/csv"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"daybook/pkg/event"
)

// What a client writes of the last event that it has is what the parameter
// after means.
func FuzzPosition(f *testing.F) {
	f.Add("2026-04-17T14:32:01Z/evt_abc123/billing")
	f.Add("2026-04-17T14:32:01.123456Z/a%2Fb/")
	f.Add("//")
	f.Add("%zz/%FF/\xff")
	f.Fuzz(func(t *testing.T, written string) {
		p, err := parsePosition(written)
		if err != nil {
			return
		}
		require.True(t, utf8.ValidString(p.id) && utf8.ValidString(p.source))
		again, err := parsePosition(p.created.Format(time.RFC3339Nano) + "/" + url.PathEscape(p.id) + "/" + url.PathEscape(p.source))
		require.NoError(t, err)
		require.Equal(t, p, again)
	})
}

// Whatever texts an event has, a CSV gives them back, and none of its cells is
// a formula.
func FuzzCSV(f *testing.F) {
	f.Add("evt_1", "billing", `{"a":"x,\"y"}`)
	f.Add("=1+1", "'=1", "@x")
	f.Add(" a", "b\"\"", "\r\n")
	f.Add("＝1", "", "\t")
	f.Fuzz(func(t *testing.T, id, source, payload string) {
		for _, text := range []string{id, source, payload} {
			if strings.Contains(text, "\r\n") {
				return // encoding/csv reads it as \n, within quotes too.
			}
		}
		var out bytes.Buffer
		table, err := newCSV(&out, true, false)
		require.NoError(t, err)
		e := event.Event{EventID: id, Source: source, Payload: []byte(payload), CreatedAt: now, IngestedAt: now, Severity: event.Info}
		require.NoError(t, table.write(&e))
		rows, err := csv.NewReader(&out).ReadAll()
		require.NoError(t, err)
		require.Len(t, rows, 1)
		for _, cell := range rows[0] {
			require.False(t, strings.IndexAny(cell, "=+-@\t\r\n") == 0, "a formula: %q", cell)
		}
		require.Equal(t, id, event.Raw(rows[0][0]))
		require.Equal(t, source, event.Raw(rows[0][4]))
		require.Equal(t, payload, event.Raw(rows[0][len(rows[0])-2]))
	})
}

package filter

import (
	"encoding/json"
	"net/url"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/pkg/apierror"
)

// invalidAt requires that an error names a field.
func invalidAt(t *testing.T, err error) {
	t.Helper()
	var invalid *apierror.Error
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, apierror.KindInvalid, invalid.Kind)
	require.NotEmpty(t, invalid.Fields)
	for _, field := range invalid.Fields {
		require.NotEmpty(t, field.Field)
		require.NotEmpty(t, field.Message)
	}
}

// Every parameter of a filter, as a URL has them: attr.PATH in all its forms,
// severities, times, zones.
func FuzzParseParameters(f *testing.F) {
	for _, raw := range golden {
		f.Add(raw)
	}
	f.Add("attr.a%3E=1&attr.b%5C.c=..2&attr.d<3&severity=warning%2B&severity=<ERROR&category=AUTH&actorId=@me;x")
	f.Add("from=now-1d/d&to=2026-02-30&tz=Local&q=%FF&=&%zz")
	f.Fuzz(func(t *testing.T, raw string) {
		values, err := Values(raw)
		if err != nil {
			invalidAt(t, err)
			return
		}
		filter, err := Parse(values, now)
		if err != nil {
			invalidAt(t, err)
			return
		}
		// The same parameters in q, and in an object, are the same filter.
		canonical := filter.Canonical()
		if len(canonical) <= maxQueryBytes {
			again, err := Parse(url.Values{"q": {canonical}}, now)
			require.NoError(t, err, canonical)
			require.Equal(t, canonical, again.Canonical())
		}
		object, err := json.Marshal(values)
		require.NoError(t, err)
		same, err := ParseObject(object, "filter", now, nil)
		require.NoError(t, err, string(object))
		require.Equal(t, canonical, same.Canonical())
		// Nothing of it stands in the text of the statement.
		var b Builder
		filter.Where(&b, Scope{Tenant: "acme", Oldest: now.Add(-time.Hour)})
		text, _ := b.Statement()
		require.Regexp(t, statementWords, text)
		for _, e := range sampleEvents {
			require.Equal(t, filter.Match(e), same.Match(e))
		}
	})
}

// statementWords is all that a condition's text is made of: names, operators,
// parameters, numbers, and the few texts that are written here.
var statementWords = regexp.MustCompile(`^(?:\{p\d+:[A-Za-z0-9]+(?:\([A-Za-z0-9, ']+\))?\}|'(?:String|Double|U?Int64|\[|\]|\^\[-0-9\]|null|true|false|INFO|WARN|ERROR|CRITICAL|Object|Array|Null|Nullable\(String\))?'|[a-zA-Z_][a-zA-Z0-9_]*|[0-9]+|->|!=|[<>]=?|[(),= ])+$`)

func FuzzParseObject(f *testing.F) {
	f.Add([]byte(`{"q": "x", "eventType": ["login.*"], "attr.amount": ">100", "severity": "WARN+", "from": null}`), "UTC")
	f.Add([]byte(`{"a": {"b": [1e999, true]}}`), "Asia/Tokyo")
	f.Add([]byte(`null`), "")
	f.Fuzz(func(t *testing.T, object []byte, zone string) {
		filter, err := ParseObject(object, "filter", now, url.Values{"tz": {zone}})
		if err != nil {
			invalidAt(t, err)
			return
		}
		_ = filter.Canonical()
	})
}

func FuzzParseTime(f *testing.F) {
	for _, written := range []string{
		"now", "now-15m", "now/d", "now/w-1d", "now+1y/M", "now-999999y", "now-1M+1d/h", "2026-04-17T14:32:01.123456789Z", "2026-04-17T14:32:01 02:00", "2026-04-17",
		"2026-03-29T02:30", "0001-01-01", "9999-12-31T23:59:59.9999999Z", "now-", "now/", "now-1", "now 1d",
	} {
		f.Add(written, "Europe/Prague")
		f.Add(written, "Pacific/Apia")
	}
	f.Fuzz(func(t *testing.T, written, name string) {
		zone, err := Zone(name)
		if err != nil {
			zone = time.UTC
		}
		c := Clock{Now: now, Zone: zone}
		m, err := c.Parse(written)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		require.Zero(t, m.Time.Nanosecond()%1000, "microseconds are what the store has")
		require.Equal(t, time.UTC, m.Time.Location())
		again, err := c.Parse(m.Written)
		require.NoError(t, err)
		require.Equal(t, m, again)
		_, err = json.Marshal(m.Time)
		require.NoError(t, err, "it has a form in JSON")
	})
}

func FuzzParsePath(f *testing.F) {
	for _, raw := range []string{"a", "a.b", `a\.b.c`, `a\\.b`, ".", "a..b", `\`, `a.*`, `"`, "é.ü"} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		path, ok := ParsePath(raw)
		if !ok {
			return
		}
		require.LessOrEqual(t, len(path), maxPathKeys)
		again, ok := ParsePath(path.String())
		require.True(t, ok, path.String())
		require.Equal(t, path, again)
	})
}

package filter

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"daybook/pkg/apierror"
)

func TestParse_FaultsOfQ(t *testing.T) {
	for _, test := range []struct {
		q        string
		position int
		says     string
	}{
		{`a "b`, 2, "never closed"},
		{`(a b`, 0, "never closed"},
		{`a (b (c)`, 2, "never closed"},
		{`a)`, 1, "closes nothing"},
		{`()`, 1, "missing"},
		{`a OR`, 4, "missing"},
		{`a OR OR b`, 5, "OR stands between"},
		{`OR a`, 0, "OR stands between"},
		{`AND a`, 0, "AND stands between"},
		{`a AND`, 2, "AND stands between"},
		{`a - b`, 2, "nothing to exclude"},
		{`a -`, 2, "nothing to exclude"},
		{`a NOT`, 2, "nothing to exclude"},
		{`--a`, 0, "quotes"},
		{`ab nosuch:x`, 3, "not a field"},
		{`payload.:x`, 0, "not a field"},
		{`payload.a..b:x`, 0, "not a field"},
		{`""`, 0, "no text"},
		{`x severity:LOUD`, 11, "LOUD"},
		{`severity:>WARN+`, 9, "not both"},
		{`type:`, 5, "needs a value"},
		{`type: x`, 5, "needs a value"},
		{`type:()`, 5, "needs a value"},
		{`type:(a OR)`, 10, "value is missing"},
		{`type:(a`, 5, "never closed"},
		{`type:>a`, 5, "not a number"},
		{`type:` + strings.Repeat("a*", 9), 5, "wildcards"},
		{`payload.a:>`, 11, "needs a value"},
		{`payload.a:..`, 10, "needs a bound"},
		{`payload.a:1..x`, 10, "numbers, or neither"},
		{`createdAt:>yesterday`, 10, "not a time"},
		{strings.Repeat("(", 40) + "a" + strings.Repeat(")", 40), 32, "nested deeper"},
		{strings.Repeat("a", maxValueBytes+1), 0, "at most 1024 bytes"},
		{strings.Repeat("é ", 3) + `"`, 9, "never closed"},
	} {
		_, err := Parse(url.Values{"q": {test.q}}, now)
		var invalid *apierror.Error
		require.True(t, errors.As(err, &invalid), "%s: %v", test.q, err)
		require.Equal(t, apierror.KindInvalid, invalid.Kind)
		require.Len(t, invalid.Fields, 1)
		require.Equal(t, "q", invalid.Fields[0].Field)
		require.Contains(t, invalid.Fields[0].Message, test.says, test.q)
		require.NotNil(t, invalid.Fields[0].Position, test.q)
		require.Equal(t, test.position, *invalid.Fields[0].Position, "%s: %s", test.q, invalid.Fields[0].Message)
	}
}

func TestParse_FaultsOfParameters(t *testing.T) {
	many := strings.Repeat("&eventType=x", 2000)
	for _, test := range []struct{ query, field, says string }{
		{"colour=red", "colour", "not a parameter"},
		{"type=x", "type", "not a parameter"},
		{"tenantId=x", "tenantId", "not a parameter"},
		{"severity=LOUD", "severity", "LOUD"},
		{"severity=", "", ""},
		{"q=a&q=b", "q", "2 times"},
		{"from=yesterday", "from", "not a time"},
		{"from=now-1x", "from", "unknown unit"},
		{"from=now-", "from", "not date math"},
		{"from=now-99999999999999999999d", "from", "not date math"},
		{"from=now-999999y", "from", "years"},
		{"from=now" + strings.Repeat("-1d", 20), "from", "more than 15 steps"},
		{"from=" + strings.Repeat("9", 100), "from", "too long"},
		{"from=2026-02-30T00:00:00Z", "from", "not a time"},
		{"from=now&to=now-1h", "from", "is after to"},
		{"tz=Mars/Olympus", "tz", "not a time zone"},
		{"tz=Local", "tz", "not a time zone"},
		{"tz=../../etc/passwd", "tz", "not a time zone"},
		{"eventType=x" + many, "eventType", "more than 2000"},
		{strings.Repeat("&eventType=x", 1500)[1:], "eventType", "at most 1000"},
		{"actorId=" + strings.Repeat("x", 2000), "actorId", "at most 1024 bytes"},
		{"actorId=%ff%fe", "actorId", "UTF-8"},
		{"q=%c3%28", "q", "UTF-8"},
		{"attr.=x", "attr.", "not a parameter"},
		{"attr.a..b=x", "attr.a..b", "not a parameter"},
		{"attr.a>", "attr.a>", "must be followed"},
		{"q=" + strings.Repeat("x+", 65), "q", "at most 64 texts"},
		{"q=" + strings.Repeat("x", 9000), "q", "8192"},
	} {
		values, err := Values(test.query)
		require.NoError(t, err)
		_, err = Parse(values, now)
		if test.field == "" {
			require.NoError(t, err, test.query)
			continue
		}
		var invalid *apierror.Error
		require.True(t, errors.As(err, &invalid), "%.60s: %v", test.query, err)
		require.Equal(t, apierror.KindInvalid, invalid.Kind)
		require.Equal(t, test.field, invalid.Fields[0].Field, "%.60s", test.query)
		require.Contains(t, invalid.Fields[0].Message, test.says, "%.60s", test.query)
	}
}

func TestParse_EveryFaultAtOnce(t *testing.T) {
	values, err := Values(`q=(a&severity=LOUD&from=x&nosuch=1`)
	require.NoError(t, err)
	_, err = Parse(values, now)
	var invalid *apierror.Error
	require.ErrorAs(t, err, &invalid)
	var fields []string
	for _, f := range invalid.Fields {
		fields = append(fields, f.Field)
	}
	require.ElementsMatch(t, []string{"q", "severity", "from", "nosuch"}, fields)
}

func TestParse_OthersAllowed(t *testing.T) {
	f, err := Parse(url.Values{"limit": {"10"}, "actorId": {"x"}}, now, "limit")
	require.NoError(t, err)
	require.Equal(t, "actorId:x", f.Canonical())
}

func TestValues(t *testing.T) {
	values, err := Values("q=a;b&actorId=x%3By")
	require.NoError(t, err)
	require.Equal(t, url.Values{"q": {"a;b"}, "actorId": {"x;y"}}, values)
	_, err = Values("q=%zz")
	var invalid *apierror.Error
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, apierror.KindInvalid, invalid.Kind)
}

func TestParseObject(t *testing.T) {
	f, err := ParseObject([]byte(`{"eventType": ["a", "b*"], "attr.amount": 450, "attr.paid": true, "q": "x", "source": null}`), "filter", now,
		url.Values{"from": {"now-1h"}})
	require.NoError(t, err)
	require.Equal(t, `("x" createdAt:>=2026-04-17T13:32:01Z eventType:(a OR b*) payload.amount:450 payload.paid:true)`, f.Canonical())

	for object, field := range map[string]string{
		`[]`:                     "filter",
		`{"q": {}}`:              "filter.q",
		`{"q": "("}`:             "filter.q",
		`{"nosuch": 1}`:          "filter.nosuch",
		`{} {}`:                  "filter",
		`{"eventType": [["x"]]}`: "filter.eventType",
	} {
		_, err := ParseObject([]byte(object), "filter", now, nil)
		var invalid *apierror.Error
		require.ErrorAs(t, err, &invalid, object)
		require.Equal(t, field, invalid.Fields[0].Field, object)
	}
	_, err = ParseObject(nil, "filter", now, url.Values{"from": {"bad"}})
	var invalid *apierror.Error
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, "from", invalid.Fields[0].Field)
}

// fuzzSeeds are what the fuzz targets begin with, as parameters.
func fuzzSeeds() []string {
	return append(slices.Clone(golden),
		`q=(((a OR -b) type:(x OR "y*") payload.a\.b:1..2`, `q=-((-a) -a)`, `q=severity:<INFO createdAt:>now/w-1d`, "attr.a>=1&attr.b=..2&eventType=*&eventType=", "from=now/d-1d&to=now&tz=Asia/Kathmandu",
		"preset=nosuch&actorId=@me", "severity=WARN &severity=>=ERROR", "q=%FF&%FF=1&nosuch=1")
}

func FuzzParseQuery(f *testing.F) {
	for _, raw := range fuzzSeeds() {
		if q := parameters(f, raw).Get("q"); q != "" {
			f.Add(q)
		}
	}
	f.Fuzz(func(t *testing.T, q string) { checkParsed(t, url.Values{"q": {q}}) })
}

func FuzzParse(f *testing.F) {
	for _, raw := range fuzzSeeds() {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if values, err := Values(raw); err == nil {
			checkParsed(t, values)
		}
	})
}

// checkParsed holds a filter, or what is said to be wrong with it, to what callers
// rely on.
func checkParsed(t *testing.T, values url.Values) {
	t.Helper()
	filter, err := ParseRequest(asking(t), values, now)
	if err != nil {
		var invalid *apierror.Error
		require.ErrorAs(t, err, &invalid)
		require.NotEmpty(t, invalid.Fields)
		for _, field := range invalid.Fields {
			require.True(t, utf8.ValidString(field.Field+field.Message), "%q", field)
			if field.Field == "q" && field.Position != nil {
				require.LessOrEqual(t, *field.Position, len(values.Get("q")))
			}
		}
		return
	}
	var b Builder
	filter.Where(&b, testScope)
	canonical := filter.Canonical()
	if len(canonical) > maxQueryBytes {
		return
	}
	again, err := ParseRequest(asking(t), url.Values{"q": {canonical}}, now)
	require.NoError(t, err, canonical)
	require.Equal(t, canonical, again.Canonical())
	require.Equal(t, filter.Indexes(), again.Indexes(), canonical)
	for _, e := range sampleEvents {
		require.Equal(t, filter.Match(e), again.Match(e), canonical)
		require.Equal(t, filter.Highlights(e), again.Highlights(e), canonical)
	}
}

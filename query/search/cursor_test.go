package search

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/pkg/apierror"
	"daybook/query/cursor"
	"daybook/query/filter"
)

func requireInvalidCursor(t *testing.T, err error, says string) {
	t.Helper()
	var problem *apierror.Error
	require.ErrorAs(t, err, &problem)
	require.Equal(t, apierror.KindInvalid, problem.Kind)
	require.Equal(t, "cursor", problem.Fields[0].Field)
	require.Contains(t, problem.Fields[0].Message, says)
}

func TestCursor_Damaged(t *testing.T) {
	p := at{now.Add(-time.Microsecond), "evt_ü\x00", "billing"}
	sealed := cursor.Seal(42, contentOf(p))
	content, err := openCursor(42, sealed)
	require.NoError(t, err)
	got, err := readAt(content)
	require.NoError(t, err)
	require.Equal(t, p, got)

	_, err = openCursor(43, sealed)
	requireInvalidCursor(t, err, "another search")
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	require.NoError(t, err)
	for i := range raw {
		for bit := range 8 {
			raw[i] ^= 1 << bit
			_, err := openCursor(42, base64.RawURLEncoding.EncodeToString(raw))
			requireInvalidCursor(t, err, "damaged")
			raw[i] ^= 1 << bit
		}
	}
	for i := range sealed {
		_, err := openCursor(42, sealed[:i])
		requireInvalidCursor(t, err, "damaged")
	}
	for _, bad := range []string{"x", sealed + "A", sealed + "=", "/" + sealed[1:], string(make([]byte, 1<<20))} {
		_, err := openCursor(42, bad)
		requireInvalidCursor(t, err, "damaged")
	}
}

func TestCursor_OfAnotherSearch(t *testing.T) {
	base := Request{Tenant: acme, Filter: parse(t, "eventType=a&from=now-1d"), Order: Newest}
	sealed := cursor.Seal(binding(base, ""), nil)
	same := base
	same.Filter, same.Limit = parse(t, "q=type:a&from=now-1d"), 7
	_, err := openCursor(binding(same, ""), sealed)
	require.NoError(t, err, "the same filter in other words")
	for name, change := range map[string]func(*Request){
		"tenant": func(r *Request) { r.Tenant = "other" },
		"order":  func(r *Request) { r.Order = Oldest },
		"filter": func(r *Request) { r.Filter = parse(t, "eventType=b&from=now-1d") },
		"from":   func(r *Request) { r.Filter = parse(t, "eventType=a&from=now-2d") },
		"zone":   func(r *Request) { r.Filter = parse(t, "eventType=a&from=now-1d&tz=Asia/Tokyo") },
		"none":   func(r *Request) { r.Filter = &filter.Filter{} },
	} {
		r := base
		change(&r)
		_, err := openCursor(binding(r, ""), sealed)
		require.Error(t, err, name)
	}
}

func FuzzCursor(f *testing.F) {
	f.Add(cursor.Seal(42, contentOf(at{now, "evt_1", ""})))
	f.Add(cursor.Seal(42, appendOffsets(nil, []int64{1, 2, 3})))
	f.Fuzz(func(t *testing.T, sealed string) {
		content, err := openCursor(42, sealed)
		if err != nil {
			return
		}
		_, _ = readAt(content)
		if next, err := readOffsets(content); err == nil {
			require.Equal(t, content, appendOffsets(nil, next))
		}
	})
}

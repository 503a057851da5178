package filter

import (
	"context"
	"encoding/json"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"daybook/pkg/apierror"
)

var saved = map[string]string{
	"today":  `{"eventType": ["login.failed", "*.denied"], "from": "now/d"}`,
	"prague": `{"from": "now/d", "tz": "Europe/Prague"}`,
	"mine":   `{"q": "actor:@me OR target:@me"}`,
	"faulty": `{"q": "("}`,
	"nested": `{"preset": "today"}`,
}

func asking(t *testing.T) context.Context {
	t.Helper()
	return NewContext(t.Context(), Asker{KeyID: "key1", Preset: func(_ context.Context, id string) (json.RawMessage, error) {
		object, ok := saved[id]
		if !ok {
			return nil, apierror.Invalid("preset", "there is none")
		}
		return json.RawMessage(object), nil
	}})
}

func TestParseRequest(t *testing.T) {
	for query, canonical := range map[string]string{
		"preset=today":                             `(createdAt:>=2026-04-17T00:00:00Z eventType:(*.denied OR login.failed))`,
		"preset=today&severity=ERROR":              `(createdAt:>=2026-04-17T00:00:00Z eventType:(*.denied OR login.failed) severity:ERROR)`,
		"preset=today&from=now-1h":                 `(createdAt:>=2026-04-17T13:32:01Z eventType:(*.denied OR login.failed))`,
		"preset=today&from=now-7d&to=now":          `(createdAt:<2026-04-17T14:32:01Z createdAt:>=2026-04-17T00:00:00Z eventType:(*.denied OR login.failed))`,
		"preset=today&tz=America/New_York":         `(createdAt:>=2026-04-17T04:00:00Z eventType:(*.denied OR login.failed))`,
		"preset=prague&tz=America/New_York":        `createdAt:>=2026-04-16T22:00:00Z`,
		"preset=mine":                              `(actorId:key1 OR targetId:key1)`,
		"preset=":                                  "",
		"actorId=@me&actorId=x":                    "actorId:(key1 OR x)",
		"targetId=@me":                             "targetId:key1",
		`q=actorId:"@me"`:                          `actorId:"@me"`,
		"q=actorId:@me*":                           `actorId:@me*`,
		"q=source:@me":                             `source:"@me"`,
		"q=actor:(@me OR @you) -target:@me source": `("source" -targetId:key1 actorId:("@you" OR key1))`,
	} {
		f, err := ParseRequest(asking(t), parameters(t, query), now)
		require.NoError(t, err, query)
		require.Equal(t, canonical, f.Canonical(), query)
	}
	for query, field := range map[string]string{
		"preset=nosuch": "preset", "preset=faulty": "preset.q", "preset=nested": "preset.preset", "preset=today&preset=mine": "preset", "preset=today&q=(": "q",
	} {
		_, err := ParseRequest(asking(t), parameters(t, query), now)
		var invalid *apierror.Error
		require.ErrorAs(t, err, &invalid, query)
		require.Equal(t, field, invalid.Fields[0].Field, query)
	}
}

func TestParseRequest_Zone(t *testing.T) {
	for query, zone := range map[string]string{
		"preset=prague": "Europe/Prague", "preset=prague&tz=Asia/Tokyo": "Asia/Tokyo", "preset=today&tz=Asia/Tokyo": "Asia/Tokyo", "tz=Asia/Tokyo": "Asia/Tokyo",
	} {
		f, err := ParseRequest(asking(t), parameters(t, query), now)
		require.NoError(t, err)
		require.Equal(t, zone, f.Zone.String(), query)
	}
	f, err := ParseRequest(asking(t), parameters(t, "preset=today"), now)
	require.NoError(t, err)
	require.Nil(t, f.Zone)
}

func TestParseRequestObject(t *testing.T) {
	f, err := ParseRequestObject(asking(t), []byte(`{"preset": "mine", "severity": "ERROR"}`), "filter", now, url.Values{"tz": {"Asia/Tokyo"}})
	require.NoError(t, err)
	require.Equal(t, "((actorId:key1 OR targetId:key1) severity:ERROR)", f.Canonical())
	_, err = ParseRequestObject(asking(t), []byte(`{"preset": "faulty"}`), "filter", now, nil)
	var invalid *apierror.Error
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, "filter.preset.q", invalid.Fields[0].Field)
}

// Where nobody asks there are neither presets nor a key.
func TestParseRequest_NobodyAsks(t *testing.T) {
	for query, field := range map[string]string{"preset=today": "preset", "actorId=@me": "actorId", "q=x actor:@me": "q"} {
		for _, parse := range []func() (*Filter, error){
			func() (*Filter, error) { return Parse(parameters(t, query), now) },
			func() (*Filter, error) { return ParseRequest(t.Context(), parameters(t, query), now) },
		} {
			_, err := parse()
			var invalid *apierror.Error
			require.ErrorAs(t, err, &invalid, query)
			require.Equal(t, field, invalid.Fields[0].Field, query)
		}
	}
}

// What a preset holds counts towards the bounds of a filter.
func TestParseRequest_Bounded(t *testing.T) {
	texts := "a b c d e f g h i j k l m n o p q r s t u v w x y z aa ab ac ad ae af ag ah ai aj"
	ctx := NewContext(t.Context(), Asker{Preset: func(context.Context, string) (json.RawMessage, error) {
		return json.RawMessage(`{"q": "` + texts + `"}`), nil
	}})
	_, err := ParseRequest(ctx, url.Values{"preset": {"x"}, "q": {texts}}, now)
	require.ErrorContains(t, err, "at most 64 texts")
}

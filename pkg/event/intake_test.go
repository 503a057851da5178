package event_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/pkg/event"
)

func TestSplitBatch(t *testing.T) {
	for name, c := range map[string]struct {
		body, contentType string
		want              []string
	}{
		"one object":                {" {\"a\":1}\n", "application/json", []string{`{"a":1}`}},
		"an array":                  {`[{"a":1}, {"b":[2]} ]`, "application/json; charset=utf-8", []string{`{"a":1}`, `{"b":[2]}`}},
		"NDJSON":                    {"{\"a\":1}\r\n\n{\"b\":2}", "application/x-ndjson", []string{`{"a":1}`, `{"b":2}`}},
		"NDJSON sent as JSON":       {"{\"a\":1}\n{\"b\":2}\n", "application/json", []string{`{"a":1}`, `{"b":2}`}},
		"no content type":           {`{"a":1}`, "", []string{`{"a":1}`}},
		"what curl -d sends":        {`{"a":1}`, "application/x-www-form-urlencoded", []string{`{"a":1}`}},
		"CloudEvents":               {`{"a":1}`, "application/cloudevents+json", []string{`{"a":1}`}},
		"CloudEvents batch":         {`[{"a":1}]`, "application/cloudevents-batch+json", []string{`{"a":1}`}},
		"a broken line is one":      {"{\"a\":1}\n{oops\n", "application/x-ndjson", []string{`{"a":1}`, `{oops`}},
		"what is no object is kept": {`[1,"x",null]`, "application/json", []string{`1`, `"x"`, `null`}},
	} {
		t.Run(name, func(t *testing.T) {
			parts, err := event.SplitBatch([]byte(c.body), c.contentType)
			require.NoError(t, err)
			var got []string
			for _, p := range parts {
				got = append(got, string(p))
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestSplitBatch_Refuses(t *testing.T) {
	for name, c := range map[string]struct{ body, contentType, class, message string }{
		"nothing":              {"", "application/json", event.ClassEmpty, ""},
		"white space":          {" \n ", "application/x-ndjson", event.ClassEmpty, ""},
		"an empty array":       {" [ ] ", "application/json", event.ClassEmpty, ""},
		"array cut off":        {`[{"a":1},`, "application/json", event.ClassInvalidJSON, "event 1: byte 9"},
		"array not closed":     {`[{"a":1}`, "application/json", event.ClassInvalidJSON, "',' or ']'"},
		"comma at the end":     {`[{"a":1},]`, "application/json", event.ClassInvalidJSON, "event 1"},
		"behind the array":     {`[{"a":1}] {}`, "application/json", event.ClassInvalidJSON, "nothing behind the array"},
		"behind nothing":       {`[] x`, "application/json", event.ClassInvalidJSON, "nothing behind the array"},
		"second is broken":     {"{\"a\":1}\n{\"b\" 2}", "application/json", event.ClassInvalidJSON, "event 1: byte 13"},
		"XML":                  {"<a/>", "application/xml", event.ClassUnsupportedMedia, "application/x-ndjson"},
		"a broken type":        {"{}", "application/", event.ClassUnsupportedMedia, ""},
		"a file of a web form": {"--x", "multipart/form-data; boundary=x", event.ClassUnsupportedMedia, ""},
		"too deep":             {strings.Repeat("[", 100_000), "application/json", event.ClassTooDeep, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := event.SplitBatch([]byte(c.body), c.contentType)
			requireClass(t, err, c.class, "")
			require.ErrorContains(t, err, c.message)
		})
	}
}

func TestPrepare(t *testing.T) {
	now := at.Add(456 * time.Microsecond)
	const filled = `"createdAt":"2026-04-17T14:32:02.123456Z"`
	for name, c := range map[string]struct{ raw, want string }{
		"everything is missing": {`{ "eventType": "a", "payload":{ "x" : 1.00 },"u":[1] }`, `{"tenantId":"t","eventId":"new",` + filled + `,"eventType": "a","payload":{ "x" : 1.00 },"u":[1]}`},
		"nothing is missing": {" {\"tenantId\":\"t\", \"eventType\":\"a\",\"eventId\":\"e\",\"createdAt\":\"2026-04-17T00:00:00Z\"}\n",
			`{"tenantId":"t", "eventType":"a","eventId":"e","createdAt":"2026-04-17T00:00:00Z"}`},
		"null and empty make room": {`{"eventId":null,"tenantId":"","createdAt":null,"eventType":"a"}`, `{"tenantId":"t","eventId":"new",` + filled + `,"eventType":"a"}`},
		"escaped names":            {`{"event\u0049d":"e","eventType":"a"}`, `{"tenantId":"t",` + filled + `,"event\u0049d":"e","eventType":"a"}`},
		"a CloudEvent": {`{"specversion":"1.0","id":"e","source":"s","type":"a"}`,
			`{"tenantid":"t","time":"2026-04-17T14:32:02.123456Z","specversion":"1.0","id":"e","source":"s","type":"a"}`},
		"a CloudEvent in camel case": {`{"specversion":"1.0","id":"e","source":"s","type":"a","tenantId":"t","time":"2026-04-17T14:32:02Z"}`,
			`{"specversion":"1.0","id":"e","source":"s","type":"a","tenantId":"t","time":"2026-04-17T14:32:02Z"}`},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDecoder(t)
			value, e, err := d.Prepare([]byte(c.raw), "t", now, func() string { return "new" })
			require.NoError(t, err)
			require.Equal(t, c.want, string(value))
			require.Equal(t, "t", e.TenantID)
			var again event.Event
			m := message(string(value))
			m.Time = now.Truncate(time.Millisecond) // As Kafka keeps it.
			require.NoError(t, d.Decode(m, &again))
			require.Equal(t, e, again)
		})
	}
}

func TestPrepare_Refuses(t *testing.T) {
	for name, c := range map[string]struct{ raw, class, field string }{
		"another tenant":             {`{"tenantId":"u","eventType":"a"}`, event.ClassForbiddenTenant, "tenantId"},
		"another tenant, twice":      {`{"tenantId":"t","tenantId":"u","eventType":"a"}`, event.ClassDuplicateField, "tenantId"},
		"another tenant behind null": {`{"tenantId":null,"tenantId":"u","eventType":"a"}`, event.ClassForbiddenTenant, "tenantId"},
		"another tenant, CloudEvent": {`{"specversion":"1.0","id":"e","source":"s","type":"a","tenantid":"u"}`, event.ClassForbiddenTenant, "tenantId"},
		"no event type":              {`{}`, event.ClassMissingField, "eventType"},
		"no id in a CloudEvent":      {`{"specversion":"1.0","source":"s","type":"a"}`, event.ClassMissingField, "id"},
		"empty createdAt":            {`{"eventType":"a","createdAt":""}`, event.ClassInvalidField, "createdAt"},
		"broken":                     {`{"eventType":"a"`, event.ClassInvalidJSON, ""},
		"a number":                   {`17`, event.ClassWrongType, ""},
		"not UTF-8":                  {"{\"eventType\":\"a\xff\"}", event.ClassInvalidUTF8, ""},
		"too large":                  {`{"eventType":"a","payload":{"a":"` + strings.Repeat("x", 1<<20) + `"}}`, event.ClassTooLarge, ""},
		"too large once filled in":   {`{"eventType":"a","payload":{"a":"` + strings.Repeat("x", 1<<20-40) + `"}}`, event.ClassTooLarge, ""},
	} {
		t.Run(name, func(t *testing.T) {
			value, e, err := newDecoder(t).Prepare([]byte(c.raw), "t", at, func() string { return "new" })
			requireClass(t, err, c.class, c.field)
			require.Nil(t, value)
			require.Equal(t, event.Event{}, e)
		})
	}
}

package event_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"daybook/pkg/event"
)

const cloudEvent = `{"specversion":"1.0","id":"A234-1234","source":"/mycontext","type":"payment.received","tenantid":"t",` +
	`"subject":"inv_1","time":"2026-04-17T16:32:01.5+02:00","datacontenttype":"application/json","data":{"amount":450.00}`

func headers(pairs ...string) []event.Header {
	var h []event.Header
	for i := 0; i < len(pairs); i += 2 {
		h = append(h, event.Header{Key: pairs[i], Value: []byte(pairs[i+1])})
	}
	return h
}

func wantCloudEvent() event.Event {
	return event.Event{
		EventID: "A234-1234", TenantID: "t", EventType: "payment.received", Category: event.CategoryBilling, Source: "/mycontext",
		Severity: event.Info, TargetID: "inv_1", Payload: []byte(`{"amount":450.00}`), Extra: []byte(`{"datacontenttype":"application/json"}`),
		CreatedAt: time.Date(2026, 4, 17, 14, 32, 1, 500_000_000, time.UTC), IngestedAt: at,
	}
}

func TestDecode_CloudEvents(t *testing.T) {
	for name, c := range map[string]struct {
		message *event.Message
		want    func(*event.Event)
	}{
		"structured by its body":   {message(cloudEvent + `}`), func(*event.Event) {}},
		"structured by its header": {message(cloudEvent+`}`, headers("content-type", "application/cloudevents+json; charset=UTF-8")...), func(*event.Event) {}},
		"binary": {message(`{"amount":450.00}`, headers("ce_specversion", "1.0", "ce_id", "A234-1234", "ce_source", "/mycontext",
			"ce_type", "payment.received", "ce_tenantid", "t", "ce_subject", "inv_1", "ce_time", "2026-04-17T14:32:01.5Z",
			"content-type", "application/json")...), func(*event.Event) {}},
		"extensions": {message(cloudEvent + `,"severity":"warning","actortype":"USER","actorid":42,"actorName":"Jane","targettype":"INVOICE",` +
			`"targetid":"inv_2","correlationid":"req_1","traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01","partitionkey":7,"payload":true}`),
			func(e *event.Event) {
				e.Severity, e.ActorType, e.ActorID, e.ActorName = event.Warn, "USER", "42", "Jane"
				e.TargetType, e.TargetID, e.CorrelationID = "INVOICE", "inv_2", "req_1"
				e.Extra = []byte(`{"datacontenttype":"application/json","traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",` +
					`"partitionkey":7,"ce_payload":true,"subject":"inv_1"}`)
			}},
		"trace id": {message(cloudEvent + `,"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}`), func(e *event.Event) {
			e.CorrelationID = "4bf92f3577b34da6a3ce929d0e0e4736"
			e.Extra = []byte(`{"datacontenttype":"application/json","traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}`)
		}},
		"no trace id": {message(cloudEvent + `,"traceparent":"00-00000000000000000000000000000000-00f067aa0ba902b7-01"}`), func(e *event.Event) {
			e.Extra = []byte(`{"datacontenttype":"application/json","traceparent":"00-00000000000000000000000000000000-00f067aa0ba902b7-01"}`)
		}},
		"data an array": {message(strings.Replace(cloudEvent, `{"amount":450.00}`, `[1, 2]`, 1) + `}`), func(e *event.Event) { e.Payload = []byte(`{"data":[1, 2]}`) }},
		"data null":     {message(strings.Replace(cloudEvent, `{"amount":450.00}`, `null`, 1) + `}`), func(e *event.Event) { e.Payload = []byte(`{}`) }},
		"data in base64": {message(strings.Replace(cloudEvent, `"data":{"amount":450.00}`, `"data_base64":"AQI="`, 1) + `}`),
			func(e *event.Event) { e.Payload = []byte(`{"data_base64":"AQI="}`) }},
	} {
		t.Run(name, func(t *testing.T) {
			want := wantCloudEvent()
			c.want(&want)
			var e event.Event
			require.NoError(t, newDecoder(t).Decode(c.message, &e))
			require.Empty(t, cmp.Diff(want, e))
			back, err := event.ParseOutput(event.AppendJSON(nil, &e))
			require.NoError(t, err)
			require.Empty(t, cmp.Diff(want, back), "Extra clashes with no member of the output")
		})
	}
}

func TestDecode_CloudEventsBinaryData(t *testing.T) {
	for name, c := range map[string]struct {
		contentType string
		data        []byte
		payload     string
	}{
		"JSON":                     {"application/json", []byte(` {"a":1} `), `{"a":1}`},
		"JSON by suffix":           {"application/vnd.acme+json", []byte(`[1]`), `{"data":[1]}`},
		"no type, looks like JSON": {"", []byte(`{"a":1}`), `{"a":1}`},
		"no type, text":            {"", []byte(`disk "full"`), `{"data":"disk \"full\""}`},
		"text that looks like it":  {"text/plain", []byte(`{"a":1}`), `{"data":"{\"a\":1}"}`},
		"bytes":                    {"application/octet-stream", []byte{1, 2, 0xff}, `{"data_base64":"AQL/"}`},
		"nothing":                  {"application/json", nil, `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			h := headers("ce_specversion", "1.0", "ce_id", "1", "ce_source", "s", "ce_type", "a.b", "ce_tenantid", "t")
			if c.contentType != "" {
				h = append(h, headers("content-type", c.contentType)...)
			}
			m := message("", h...)
			m.Value = c.data
			var e event.Event
			require.NoError(t, newDecoder(t).Decode(m, &e))
			require.Equal(t, c.payload, string(e.Payload))
		})
	}
}

func TestDecode_CloudEventsRefuses(t *testing.T) {
	binary := func(value string, pairs ...string) *event.Message {
		return message(value, append(headers("ce_specversion", "1.0", "ce_id", "1", "ce_source", "s", "ce_type", "a", "ce_tenantid", "t"), headers(pairs...)...)...)
	}
	without := func(part string) *event.Message { return message(strings.Replace(cloudEvent, part, "", 1) + `}`) }
	for name, c := range map[string]struct {
		message      *event.Message
		class, field string
	}{
		"version 0.3":              {message(strings.Replace(cloudEvent, "1.0", "0.3", 1) + `}`), event.ClassInvalidField, "specversion"},
		"no id":                    {without(`"id":"A234-1234",`), event.ClassMissingField, "id"},
		"no source":                {without(`"source":"/mycontext",`), event.ClassMissingField, "source"},
		"no type":                  {without(`"type":"payment.received",`), event.ClassMissingField, "type"},
		"no tenant":                {without(`"tenantid":"t",`), event.ClassMissingField, "tenantid"},
		"id an object":             {message(strings.Replace(cloudEvent, `"A234-1234"`, `{}`, 1) + `}`), event.ClassWrongType, "id"},
		"time broken":              {message(strings.Replace(cloudEvent, `2026-04-17T16`, `17.4.2026 16`, 1) + `}`), event.ClassInvalidField, "time"},
		"data twice":               {message(cloudEvent + `,"data":{}}`), event.ClassDuplicateField, "data"},
		"both kinds of data":       {message(cloudEvent + `,"data_base64":"AQI="}`), event.ClassInvalidField, "data_base64"},
		"base64 a number":          {message(strings.Replace(cloudEvent, `"data":{"amount":450.00}`, `"data_base64":7`, 1) + `}`), event.ClassWrongType, "data_base64"},
		"tenant twice":             {message(cloudEvent + `,"tenantId":"u"}`), event.ClassDuplicateField, "tenantId"},
		"long subject":             {message(strings.Replace(cloudEvent, "inv_1", strings.Repeat("x", 257), 1) + `}`), event.ClassOutOfBounds, "subject"},
		"header but no CloudEvent": {message(with(""), headers("content-type", "application/cloudevents+json")...), event.ClassInvalidField, "specversion"},
		"binary: data breaks out":  {binary(`{"a":1},"tenantid":"other"`, "content-type", "application/json"), event.ClassInvalidJSON, "data"},
		"binary: data not UTF-8":   {binary("{\"a\":\"\xff\"}", "content-type", "application/json"), event.ClassInvalidUTF8, ""},
		"binary: header Latin-1":   {binary(`{}`, "ce_actorname", "Ren\xe9"), event.ClassInvalidUTF8, "actorname"},
		"binary: header data":      {binary(`{}`, "ce_data", "x"), event.ClassDuplicateField, "data"},
		"binary: header twice":     {binary(`{}`, "ce_id", "2"), event.ClassDuplicateField, "id"},
		"binary: too large":        {binary(strings.Repeat("x", 1<<20+1)), event.ClassTooLarge, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var e event.Event
			requireClass(t, newDecoder(t).Decode(c.message, &e), c.class, c.field)
		})
	}
}

func TestFromHTTP(t *testing.T) {
	header := http.Header{}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "ce-specversion": "1.0", "ce-id": "A%20%C3%A9", "ce-source": "/s", "ce-type": "a.b", "Authorization": "Bearer x",
	} {
		header.Set(name, value)
	}
	text, ok, err := event.FromHTTP(header, []byte(`{"a":1}`))
	require.NoError(t, err)
	require.True(t, ok)
	value, e, err := newDecoder(t).Prepare(text, "t", at, nil)
	require.NoError(t, err)
	require.Equal(t, "A é", e.EventID)
	require.Equal(t, "t", e.TenantID)
	require.Equal(t, `{"a":1}`, string(e.Payload))
	require.NotContains(t, string(value), "Bearer")

	_, ok, err = event.FromHTTP(http.Header{"Content-Type": {"application/json"}, "Ce-": {"x"}}, []byte(`{}`))
	require.NoError(t, err)
	require.False(t, ok)
	_, ok, err = event.FromHTTP(http.Header{"Content-Type": {"application/cloudevents+json"}, "Ce-Specversion": {"1.0"}}, []byte(`{}`))
	require.NoError(t, err)
	require.False(t, ok)
	header.Set("ce-id", "%zz")
	_, _, err = event.FromHTTP(header, []byte(`{}`))
	requireClass(t, err, event.ClassInvalidField, "id")
}

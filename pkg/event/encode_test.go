package event_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"daybook/pkg/event"
)

func TestAppendJSON_MembersAndOrder(t *testing.T) {
	full := event.Event{
		EventID: "i", TenantID: "t", EventType: "a.b", Category: "other", Source: "s", Severity: event.Critical, ActorType: "USER",
		ActorID: "u", ActorName: "Jane", ActorEmail: "j@example.com", TargetType: "INVOICE", TargetID: "v", CorrelationID: "c",
		IPAddress: "203.0.113.1", UserAgent: "curl", Payload: []byte(`{"b":1.00}`), Extra: []byte(`{"x":{"y":1},"z":null}`),
		CreatedAt: at, IngestedAt: at.Add(877 * time.Millisecond),
	}
	require.Equal(t, `{"eventId":"i","tenantId":"t","eventType":"a.b","source":"s","severity":"CRITICAL","actorType":"USER","actorId":"u",`+
		`"targetType":"INVOICE","targetId":"v","payload":{"b":1.00},"correlationId":"c","createdAt":"2026-04-17T14:32:02.123Z",`+
		`"actorName":"Jane","actorEmail":"j@example.com","ipAddress":"203.0.113.1","userAgent":"curl","category":"other",`+
		`"ingestedAt":"2026-04-17T14:32:03Z","x":{"y":1},"z":null}`, string(event.AppendJSON(nil, &full)))
	back, err := event.ParseOutput(event.AppendJSON(nil, &full))
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(full, back))

	least := event.Event{EventID: "i", TenantID: "t", EventType: "a.b", Category: "other", Severity: event.Info, CreatedAt: at.Truncate(time.Second), IngestedAt: at, Extra: []byte(`{}`)}
	require.Equal(t, `> {"eventId":"i","tenantId":"t","eventType":"a.b","severity":"INFO","payload":{},"createdAt":"2026-04-17T14:32:02Z",`+
		`"category":"other","ingestedAt":"2026-04-17T14:32:02.123Z"}`, string(event.AppendJSON([]byte("> "), &least)))
}

// One event is one line, whatever the producer's white space and strings are.
func TestAppendJSON_OneLine(t *testing.T) {
	var e event.Event
	require.NoError(t, newDecoder(t).Decode(message(with(
		"\"payload\":{\r\n\"a\":\t[1,\n2],\r\"s\":\"x\\r\\ny\"},\"x\"\n:\r\n{\n},\"actorName\":\"a\\nb\\r\\u0000\\u001f\\u007f\u2028\\\"\\\\\"")), &e))
	out := event.AppendJSON(nil, &e)
	require.NotContains(t, string(out), "\n")
	require.NotContains(t, string(out), "\r")
	require.NotContains(t, string(out), "\x00")
	require.Contains(t, string(out), `"payload":{  "a":`+"\t"+`[1, 2], "s":"x\r\ny"}`)
	require.Equal(t, "{\r\n\"a\":\t[1,\n2],\r\"s\":\"x\\r\\ny\"}", string(e.Payload), "the event itself stays verbatim")
	var decoded struct{ ActorName string }
	require.NoError(t, json.Unmarshal(out, &decoded))
	require.Equal(t, "a\nb\r\x00\x1f\x7f\u2028\"\\", decoded.ActorName)
}

// What the API returned can be published again and is the same event.
func TestAppendJSON_OutputIsInput(t *testing.T) {
	d := newDecoder(t)
	for _, name := range []string{"payment_received", "user_login", "request_error"} {
		var first, second event.Event
		require.NoError(t, d.Decode(message(string(readFile(t, "testdata/"+name+".json"))), &first))
		later := message(string(event.AppendJSON(nil, &first)))
		later.Time, later.Offset = at.Add(time.Hour), 9
		require.NoError(t, d.Decode(later, &second))
		require.Equal(t, at.Add(time.Hour), second.IngestedAt)
		second.IngestedAt = first.IngestedAt
		first.Payload, second.Payload = compact(t, first.Payload), compact(t, second.Payload)
		require.Empty(t, cmp.Diff(first, second))
	}
}

func TestAppendJSON_BrokenRow(t *testing.T) {
	out := event.AppendJSON(nil, &event.Event{ActorID: "a\xff\xed\xa0\x80z"})
	require.True(t, json.Valid(out))
	require.Contains(t, string(out), `"actorId":"a\ufffd\ufffd\ufffd\ufffdz"`)
}

func TestParseOutput_Refuses(t *testing.T) {
	for text, class := range map[string]string{
		`{"eventId":1}`: event.ClassWrongType, `{"ingestedAt":"yesterday"}`: event.ClassInvalidField, `[]`: event.ClassWrongType,
		`{`: event.ClassInvalidJSON, "{\"a\":\"\xff\"}": event.ClassInvalidUTF8, ``: event.ClassEmpty,
	} {
		_, err := event.ParseOutput([]byte(text))
		var fault *event.DecodeError
		require.ErrorAs(t, err, &fault, text)
		require.Equal(t, class, fault.Class, text)
	}
}

// compact takes the white space out of JSON.
func compact(tb testing.TB, text []byte) []byte {
	tb.Helper()
	var out bytes.Buffer
	require.NoError(tb, json.Compact(&out, text))
	return out.Bytes()
}

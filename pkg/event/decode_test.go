package event_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"daybook/pkg/event"
	"daybook/pkg/tenant"
)

// at is the messages' own timestamp in these tests.
var at = time.Date(2026, 4, 17, 14, 32, 2, 123_000_000, time.UTC)

// derivedID is that of message's position. Stored events have ids like it: a
// change of the derivation would store them again on a replay.
const derivedID = "evt_c12tykt37dv6myd7w02r"

func newDecoder(tb testing.TB, change ...func(*event.Config)) *event.Decoder {
	tb.Helper()
	c := event.DefaultConfig()
	for _, f := range change {
		f(&c)
	}
	d, err := event.NewDecoder(c)
	require.NoError(tb, err)
	return d
}

func message(value string, headers ...event.Header) *event.Message {
	return &event.Message{
		Topic: "events", Position: event.Position{Partition: 3, Offset: 1523}, Time: at,
		Value: []byte(value), Headers: headers,
	}
}

func readFile(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(name)
	require.NoError(tb, err)
	return b
}

// with returns a smallest event with more members.
func with(members string) string {
	if members != "" {
		members = "," + members
	}
	return `{"tenantId":"t","eventType":"payment.received"` + members + `}`
}

func requireClass(t *testing.T, err error, class, field string) {
	t.Helper()
	var fault *event.DecodeError
	require.ErrorAs(t, err, &fault)
	require.Equal(t, class+"/"+field, fault.Class+"/"+fault.Field, fault.Message)
	require.NotEmpty(t, fault.Message)
}

func TestDecode_SpecSamples(t *testing.T) {
	d := newDecoder(t)
	var e event.Event
	require.NoError(t, d.Decode(message(string(readFile(t, "testdata/payment_received.json"))), &e))
	want := event.Event{
		EventID: "evt_abc123", TenantID: "tenant_xyz", EventType: "payment.received", Category: event.CategoryBilling,
		Source: "billing", Severity: event.Info, ActorType: "SYSTEM", ActorID: "billing-pipeline", TargetType: "INVOICE",
		TargetID: "inv_def456", CorrelationID: "req_jkl012",
		Payload:   []byte("{\n    \"amount\": 450.00,\n    \"currency\": \"USD\",\n    \"invoiceId\": \"inv_def456\",\n    \"customerId\": \"cust_ghi789\"\n  }"),
		CreatedAt: time.Date(2026, 4, 17, 14, 32, 1, 0, time.UTC), IngestedAt: at,
	}
	require.Empty(t, cmp.Diff(want, e))

	require.NoError(t, d.Decode(message(string(readFile(t, "testdata/user_login.json"))), &e))
	want = event.Event{
		EventID: "audit-uuid", TenantID: "aero2", EventType: "user_login", Category: event.CategoryAuth, Severity: event.Info,
		ActorType: "USER", ActorID: "user-uuid", ActorName: "Jane Doe", ActorEmail: "jane@example.com",
		IPAddress: "203.0.113.1", UserAgent: "Mozilla/5.0...", Payload: []byte("{\n    \"idp\": \"github\"\n  }"),
		CreatedAt: time.Date(2026, 2, 1, 10, 0, 0, 0, time.UTC), IngestedAt: at,
	}
	require.Empty(t, cmp.Diff(want, e))
}

func TestDecode_Refuses(t *testing.T) {
	long := strings.Repeat("x", 257)
	for name, c := range map[string]struct{ value, class, field string }{
		"nothing":                         {"", event.ClassEmpty, ""},
		"white space":                     {" \r\n\t", event.ClassEmpty, ""},
		"a string":                        {`"hello"`, event.ClassWrongType, ""},
		"null":                            {`null`, event.ClassWrongType, ""},
		"an array":                        {`[{"tenantId":"t"}]`, event.ClassWrongType, ""},
		"text":                            {`hello`, event.ClassInvalidJSON, ""},
		"a log line":                      {`2026-04-17 ERROR disk full`, event.ClassInvalidJSON, ""},
		"cut off":                         {`{"tenantId":"t","eventType":"a"`, event.ClassInvalidJSON, ""},
		"cut off in a string":             {`{"tenantId":"t","eventType":"a`, event.ClassInvalidJSON, ""},
		"cut off behind the colon":        {`{"tenantId":`, event.ClassInvalidJSON, ""},
		"two events":                      {with("") + with(""), event.ClassInvalidJSON, ""},
		"garbage behind":                  {with("") + "x", event.ClassInvalidJSON, ""},
		"comma at the end":                {`{"tenantId":"t","eventType":"a",}`, event.ClassInvalidJSON, ""},
		"single quotes":                   {`{'tenantId':'t'}`, event.ClassInvalidJSON, ""},
		"control character":               {with("\"payload\":{\"a\":\"x\ny\"}"), event.ClassInvalidJSON, ""},
		"bad escape in payload":           {with(`"payload":{"a":"\x41"}`), event.ClassInvalidJSON, ""},
		"bad \\u in unknown":              {with(`"x":{"a":"\u12g4"}`), event.ClassInvalidJSON, ""},
		"NaN in payload":                  {with(`"payload":{"a":NaN}`), event.ClassInvalidJSON, ""},
		"leading zero in payload":         {with(`"payload":{"a":01}`), event.ClassInvalidJSON, ""},
		"broken number in unknown":        {with(`"x":[1.]`), event.ClassInvalidJSON, ""},
		"byte order mark":                 {"\ufeff" + with(""), event.ClassInvalidJSON, ""},
		"Latin-1":                         {with("\"actorName\":\"Ren\xe9\""), event.ClassInvalidUTF8, ""},
		"Latin-1 in payload":              {with("\"payload\":{\"n\":\"Ren\xe9\"}"), event.ClassInvalidUTF8, ""},
		"surrogate in UTF-8":              {with("\"payload\":{\"n\":\"\xed\xa0\x80\"}"), event.ClassInvalidUTF8, ""},
		"lone surrogate in id":            {with(`"eventId":"a\ud83d"`), event.ClassInvalidUTF8, "eventId"},
		"no tenant":                       {`{"eventType":"a"}`, event.ClassMissingField, "tenantId"},
		"empty tenant":                    {`{"tenantId":"","eventType":"a"}`, event.ClassMissingField, "tenantId"},
		"null tenant":                     {`{"tenantId":null,"eventType":"a"}`, event.ClassMissingField, "tenantId"},
		"tenant *":                        {`{"tenantId":"*","eventType":"a"}`, event.ClassInvalidField, "tenantId"},
		"tenant with line break":          {`{"tenantId":"a\nb","eventType":"a"}`, event.ClassInvalidField, "tenantId"},
		"no event type":                   {`{"tenantId":"t"}`, event.ClassMissingField, "eventType"},
		"event type with NUL":             {`{"tenantId":"t","eventType":"a\u0000"}`, event.ClassInvalidField, "eventType"},
		"tenant a number":                 {`{"tenantId":7,"eventType":"a"}`, event.ClassWrongType, "tenantId"},
		"event type an array":             {`{"tenantId":"t","eventType":["a"]}`, event.ClassWrongType, "eventType"},
		"actor id a number":               {with(`"actorId":42`), event.ClassWrongType, "actorId"},
		"payload a string":                {with(`"payload":"a=1"`), event.ClassWrongType, "payload"},
		"payload an array":                {with(`"payload":[1]`), event.ClassWrongType, "payload"},
		"severity a number":               {with(`"severity":3`), event.ClassWrongType, "severity"},
		"severity unknown":                {with(`"severity":"DEBUG"`), event.ClassInvalidField, "severity"},
		"a native event with specversion": {with(`"specversion":"1.0","payload":"x"`), event.ClassWrongType, "payload"},
		"severity empty":                  {with(`"severity":""`), event.ClassInvalidField, "severity"},
		"createdAt a number":              {with(`"createdAt":1776436321`), event.ClassWrongType, "createdAt"},
		"createdAt empty":                 {with(`"createdAt":""`), event.ClassInvalidField, "createdAt"},
		"createdAt without offset":        {with(`"createdAt":"2026-04-17T14:32:01"`), event.ClassInvalidField, "createdAt"},
		"createdAt a date":                {with(`"createdAt":"2026-04-17"`), event.ClassInvalidField, "createdAt"},
		"createdAt February 30":           {with(`"createdAt":"2026-02-30T00:00:00Z"`), event.ClassInvalidField, "createdAt"},
		"createdAt 10 digits":             {with(`"createdAt":"2026-04-17T14:32:01.1234567891Z"`), event.ClassInvalidField, "createdAt"},
		"createdAt too late":              {with(`"createdAt":"2026-04-17T14:42:02.124Z"`), event.ClassOutOfBounds, "createdAt"},
		"createdAt too early":             {with(`"createdAt":"2025-04-17T14:32:02.122999Z"`), event.ClassOutOfBounds, "createdAt"},
		"createdAt in the year 0":         {with(`"createdAt":"0000-01-01T00:00:00Z"`), event.ClassOutOfBounds, "createdAt"},
		"createdAt in the far away":       {with(`"createdAt":"9999-12-31T23:59:59Z"`), event.ClassOutOfBounds, "createdAt"},
		"long event id":                   {with(`"eventId":"` + long + `"`), event.ClassOutOfBounds, "eventId"},
		"long source":                     {with(`"source":"` + long + `"`), event.ClassOutOfBounds, "source"},
		"long user agent":                 {with(`"userAgent":"` + strings.Repeat("x", 4097) + `"`), event.ClassOutOfBounds, "userAgent"},
		"tenant twice":                    {with(`"tenantId":"t"`), event.ClassDuplicateField, "tenantId"},
		"tenant twice, escaped":           {with(`"tenant\u0049d":"u"`), event.ClassDuplicateField, "tenantId"},
		"payload null, then again":        {with(`"payload":null,"payload":{}`), event.ClassDuplicateField, "payload"},
		"too deep":                        {with(`"payload":{"a":` + strings.Repeat("[", 127) + strings.Repeat("]", 127) + `}`), event.ClassTooDeep, ""},
		"very deep, not closed":           {with(`"payload":` + strings.Repeat(`{"a":`, 100_000)), event.ClassTooDeep, ""},
		"too large":                       {with(`"payload":{"a":"` + strings.Repeat("x", 1<<20) + `"}`), event.ClassTooLarge, ""},
	} {
		t.Run(name, func(t *testing.T) {
			e := event.Event{EventID: "left over from before"}
			requireClass(t, newDecoder(t).Decode(message(c.value), &e), c.class, c.field)
		})
	}
	t.Run("tombstone", func(t *testing.T) {
		m := message("")
		m.Value = nil
		var e event.Event
		requireClass(t, newDecoder(t).Decode(m, &e), event.ClassTombstone, "")
	})
	for name, ts := range map[string]time.Time{"no timestamp": {}, "a timestamp of 2200": time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)} {
		t.Run(name, func(t *testing.T) {
			m := message(with(""))
			m.Time = ts
			var e event.Event
			requireClass(t, newDecoder(t).Decode(m, &e), event.ClassOutOfBounds, "")
		})
	}
}

func TestDecode_Accepts(t *testing.T) {
	deep := `{"a":` + strings.Repeat("[", 126) + strings.Repeat("]", 126) + `}`
	for name, c := range map[string]struct {
		members string
		want    func(*event.Event)
	}{
		"the least":                   {``, func(*event.Event) {}},
		"null is absent":              {`"eventId":null,"severity":null,"payload":null,"createdAt":null,"actorId":null,"targetId":""`, func(*event.Event) {}},
		"category and time are ours":  {`"category":17,"ingestedAt":{"x":[1]}`, func(*event.Event) {}},
		"severity in lower case":      {`"severity":"error"`, func(e *event.Event) { e.Severity = event.Error }},
		"severity WARNING":            {`"severity":"Warning"`, func(e *event.Event) { e.Severity = event.Warn }},
		"escaped name and value":      {`"actor\u0049d":"a\u00e9\ud83d\ude00\n\"\/"`, func(e *event.Event) { e.ActorID = "aé😀\n\"/" }},
		"time with offset":            {`"createdAt":"2026-04-17T16:32:01.5+02:00"`, func(e *event.Event) { e.CreatedAt = time.Date(2026, 4, 17, 14, 32, 1, 500_000_000, time.UTC) }},
		"nanoseconds are cut":         {`"createdAt":"2026-04-17T14:32:01.123456999z"`, func(e *event.Event) { e.CreatedAt = time.Date(2026, 4, 17, 14, 32, 1, 123_456_000, time.UTC) }},
		"just late enough":            {`"createdAt":"2026-04-17T14:42:02.123Z"`, func(e *event.Event) { e.CreatedAt = at.Add(10 * time.Minute) }},
		"just early enough":           {`"createdAt":"2025-04-17T14:32:02.123Z"`, func(e *event.Event) { e.CreatedAt = at.Add(-365 * 24 * time.Hour) }},
		"an id of 256 bytes":          {`"eventId":"` + strings.Repeat("é", 128) + `"`, func(e *event.Event) { e.EventID = strings.Repeat("é", 128) }},
		"payload verbatim":            {"\"payload\" : { \"b\":1.0,\"a\":1e400 ,\r\n\"a\":\"\\u0041\\/\\ud83d\" }", func(e *event.Event) { e.Payload = []byte("{ \"b\":1.0,\"a\":1e400 ,\r\n\"a\":\"\\u0041\\/\\ud83d\" }") }},
		"depth 128":                   {`"payload":` + deep, func(e *event.Event) { e.Payload = []byte(deep) }},
		"unknown members, verbatim":   {`"x" : {"y":[1.50,null]},"X":"\u0041","x":2`, func(e *event.Event) { e.Extra = []byte(`{"x" : {"y":[1.50,null]},"X":"\u0041","x":2}`) }},
		"names differ by case":        {`"tenantid":"other"`, func(e *event.Event) { e.Extra = []byte(`{"tenantid":"other"}`) }},
		"specversion beside a type":   {`"specversion":"1.0"`, func(e *event.Event) { e.Extra = []byte(`{"specversion":"1.0"}`) }},
		"line separators are allowed": {`"actorName":"a` + "\u2028" + `b"`, func(e *event.Event) { e.ActorName = "a\u2028b" }},
	} {
		t.Run(name, func(t *testing.T) {
			want := event.Event{
				EventID: derivedID, TenantID: "t", EventType: "payment.received", Category: event.CategoryBilling,
				Severity: event.Info, Payload: []byte("{}"), CreatedAt: at, IngestedAt: at,
			}
			c.want(&want)
			e := event.Event{ActorID: "left over", Extra: []byte("left over")}
			require.NoError(t, newDecoder(t).Decode(message(with(c.members)), &e))
			require.Empty(t, cmp.Diff(want, e))
		})
	}
}

// Wherever in a string a control character, a quote or an escape stands, it is
// seen: the scanner reads eight bytes at a time.
func TestDecode_EveryPlaceInAString(t *testing.T) {
	d := newDecoder(t)
	for place := range 32 {
		before, after := strings.Repeat("x", place), strings.Repeat("é", 16)
		for c := range byte(0x20) {
			var e event.Event
			requireClass(t, d.Decode(message(with(`"payload":{"a":"`+before+string(rune(c))+after+`"}`)), &e), event.ClassInvalidJSON, "")
		}
		for text, want := range map[string]string{`\\`: `\`, `\"`: `"`, `\u00e9`: "é", "\x7f": "\x7f", `!`: `!`, `#`: `#`, `[`: `[`, `]`: `]`, " ": " "} {
			want = before + want + after
			var e event.Event
			require.NoError(t, d.Decode(message(with(`"actorName":"`+before+text+after+`"`)), &e))
			require.Equal(t, want, e.ActorName)
		}
	}
}

// The id of an event without one depends on where it stands and nothing else.
func TestDecode_DerivedID(t *testing.T) {
	d := newDecoder(t)
	id := func(change func(*event.Message)) string {
		m := message(with(""))
		change(m)
		var e event.Event
		require.NoError(t, d.Decode(m, &e))
		return e.EventID
	}
	first := id(func(*event.Message) {})
	require.Equal(t, derivedID, first)
	require.Equal(t, first, id(func(m *event.Message) { m.Value, m.Key = []byte(with(`"actorId":"x"`)), []byte("k") }))
	require.NotEqual(t, first, id(func(m *event.Message) { m.Topic = "event" }))
	require.NotEqual(t, first, id(func(m *event.Message) { m.Partition = 1 }))
	require.NotEqual(t, first, id(func(m *event.Message) { m.Offset++ }))
	require.NotEqual(t, first, id(func(m *event.Message) { m.Time = at.Add(time.Millisecond) }), "a topic created again")
	require.Equal(t, first, id(func(m *event.Message) {
		m.Topic, m.Offset, m.Headers = "elsewhere", 9, headers(event.HeaderOrigin, "events/3/1523")
	}), "a dead letter replayed")
}

func TestDecode_TenantAgreesWithPackageTenant(t *testing.T) {
	d := newDecoder(t)
	for _, id := range []string{"t", "", "*", "**", " ", "a b", "tenant_é", "a\x00", "a\n", "a\u200b", "a\u00a0b", "日本", strings.Repeat("x", 256), strings.Repeat("x", 257)} {
		var e event.Event
		text := event.AppendJSON(nil, &event.Event{TenantID: id, EventType: "a", EventID: "1", Severity: event.Info, CreatedAt: at, IngestedAt: at})
		err := d.Decode(message(string(text)), &e)
		require.Equal(t, tenant.ID(id).Validate() == nil, err == nil, "%q: %v", id, err)
	}
}

func TestDecode_NoAllocations(t *testing.T) {
	d := newDecoder(t)
	for _, name := range []string{"payment_received", "user_login", "request_error"} {
		m := message(string(readFile(t, "testdata/"+name+".json")))
		var e event.Event
		require.Zero(t, testing.AllocsPerRun(100, func() {
			if err := d.Decode(m, &e); err != nil {
				panic(err)
			}
		}), name)
	}
}

func TestConfig_Validate(t *testing.T) {
	require.NoError(t, event.DefaultConfig().Validate())
	err := event.Config{Categories: map[string]string{"order.*": "sales"}}.Validate()
	for _, part := range []string{"ingest.max_event_bytes", "retention.days", `"sales" is no category`} {
		require.ErrorContains(t, err, part)
	}
	_, err = event.NewDecoder(event.Config{})
	require.Error(t, err)
}

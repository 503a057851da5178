package event_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"daybook/pkg/event"
)

// addSeeds gives a target the sample events and texts from the edges of JSON.
func addSeeds(f *testing.F) {
	f.Helper()
	for _, name := range []string{"payment_received", "user_login", "request_error"} {
		f.Add(readFile(f, "testdata/"+name+".json"))
	}
	for _, members := range []string{
		``, `"payload":{"a":[1,-0.5e+10,true,false,null,"\u00e9\ud83d\ude00\ud83d\""]}`, `"x":{"y":{}},"x":[[]],"category":1`,
		`"actor\u0049d":"\n"`, `"createdAt":"2026-04-17T16:32:01.123456789+02:00","severity":"warning"`, `"payload":{"a":1,"a":2}`,
		`"payload":{"a":01}`, `"payload":{"a":"` + "\x01" + `"}`, `"payload":{"a":"` + "\xff" + `"}`,
	} {
		f.Add([]byte(with(members)))
	}
	f.Add([]byte(cloudEvent + `,"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01","payload":1}`))
	f.Add([]byte(`[1,{"a":"b"}]`))
	f.Add([]byte("{\"a\":1}\n{\"b\":2}\n"))
}

// checkOutput holds an accepted event to what its readers rely on.
func checkOutput(t *testing.T, e *event.Event) {
	t.Helper()
	out := event.AppendJSON(nil, e)
	if bytes.ContainsAny(out, "\r\n") {
		t.Fatalf("more than one line: %q", out)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(out, &members); err != nil {
		t.Fatalf("not JSON: %v in %q", err, out)
	}
	if !bytes.Equal(compact(t, members["payload"]), compact(t, e.Payload)) {
		t.Fatalf("payload %q became %q", e.Payload, members["payload"])
	}
	back, err := event.ParseOutput(out)
	if err != nil {
		t.Fatalf("ParseOutput: %v in %q", err, out)
	}
	oneLine := strings.NewReplacer("\r", " ", "\n", " ")
	want := *e
	want.Payload = []byte(oneLine.Replace(string(e.Payload)))
	if e.Extra != nil {
		want.Extra = []byte(oneLine.Replace(string(e.Extra)))
	}
	if diff := cmp.Diff(want, back); diff != "" {
		t.Fatalf("read back differently: %s", diff)
	}
}

// FuzzDecode: encoding/json and the scanner agree on what is JSON, and an
// accepted event survives output and input.
func FuzzDecode(f *testing.F) {
	addSeeds(f)
	d := newDecoder(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		var e event.Event
		err := d.Decode(message(string(text)), &e)
		valid := json.Valid(text) && utf8.Valid(text)
		if err == nil && !valid {
			t.Fatalf("accepted, but encoding/json refuses it: %q", text)
		}
		if err == nil {
			checkOutput(t, &e)
			return
		}
		fault := err.(*event.DecodeError) //nolint:errorlint,forcetypeassert // Decode promises this type.
		syntax := fault.Class == event.ClassInvalidJSON || fault.Class == event.ClassInvalidUTF8 && fault.Field == ""
		if syntax && valid {
			t.Fatalf("%v, but encoding/json accepts it: %q", err, text)
		}
	})
}

// FuzzDecodeWrapped puts any text where a payload's value and an unknown member's
// stand: there all that is JSON must be accepted, and nothing else.
func FuzzDecodeWrapped(f *testing.F) {
	for _, text := range []string{
		`1`, `-0`, `1.5E-3`, `01`, `1.`, `.5`, `-`, `1e`, `tru`, `nullx`, `"\ud800"`, `"\u12"`, `"a` + "\t" + `"`, `[1,]`, `{"a":}`, `{"a"}`, `[`, ` [ ] `, `{"":{}}`,
	} {
		f.Add([]byte(text))
	}
	d := newDecoder(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		var e event.Event
		err := d.Decode(message(with(`"payload":{"a":`+string(text)+`},"x":`+string(text))), &e)
		valid := json.Valid(text) && utf8.Valid(text)
		if err == nil {
			checkOutput(t, &e)
		}
		if valid && err != nil && err.(*event.DecodeError).Class != event.ClassTooDeep { //nolint:errorlint,forcetypeassert // Decode promises this type.
			t.Fatalf("%v, but encoding/json accepts %q", err, text)
		}
		if err == nil && !valid && !json.Valid([]byte(`{"a":`+string(text)+`}`)) {
			t.Fatalf("accepted, but encoding/json refuses %q", text)
		}
	})
}

func FuzzDecodeBinaryCloudEvent(f *testing.F) {
	f.Add("1", "t", "application/json", []byte(`{"a":1}`))
	f.Add("é\"", "t", "text/plain", []byte(`x"y`))
	f.Add("1", "t", "", []byte{0xff})
	f.Add("1", "t", "application/json", []byte(`1},"tenantid":"u"`))
	d := newDecoder(f)
	f.Fuzz(func(t *testing.T, id, tenantID, contentType string, data []byte) {
		h := headers("ce_specversion", "1.0", "ce_id", id, "ce_source", "s", "ce_type", "a.b", "ce_tenantid", tenantID, "ce_extra", id, "content-type", contentType)
		var e event.Event
		m := message(string(data), h...)
		if d.Decode(m, &e) != nil {
			return
		}
		if strings.HasPrefix(strings.ToLower(contentType), "application/cloudevents") {
			return // Structured mode: the headers don't count.
		}
		if e.TenantID != tenantID || e.EventID != id {
			t.Fatalf("data %q changed tenant %q or id %q to %q, %q", data, tenantID, id, e.TenantID, e.EventID)
		}
		checkOutput(t, &e)
	})
}

// slowSearchText is SearchText word by word: decode each string with
// encoding/json, fold rune by rune.
func slowSearchText(payload []byte) string {
	var out strings.Builder
	fold := func(s string) {
		for _, r := range s {
			out.WriteRune(unicode.ToLower(unicode.ToUpper(r)))
		}
	}
	for i := 0; i < len(payload); i++ {
		if payload[i] != '"' {
			fold(string(payload[i]))
			continue
		}
		end := i + 1
		for payload[end] != '"' {
			if payload[end] == '\\' {
				end++
			}
			end++
		}
		var s string
		if err := json.Unmarshal(payload[i:end+1], &s); err != nil {
			panic(err)
		}
		fold(`"` + s + `"`)
		i = end
	}
	return out.String()
}

func FuzzSearchText(f *testing.F) {
	for _, payload := range []string{
		`{"a":"\u00C9\ud83d\udd25\ud83d\n\\u00e9","B":1E5}`, `{"ß":"İ\u0130ǅ\u0000"}`, `{"a":"\ud83d\ud83d\ude00"}`, `{"a":"\ude00\ud83d"}`,
	} {
		f.Add([]byte(payload), "É")
	}
	f.Fuzz(func(t *testing.T, payload []byte, needle string) {
		if !json.Valid(payload) || !utf8.Valid(payload) {
			return
		}
		text := string(event.SearchText(nil, payload))
		if slow := slowSearchText(payload); text != slow {
			t.Fatalf("%q: %q, want %q", payload, text, slow)
		}
		planted, err := json.Marshal(map[string]string{"a": "x" + needle + "y"})
		if err != nil {
			t.Fatal(err)
		}
		if text := string(event.SearchText(nil, planted)); !strings.Contains(text, event.FoldText(needle)) {
			t.Fatalf("%q not found in %q", event.FoldText(needle), text)
		}
	})
}

func FuzzSplitBatch(f *testing.F) {
	addSeeds(f)
	d := newDecoder(f)
	newID := func() string { return "new" }
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, contentType := range []string{"application/json", "application/x-ndjson"} {
			parts, err := event.SplitBatch(body, contentType)
			if err != nil && contentType == "application/json" && json.Valid(body) {
				if class := err.(*event.DecodeError).Class; class != event.ClassEmpty && class != event.ClassTooDeep { //nolint:errorlint,forcetypeassert // SplitBatch promises this type.
					t.Fatalf("%v, but it is JSON: %q", err, body)
				}
			}
			for _, part := range parts {
				value, e, err := d.Prepare(part, "t", at, newID)
				if err != nil {
					continue
				}
				var again event.Event
				if err := d.Decode(message(string(value)), &again); err != nil || e.TenantID != "t" {
					t.Fatalf("prepared %q, which gives %v, tenant %q", value, err, e.TenantID)
				}
				if diff := cmp.Diff(e, again); diff != "" {
					t.Fatalf("prepared differently: %s", diff)
				}
				checkOutput(t, &e)
			}
		}
	})
}

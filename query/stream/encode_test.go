package stream

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"daybook/pkg/client"
)

// Nothing in a frame can end its line: what goes in comes out, in one piece.
func TestWire_OneLine(t *testing.T) {
	for _, data := range []string{
		`{}`, "{\"a\":\n1,\r\n\"b\":\r2}", "{\"a\":\x00 1}", `{"a":"\u0000\n\r"}`, "{\"a\":\"\u2028\u2029\u0085\"}",
	} {
		frame := wireSSE.appendEvent(nil, []byte("1.0.0.1"), oneLine([]byte(data)))
		frame = wireSSE.appendControl(frame, "gap", "1.0.0.2", map[string]any{"reason": "a\r\nb\x00id: evil"})
		frame = wireSSE.appendRetry(frame, time.Second)
		frame = wireSSE.appendHeartbeat(frame, time.UnixMilli(5))
		reader := client.NewSSEReader(bytes.NewReader(frame))
		first, err := reader.Next()
		if err != nil || first.Name != "message" || first.ID != "1.0.0.1" || strings.ContainsAny(string(first.Data), "\n\r\x00") {
			t.Errorf("%q: %+v, %v", data, first, err)
		}
		if !strings.Contains(data, "\x00") && !sameJSON(data, string(first.Data)) {
			t.Errorf("%q came out as %q", data, first.Data)
		}
		second, err := reader.Next()
		if err != nil || second.Name != "gap" || second.ID != "1.0.0.2" || !json.Valid(second.Data) {
			t.Errorf("%q: %+v, %v", data, second, err)
		}
		if third, err := reader.Next(); !errors.Is(err, io.EOF) || reader.Retry != time.Second {
			t.Errorf("%q: %+v, %v, retry %s", data, third, err, reader.Retry)
		}
	}
}

func sameJSON(a, b string) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, []byte(a)) == nil && json.Compact(&y, []byte(b)) == nil && x.String() == y.String()
}

func TestWire_NDJSON(t *testing.T) {
	w := wireNDJSON
	out := w.appendEvent(nil, []byte("id"), []byte(`{"eventId":"e"}`))
	out = w.appendControl(out, "checkpoint", "1.0.0.1", map[string]any{"time": "t"})
	out = w.appendControl(out, "bye", "", map[string]any{})
	out = w.appendRetry(out, time.Second)
	out = w.appendHeartbeat(out, time.Now())
	want := `{"eventId":"e"}` + "\n" + `{"_stream":"checkpoint","id":"1.0.0.1","time":"t"}` + "\n" + `{"_stream":"bye"}` + "\n\n"
	if string(out) != want {
		t.Errorf("got %s\nwant %s", out, want)
	}
}

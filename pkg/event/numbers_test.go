package event_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"daybook/pkg/event"
)

func TestAppendNumbers(t *testing.T) {
	for payload, want := range map[string]string{
		`{}`: "",
		`{"amount":450.00,"currency":"USD","retry": 2 ,"ok":true,"none":null}`: "amount=450 retry=2",
		`{"a":{"b":1,"c":[2]},"d":[3,{"e":4}],"f":5}`:                          "f=5",
		`{"s":"7","t":"\"x\":8","u":"{","v":-9.5e1}`:                           "v=-95",
		`{"a":1,"a":2}`:                                       "a=1 a=2",
		`{"\u0061\n\"":1,"":2,"é":3}`:                         "a\n\"=1 =2 é=3",
		"{\n \"a\"\t:\r1 }":                                   "a=1",
		`{"a":0,"b":-0,"c":-0.0,"d":123456789012345}`:         "a=0 b=0 c=0 d=1.23456789012345e+14",
		`{"a":999999999999999,"b":9007199254740993}`:          "a=9.99999999999999e+14 b=9.007199254740992e+15",
		`{"a":18446744073709551615,"b":-9223372036854775808}`: "a=1.8446744073709552e+19 b=-9.223372036854776e+18",
		`{"a":12345678901234567890.5,"b":5e-324,"c":4e-400}`:  "a=1.2345678901234567e+19 b=5e-324 c=0",
		`{"a":"\ud83d\udd25","b":1}`:                          "b=1",
		// ClickHouse reaches into none of these.
		`{"a":1,"b":18446744073709551616}`:         "",
		`{"a":1,"b":[{"c":-9223372036854775809}]}`: "",
		`{"a":1,"b":1e400}`:                        "",
		`{"a":1,"b":"\ud800"}`:                     "",
		`{"a":1,"\udc00":"b"}`:                     "",
		`{"a":1,"b":["\ud800\u0041"]}`:             "",
	} {
		require.True(t, json.Valid([]byte(payload)), payload)
		var members []string
		for _, n := range event.AppendNumbers(nil, []byte(payload)) {
			members = append(members, fmt.Sprintf("%s=%v", n.Name, n.Value))
		}
		require.Equal(t, want, strings.Join(members, " "), payload)
	}
	kept := []event.Number{{Name: []byte("kept"), Value: 1}}
	require.Equal(t, kept, event.AppendNumbers(kept, []byte(`{"a":1,"b":1e400}`)), "what was there stays")
}

func BenchmarkAppendNumbers(b *testing.B) {
	payload := []byte(`{"method":"POST","path":"/v1/products/ytx8fw","status":200,"latency_ms":70,"region":"us-west-2","bytes_out":308,"cache":{"hit":true,"node":"edge-z8"}}`)
	var numbers []event.Number
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		numbers = event.AppendNumbers(numbers[:0], payload)
	}
}

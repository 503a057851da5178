package event_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"unicode/utf8"
	"unsafe"

	"github.com/bytedance/sonic"
	"github.com/go-faster/jx"
	gojson "github.com/goccy/go-json"
	"github.com/stretchr/testify/require"

	"daybook/pkg/event"
)

// BenchmarkDecode compares Decode with what the JSON libraries need for less
// work: they fill strings and find the payload, but parse no time, check no
// bounds, look up no category and keep no unknown members. In values they skip, sonic,
// goccy and encoding/json take bytes that are no UTF-8, and sonic's default takes
// control characters and bad escapes. encoding/json/v2 is no candidate: Go 1.26 has it only
// behind GOEXPERIMENT=jsonv2.
//
// testdata/bench has the figures of one run.
func BenchmarkDecode(b *testing.B) {
	samples := []struct{ name, file string }{
		{"payment", "testdata/payment_received.json"},
		{"login", "testdata/user_login.json"},
		{"538bytes", "testdata/request_error.json"},
	}
	candidates := []struct {
		name   string
		decode func(text []byte) error
	}{
		{"Decode", decodeOurs(b)},
		{"jx", decodeJX},
		{"sonic", decodeWith(sonic.ConfigDefault.Unmarshal)},
		{"sonic-std", decodeWith(sonic.ConfigStd.Unmarshal)},
		{"goccy", decodeWith(gojson.Unmarshal)},
		{"encoding-json", decodeWith(json.Unmarshal)},
	}
	for _, s := range samples {
		text := bytes.TrimSpace(readFile(b, s.file))
		for _, c := range candidates {
			b.Run(s.name+"/"+c.name, func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				for b.Loop() {
					if err := c.decode(text); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func decodeOurs(b *testing.B) func([]byte) error {
	b.Helper()
	d := newDecoder(b)
	var e event.Event
	m := message("")
	return func(text []byte) error {
		m.Value = text
		return d.Decode(m, &e)
	}
}

// wire is the event as the libraries decode it.
type wire struct {
	EventID       string           `json:"eventId"`
	TenantID      string           `json:"tenantId"`
	EventType     string           `json:"eventType"`
	Source        string           `json:"source"`
	Severity      string           `json:"severity"`
	ActorType     string           `json:"actorType"`
	ActorID       string           `json:"actorId"`
	ActorName     string           `json:"actorName"`
	ActorEmail    string           `json:"actorEmail"`
	TargetType    string           `json:"targetType"`
	TargetID      string           `json:"targetId"`
	CorrelationID string           `json:"correlationId"`
	IPAddress     string           `json:"ipAddress"`
	UserAgent     string           `json:"userAgent"`
	Payload       *json.RawMessage `json:"payload"`
	CreatedAt     string           `json:"createdAt"`
}

func decodeWith(unmarshal func([]byte, any) error) func([]byte) error {
	return func(text []byte) error {
		var w wire
		return unmarshal(text, &w)
	}
}

// decodeJX is the nearest to Decode that jx allows: strings alias the text,
// and UTF-8 is checked first, because jx doesn't.
func decodeJX(text []byte) error {
	if !utf8.Valid(text) {
		return errors.New("not UTF-8")
	}
	var w wire
	d := jx.GetDecoder()
	defer jx.PutDecoder(d)
	d.ResetBytes(text)
	return d.ObjBytes(func(d *jx.Decoder, key []byte) error {
		field := w.field(key)
		if field == nil {
			_, err := d.Raw()
			return err
		}
		value, err := d.StrBytes()
		*field = unsafe.String(unsafe.SliceData(value), len(value))
		return err
	})
}

func (w *wire) field(key []byte) *string {
	switch string(key) {
	case "eventId":
		return &w.EventID
	case "tenantId":
		return &w.TenantID
	case "eventType":
		return &w.EventType
	case "source":
		return &w.Source
	case "severity":
		return &w.Severity
	case "actorType":
		return &w.ActorType
	case "actorId":
		return &w.ActorID
	case "actorName":
		return &w.ActorName
	case "actorEmail":
		return &w.ActorEmail
	case "targetType":
		return &w.TargetType
	case "targetId":
		return &w.TargetID
	case "correlationId":
		return &w.CorrelationID
	case "ipAddress":
		return &w.IPAddress
	case "userAgent":
		return &w.UserAgent
	case "createdAt":
		return &w.CreatedAt
	}
	return nil
}

func BenchmarkAppendJSON(b *testing.B) {
	d := newDecoder(b)
	var e event.Event
	require.NoError(b, d.Decode(message(string(readFile(b, "testdata/request_error.json"))), &e))
	buf := make([]byte, 0, 2048)
	b.ReportAllocs()
	for b.Loop() {
		buf = event.AppendJSON(buf[:0], &e)
	}
}

func BenchmarkSearchText(b *testing.B) {
	for _, s := range []struct{ name, payload string }{
		{"ascii", `{"method":"GET","path":"/v1/orders/8k2m","status":200,"latency_ms":34,"region":"eu-central-1","bytes_out":5120,"cache":{"hit":false,"node":"edge-3f"}}`},
		{"cyrillic", `{"error":"Превышено время ожидания ответа от сервиса","attempt":3}`},
		{"escaped", `{"error":"\u30c7\u30fc\u30bf\u30d9\u30fc\u30b9\u306b\u63a5\u7d9a","attempt":3}`},
	} {
		b.Run(s.name, func(b *testing.B) {
			payload := []byte(s.payload)
			buf := make([]byte, 0, 1024)
			b.SetBytes(int64(len(payload)))
			b.ReportAllocs()
			for b.Loop() {
				buf = event.SearchText(buf[:0], payload)
			}
		})
	}
}

func BenchmarkCategory(b *testing.B) {
	d := newDecoder(b)
	for _, eventType := range []string{"user_login", "payment.received", "order.shipped.eu.west"} {
		b.Run(eventType, func(b *testing.B) {
			for b.Loop() {
				d.Category(eventType)
			}
		})
	}
}

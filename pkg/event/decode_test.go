package event_test

import (
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"daybook/pkg/event"
)

// at is the messages' own timestamp in these tests.
var at = time.Date(2026, 4, 17, 14, 32, 2, 123_000_000, time.UTC)

func newDecoder(t testing.TB, change ...func(*event.Config)) *event.Decoder {
	t.Helper()
	c := event.DefaultConfig()
	for _, f := range change {
		f(&c)
	}
	d, err := event.NewDecoder(c)
	require.NoError(t, err)
	return d
}

func message(value string, headers ...event.Header) *event.Message {
	return &event.Message{
		Topic: "events", Position: event.Position{Partition: 3, Offset: 1523}, Time: at,
		Value: []byte(value), Headers: headers,
	}
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	return b
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
	require.Equal(t, `{"eventId":"evt_abc123","tenantId":"tenant_xyz","eventType":"payment.received","source":"billing","severity":"INFO",`+
		`"actorType":"SYSTEM","actorId":"billing-pipeline","targetType":"INVOICE","targetId":"inv_def456",`+
		`"payload":{     "amount": 450.00,     "currency": "USD",     "invoiceId": "inv_def456",     "customerId": "cust_ghi789"   },`+
		`"correlationId":"req_jkl012","createdAt":"2026-04-17T14:32:01Z","category":"billing","ingestedAt":"2026-04-17T14:32:02.123Z"}`,
		string(event.AppendJSON(nil, &e)))

	require.NoError(t, d.Decode(message(string(readFile(t, "testdata/user_login.json"))), &e))
	require.Equal(t, `{"eventId":"audit-uuid","tenantId":"aero2","eventType":"user_login","severity":"INFO","actorType":"USER","actorId":"user-uuid",`+
		`"payload":{     "idp": "github"   },"createdAt":"2026-02-01T10:00:00Z","actorName":"Jane Doe","actorEmail":"jane@example.com",`+
		`"ipAddress":"203.0.113.1","userAgent":"Mozilla/5.0...","category":"auth","ingestedAt":"2026-04-17T14:32:02.123Z"}`,
		string(event.AppendJSON(nil, &e)))
}

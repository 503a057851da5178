//go:build faultpoints

package faults

import (
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/event"
	"daybook/pkg/kafka/kafkatest"
	"daybook/schema"
)

// Canaries of the live stream are no users' events: they are acknowledged and
// leave nothing. What only looks like one is an event.
func TestIngest_LeavesCanariesOut(t *testing.T) {
	t.Parallel()
	s := newStack(t, kafkatest.StartEmbedded(t), clickhousetest.Start(t))
	canary := `{"eventId":"c","tenantId":"_daybook","eventType":"daybook.canary"}`
	for _, value := range []string{canary, strings.Replace(canary, "_daybook", "t1", 1), strings.Replace(canary, "daybook.canary", "login.ok", 1), canary} {
		s.publishTo(1, kafka.Message{Value: []byte(value)})
	}
	s.start()
	s.await(2, countEvents)
	s.awaitSettled()
	if stored, dead, canaries := s.count(countEvents), s.count(countDead), s.count(countEvents+" WHERE tenant_id = '_daybook' AND event_type = 'daybook.canary'"); stored != 2 || dead != 0 || canaries != 0 {
		t.Errorf("%d events, %d of them canaries, %d dead letters", stored, canaries, dead)
	}
}

// Every column has what the message says.
func TestIngest_KeepsEveryMember(t *testing.T) {
	t.Parallel()
	s := newStack(t, kafkatest.StartEmbedded(t), clickhousetest.Start(t))
	at := time.Now().Add(-time.Hour).UTC().Truncate(time.Millisecond)
	s.publishTo(1, kafka.Message{Time: at, Value: []byte(
		`{"eventId":"evt_abc123","tenantId":"tenant_xyz","eventType":"payment.received","source":"billing","severity":"WARNING",` +
			`"actorType":"SYSTEM","actorId":"billing-pipeline","actorName":"Pipe","actorEmail":"p@example.com","targetType":"INVOICE",` +
			`"targetId":"inv_def456","ipAddress":"203.0.113.1","userAgent":"curl/8","payload":{"amount": 450.00, "note":"\u00c9T\u00c9"},` +
			`"correlationId":"req_jkl012","createdAt":"` + at.Format(time.RFC3339Nano) + `","shard":7}`)})
	s.start()
	s.await(1, countEvents)
	var e event.Event
	var severity, payload, text, extra, topic string
	var partition int32
	var offset int64
	row := s.conn.QueryRow(t.Context(), `SELECT tenant_id, created_at, event_id, event_type, category, source, toString(severity), actor_type,
		actor_id, actor_name, actor_email, target_type, target_id, correlation_id, ip_address, user_agent, payload, payload_text, extra,
		ingested_at, kafka_topic, kafka_partition, kafka_offset FROM `+schema.Events)
	if err := row.Scan(&e.TenantID, &e.CreatedAt, &e.EventID, &e.EventType, &e.Category, &e.Source, &severity, &e.ActorType,
		&e.ActorID, &e.ActorName, &e.ActorEmail, &e.TargetType, &e.TargetID, &e.CorrelationID, &e.IPAddress, &e.UserAgent,
		&payload, &text, &extra, &e.IngestedAt, &topic, &partition, &offset); err != nil {
		t.Fatal(err)
	}
	got := strings.Join([]string{e.TenantID, e.EventID, e.EventType, e.Category, e.Source, severity, e.ActorType, e.ActorID, e.ActorName,
		e.ActorEmail, e.TargetType, e.TargetID, e.CorrelationID, e.IPAddress, e.UserAgent, payload, text, extra, topic}, "|")
	want := `tenant_xyz|evt_abc123|payment.received|billing|billing|WARN|SYSTEM|billing-pipeline|Pipe|p@example.com|INVOICE|inv_def456|` +
		`req_jkl012|203.0.113.1|curl/8|{"amount": 450.00, "note":"\u00c9T\u00c9"}|{"amount": 450.00, "note":"été"}|{"shard":7}|` + s.kafka.Topic
	if got != want {
		t.Errorf("stored\n%s\nwant\n%s", got, want)
	}
	if !e.CreatedAt.Equal(at) || !e.IngestedAt.Equal(at) || partition != 1 || offset != 0 {
		t.Errorf("createdAt %s, ingestedAt %s, position %d/%d", e.CreatedAt, e.IngestedAt, partition, offset)
	}
}

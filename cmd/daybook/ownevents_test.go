package main

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/pkg/event"
	"daybook/pkg/kafka"
)

// Reading the audit log leaves a trace in it, through Kafka and ingest.
func TestServe_AuditReadsAreRecorded(t *testing.T) {
	s := configure(t)
	s.start(t)
	const key = "bootstrap-secret"
	acme := []string{"X-Tenant-Id", "acme", "X-Request-Id", "who-reads"}
	status, body := s.call(t, "POST", "/api/v1/events", key, `{"eventType":"user_login","eventId":"login-1","actorId":"jane","actorEmail":"jane@example.com"}`, acme...)
	require.Equal(t, http.StatusAccepted, status, body)
	s.find(t, key, "/api/audit/login-1", `"user_email":"jane@example.com"`, acme...)
	s.find(t, key, "/api/users/jane/audit?limit=7", `"total":1`, acme...)
	for _, record := range []string{`"targetId":"/api/audit/login-1"`, `"targetId":"/api/users/jane/audit"`, `"limit":7`, `"correlationId":"who-reads"`, `"actorId":"bootstrap"`} {
		s.find(t, key, "/api/v1/events?eventType=audit.read&actorType=API_KEY", record, acme...)
	}
	s.find(t, key, "/api/audit?event_type=audit.read", `"user_id":"bootstrap"`, acme...)
	s.find(t, key, "/api/audit/events", `"audit.read"`, acme...)
}

func TestPublishOwn_NoBroker(t *testing.T) {
	config := kafka.DefaultConfig()
	config.Brokers = []string{free(t)}
	writer, err := config.Writer(config.Topic)
	require.NoError(t, err)
	defer func() { _ = writer.Close() }()
	decoder, err := event.NewDecoder(event.DefaultConfig())
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	require.Error(t, publishOwn(writer, decoder, time.Now)(ctx, "acme", []byte(`{"eventType":"audit.read"}`)))
	require.ErrorContains(t, publishOwn(writer, decoder, time.Now)(t.Context(), "acme", []byte(`{}`)), "eventType")
}

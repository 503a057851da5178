package main

import (
	"net/http"
	"regexp"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"daybook/pkg/kafka/kafkatest"
)

// A whole node works with a Kafka that wants TLS and a password, and whose ACLs
// allow no more than the README says; it says what it lacks where they allow less.
func TestServe_SecuredKafka(t *testing.T) {
	broker := kafkatest.ApacheSecured(t)
	s := configure(t)
	config := broker.SASL(t, "scram-sha-512")
	for name, value := range map[string]string{
		"BROKERS": config.Brokers[0], "TOPIC": config.Topic, "GROUP": config.Group, "DEAD_LETTER_TOPIC": config.DeadLetterTopic,
		"TLS_ENABLED": "true", "TLS_CA": config.TLS.CA,
		"SASL_MECHANISM": config.SASL.Mechanism, "SASL_USERNAME": config.SASL.Username, "SASL_PASSWORD": config.SASL.Password,
	} {
		t.Setenv("DAYBOOK_KAFKA_"+name, value)
	}
	t.Setenv("DAYBOOK_AUTH_BOOTSTRAP_KEY", "") // It makes a warning.
	broker.Allow(t, kafkatest.Needed(config)...)
	s.start(t)
	key := s.key(t, "acme", "admin")
	live := s.watch(t, key, "")
	status, accepted := s.call(t, http.MethodPost, "/api/v1/events", key, `{"eventType":"a.b","payload":{"text":"by the API"}}`)
	require.Equal(t, http.StatusAccepted, status, accepted)
	next(t, live, "by the API")
	published := runWith(t, `{"tenantId":"acme","eventType":"a.b","payload":{"text":"by the command"}}`, "publish")
	require.Equal(t, exitOK, published.code, published.stderr)
	next(t, live, "by the command")
	s.find(t, key, "/api/v1/events?q=API", "by the API")
	s.find(t, key, "/api/v1/events?q=command", "by the command")
	kafkatest.ProduceTo(t, config, 0, kafkago.Message{Value: []byte(`{"tenantId":"acme"}`)})
	require.Eventually(t, func() bool { found, _ := s.letters(t, key, ""); return len(found) == 1 }, 20*time.Second, 50*time.Millisecond)
	for _, path := range []string{"status", "events?order=ingest"} { // They ask for the group's offsets.
		status, answer := s.call(t, http.MethodGet, "/api/v1/"+path, key, "")
		require.Equal(t, http.StatusOK, status, answer)
	}
	purged := regexp.MustCompile(`(?m)^daybook_purge_last_success_timestamp_seconds [1-9]`)
	require.Eventually(t, func() bool { return purged.MatchString(s.metrics(t)) }, time.Minute, 100*time.Millisecond, "it is no keeper")
	code, log := s.stop()
	require.Equal(t, exitOK, code)
	require.NotRegexp(t, "(?i)authoriz", log)

	t.Run("wrong password", func(t *testing.T) {
		t.Setenv("DAYBOOK_KAFKA_SASL_PASSWORD", "wrong")
		for _, command := range []string{"publish", "serve"} {
			ended := runWith(t, `{"tenantId":"acme","eventType":"a.b"}`, command)
			require.NotEqual(t, exitOK, ended.code)
			t.Log(ended.stderr)
			require.Contains(t, ended.stderr, "kafka.sasl.password", command)
		}
	})
	t.Run("reads of offsets can't be fenced", func(t *testing.T) {
		broker.Forbid(t, kafkatest.ACL{Kind: kafkago.ResourceTypeTopic, Name: config.DeadLetterTopic, Does: kafkago.ACLOperationTypeRead})
		s.start(t)
		live := s.watch(t, key, "")
		published := runWith(t, `{"tenantId":"acme","eventType":"a.b","payload":{"text":"without a fence"}}`, "publish")
		require.Equal(t, exitOK, published.code, published.stderr)
		next(t, live, "without a fence")
		s.find(t, key, "/api/v1/events?q=fence", "without a fence")
		code, log := s.stop()
		require.Equal(t, exitOK, code)
		t.Log(log)
		require.Contains(t, log, "READ")
	})
}

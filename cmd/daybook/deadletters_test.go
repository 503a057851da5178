package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"daybook/pkg/client"
	daybookkafka "daybook/pkg/kafka"
	"daybook/pkg/kafka/kafkatest"
)

// letters lists dead letters, page by page.
func (s *server) letters(t *testing.T, key, parameters string, options ...client.Option) (all []client.DeadLetter, pages int) {
	t.Helper()
	c, err := client.New(s.url, key, options...)
	require.NoError(t, err)
	asked, err := url.ParseQuery(parameters)
	require.NoError(t, err)
	for {
		page, err := c.DeadLetters(t.Context(), asked)
		require.NoError(t, err)
		pages++
		if all = append(all, page.DeadLetters...); page.NextCursor == nil {
			return all, pages
		}
		asked.Set("cursor", *page.NextCursor)
	}
}

func values(letters []client.DeadLetter) (out []string) {
	for _, l := range letters {
		if l.Value != nil {
			out = append(out, *l.Value)
		}
	}
	return out
}

func (s *server) key(t *testing.T, tenant, scopes string) string {
	t.Helper()
	made := runWith(t, "", "keys", "create", "--tenant", tenant, "--scopes", scopes)
	require.Equal(t, exitOK, made.code, made.stderr)
	return strings.TrimSpace(made.stdout)
}

// Each admin sees, counts and publishes again the dead letters of their own
// tenant, and nobody else's.
func TestServe_DeadLetters(t *testing.T) {
	s := configure(t)
	t.Setenv("DAYBOOK_INGEST_MAX_EVENT_BYTES", "64KiB")
	s.start(t)
	topic := daybookkafka.DefaultConfig()
	topic.Brokers = []string{os.Getenv("DAYBOOK_EMBEDDED_KAFKA_ADDR")}
	acme, other, all, reader := s.key(t, "acme", "admin"), s.key(t, "other", "admin"), s.key(t, "*", "admin"), s.key(t, "acme", "events:read,audit:read")

	at := time.Now().Add(-time.Hour).UTC().Truncate(time.Millisecond)
	large := `{"tenantId":"acme","eventType":"a.b","eventId":"large","payload":{"s":"` + strings.Repeat("é", 40_000) + `"}}`
	messages := []kafka.Message{
		{Key: []byte("k"), Value: []byte(`{"tenantId":"acme"}`), Headers: []kafka.Header{{Key: "h", Value: []byte("v")}, {Key: "b", Value: []byte{0xff}}}},
		{Value: []byte(large)},
		{Value: []byte(`{"tenantId":"other","eventType":7,"payload":{"acme":"acme"}}`)},
		{Value: []byte(`{"tenantId":"acme","tenantId":"other"}`)},
		{Value: []byte(`acme, other: broken`)},
		{Value: []byte("{\"tenantId\":\"acme\",\"x\":\"\xff\"}")},
		{Value: []byte(`{"specversion":"1.0","type":"a","tenantid":"acme"}`)},
	}
	for i := range messages {
		messages[i].Time = at.Add(time.Duration(i) * time.Second)
	}
	kafkatest.ProduceTo(t, topic, 1, messages...)
	awaitLetters := func(n int) {
		t.Helper()
		var found []client.DeadLetter
		require.Eventually(t, func() bool { found, _ = s.letters(t, all, ""); return len(found) == n }, 20*time.Second, 50*time.Millisecond, "%d dead letters", len(found))
	}
	awaitLetters(7)

	ofAcme, _ := s.letters(t, acme, "")
	cut := large[:4096-1] // In the middle of an é.
	require.Equal(t, []string{string(messages[6].Value), cut, `{"tenantId":"acme"}`}, values(ofAcme))
	require.Equal(t, "missing_field", ofAcme[2].Class)
	require.Equal(t, []any{"1:0", "acme", "k", "eventType", "events", int32(1), int64(0), 19, at, (*time.Time)(nil)},
		[]any{ofAcme[2].ID, *ofAcme[2].TenantID, *ofAcme[2].Key, ofAcme[2].Field, ofAcme[2].Topic, ofAcme[2].Partition, ofAcme[2].Offset, ofAcme[2].Bytes, ofAcme[2].Time, ofAcme[2].ReplayedAt})
	require.Equal(t, len(large), ofAcme[1].Bytes)
	ofOther, _ := s.letters(t, other, "")
	require.Equal(t, []string{string(messages[2].Value)}, values(ofOther))
	everything, pages := s.letters(t, all, "limit=2")
	require.Len(t, everything, 7)
	require.Equal(t, 4, pages)
	require.True(t, slices.IsSortedFunc(everything, func(a, b client.DeadLetter) int { return b.Time.Compare(a.Time) }))
	require.Equal(t, messages[5].Value, everything[1].ValueBase64)
	require.Nil(t, everything[1].TenantID)
	selected, _ := s.letters(t, all, "", client.WithTenant("other"))
	require.Equal(t, ofOther, selected, "with a key of every tenant that names one")
	found, _ := s.letters(t, acme, "class=too_large&from=now-2h&to=now&pending=true&limit=1")
	require.Len(t, found, 1)
	found, _ = s.letters(t, acme, "to="+at.Format(time.RFC3339))
	require.Empty(t, found)

	c, err := client.New(s.url, acme)
	require.NoError(t, err)
	one, err := c.DeadLetter(t.Context(), "1:1")
	require.NoError(t, err)
	require.Equal(t, large, *one.Value, "whole")
	require.Empty(t, one.Headers)
	one, err = c.DeadLetter(t.Context(), "1:0")
	require.NoError(t, err)
	require.Equal(t, []client.DeadLetterHeader{{Name: "h", Value: new("v")}, {Name: "b", ValueBase64: []byte{0xff}}}, one.Headers)
	status, body := s.call(t, "GET", "/api/v1/deadletters/1%3A0", all, "") // As encodeURIComponent writes it.
	require.Equal(t, http.StatusOK, status, body)

	_, body = s.call(t, "GET", "/api/v1/deadletters?limit=1", acme, "")
	var page struct{ NextCursor string }
	require.NoError(t, json.Unmarshal([]byte(body), &page))
	for _, c := range []struct {
		name, method, path, key, body string
		status                        int
		says                          string
	}{
		{"another tenant's", "GET", "/1:2", acme, "", 404, "no dead letter 1:2"},
		{"nobody's", "GET", "/1:4", acme, "", 404, "no dead letter 1:4"},
		{"of two", "GET", "/1:3", acme, "", 404, "no dead letter 1:3"},
		{"of two, for the other", "GET", "/1:3", other, "", 404, "no dead letter 1:3"},
		{"what is none", "GET", "/1:99", all, "", 404, "no dead letter 1:99"},
		{"no id", "GET", "/x", all, "", 404, "PARTITION:OFFSET"},
		{"without the scope", "GET", "", reader, "", 403, "admin"},
		{"one without the scope", "GET", "/1:0", reader, "", 403, "admin"},
		{"replay without the scope", "POST", "/replay", reader, `{"every":true}`, 403, "admin"},
		{"replay another tenant's", "POST", "/replay", acme, `{"ids":["1:0","1:2"]}`, 404, "no dead letter 1:2"},
		{"replay nobody's", "POST", "/replay", acme, `{"ids":["1:4"]}`, 404, "no dead letter 1:4"},
		{"replay unsaid", "POST", "/replay", acme, `{}`, 400, "say which"},
		{"replay no id", "POST", "/replay", acme, `{"ids":["x"]}`, 400, "PARTITION:OFFSET"},
		{"replay of no time", "POST", "/replay", acme, `{"from":"yesterday"}`, 400, "from"},
		{"replay too many", "POST", "/replay", acme, `{"ids":["1:0"` + strings.Repeat(`,"1:0"`, 1000) + `]}`, 400, "at most 1000"},
		{"an unknown parameter", "GET", "?clas=x", acme, "", 400, "clas"},
		{"a bad limit", "GET", "?limit=201", acme, "", 400, "1 to 200"},
		{"a bad time", "GET", "?from=yesterday", acme, "", 400, "from"},
		{"a bad choice", "GET", "?pending=yes", acme, "", 400, "pending"},
		{"a bad cursor", "GET", "?cursor=x", acme, "", 400, "damaged"},
		{"a cursor of another tenant", "GET", "?cursor=" + page.NextCursor, other, "", 400, "other parameters"},
		{"a cursor of another request", "GET", "?class=too_large&cursor=" + page.NextCursor, acme, "", 400, "other parameters"},
	} {
		if status, body := s.call(t, c.method, "/api/v1/deadletters"+c.path, c.key, c.body); status != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s: %d %s", c.name, status, body)
		}
	}

	// What is still no event comes back, of the same tenant.
	replay := func(key string, r client.Replay, want int) {
		t.Helper()
		c, err := client.New(s.url, key)
		require.NoError(t, err)
		n, err := c.ReplayDeadLetters(t.Context(), r)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	replay(other, client.Replay{Every: true}, 1)
	awaitLetters(8)
	replay(other, client.Replay{IDs: []string{"1:2"}}, 0) // It was published already.
	ofOther, _ = s.letters(t, other, "")
	require.Len(t, ofOther, 2)
	pending, _ := s.letters(t, other, "pending=true")
	require.Len(t, pending, 1)
	require.NotEqual(t, "1:2", pending[0].ID)
	replay(other, client.Replay{IDs: []string{"1:2"}, Again: true}, 1)
	awaitLetters(9)

	// And what is one when the setting is raised is stored, once.
	code, log := s.stop()
	require.Equal(t, exitOK, code, log)
	t.Setenv("DAYBOOK_INGEST_MAX_EVENT_BYTES", "1MiB")
	s.start(t)
	replay(acme, client.Replay{Class: "too_large", From: "now-2h"}, 1)
	s.find(t, acme, "/api/v1/events/large", `"eventId":"large"`)
	ofAcme, _ = s.letters(t, acme, "")
	require.Len(t, ofAcme, 3, "nothing of acme's was published for other")
	require.NotNil(t, ofAcme[1].ReplayedAt)
	require.Nil(t, ofAcme[2].ReplayedAt)
	replay(all, client.Replay{Every: true}, 7) // 3, 4, 5 and two of other's, that are nobody's or other's; and two of acme's.
}

// Times that are equal do not keep a page from going on.
func TestServe_DeadLettersOfOneInstant(t *testing.T) {
	s := configure(t)
	s.start(t)
	topic := daybookkafka.DefaultConfig()
	topic.Brokers = []string{os.Getenv("DAYBOOK_EMBEDDED_KAFKA_ADDR")}
	at := time.Now().UTC().Truncate(time.Millisecond)
	for partition := range 2 {
		var messages []kafka.Message
		for i := range 120 {
			messages = append(messages, kafka.Message{Time: at, Value: fmt.Appendf(nil, "%d/%d", partition, i)})
		}
		kafkatest.ProduceTo(t, topic, partition, messages...)
	}
	var all []client.DeadLetter
	require.Eventually(t, func() bool { all, _ = s.letters(t, "bootstrap-secret", ""); return len(all) == 240 }, 20*time.Second, 100*time.Millisecond)
	for _, limit := range []int{7, 200} {
		again, pages := s.letters(t, "bootstrap-secret", fmt.Sprintf("limit=%d", limit))
		require.Equal(t, (240+limit-1)/limit, pages)
		require.Equal(t, all, again)
	}
	seen := map[string]bool{}
	for _, l := range all {
		seen[l.ID] = true
	}
	require.Len(t, seen, 240)
	status, body := s.call(t, "POST", "/api/v1/deadletters/replay", "bootstrap-secret", `{"class":"invalid_json"}`)
	require.Equal(t, http.StatusOK, status, body)
	require.JSONEq(t, `{"replayed":240}`, body, "more than a batch, and none of those that come back")
	require.Eventually(t, func() bool { all, _ = s.letters(t, "bootstrap-secret", ""); return len(all) == 480 }, 20*time.Second, 100*time.Millisecond)
}

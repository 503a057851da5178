package search

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"daybook/pkg/event"
	"daybook/pkg/kafka/kafkatest"
	"daybook/query/filter"
	"daybook/query/querytest"
)

// confirmed is what ingest would have confirmed.
type confirmed struct{ Log }

func (c *confirmed) Stored(context.Context) (Log, error) { return c.Log, nil }

// A poller sees every event once, and those of a partition in order, although
// events come late, blocks become visible in pieces, and are stored twice.
func TestSearchIngest_PollerMissesNothing(t *testing.T) {
	conn := querytest.Open(t)
	r := rand.New(rand.NewPCG(7, 8))
	log := &confirmed{Log{Topic: querytest.Topic, Epoch: 1, Next: []int64{0, 0, -1}}}
	s := service(conn, log)
	request := Request{Tenant: acme, Filter: parse(t, "eventType=a"), Order: Ingest, Limit: 10}

	var wants, got []string
	written := make([]int64, 3)
	poll := func() {
		for {
			page, err := s.Search(t.Context(), request)
			require.NoError(t, err)
			for _, e := range page.Events {
				got = append(got, e.EventID)
			}
			require.NotEmpty(t, page.NextCursor)
			request.Cursor = page.NextCursor
			if len(page.Events) < request.Limit {
				return
			}
		}
	}
	for range 20 {
		p := int32(r.IntN(3))
		var block []querytest.Row
		for range 1 + r.IntN(30) {
			e := event.Event{
				TenantID: string(acme), EventType: []string{"a", "b"}[r.IntN(2)], EventID: fmt.Sprintf("p%d/%d", p, written[p]),
				CreatedAt: now.Add(-time.Duration(r.IntN(300)) * 24 * time.Hour),
			}
			if r.IntN(4) == 0 {
				e.TenantID = "other"
			}
			block = append(block, querytest.Row{Event: e, Position: event.Position{Partition: p, Offset: written[p]}})
			written[p] += 1 + int64(r.IntN(3)) // Offsets have gaps.
			if e.TenantID == string(acme) && e.EventType == "a" {
				wants = append(wants, e.EventID)
			}
		}
		// The block becomes visible in pieces, the later one first.
		cut := r.IntN(len(block))
		querytest.Insert(t, conn, block[cut:])
		poll()
		querytest.Insert(t, conn, block[:cut+1]) // And one row twice.
		if r.IntN(3) > 0 {
			log.Next[p] = written[p]
		}
		poll()
	}
	copy(log.Next, written)
	poll()
	require.ElementsMatch(t, wants, got)
	for p := range 3 {
		of := func(ids []string) []string {
			return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id[:2] != fmt.Sprintf("p%d", p) })
		}
		require.Equal(t, of(wants), of(got), "partition %d in order", p)
	}

	// More partitions later go on with the same cursor; a log that was set back doesn't.
	log.Next = append(log.Next, 5)
	poll()
	s.settleTime = 0
	log.Next[0] = 0
	_, err := s.Search(t.Context(), request)
	requireInvalidCursor(t, err, "set back")
	log.Epoch++
	_, err = s.Search(t.Context(), request)
	requireInvalidCursor(t, err, "another search")
}

// moved is a log whose first answer is older than one that was given before.
type moved struct {
	Log
	asked int
}

func (m *moved) Stored(context.Context) (Log, error) {
	m.asked++
	if m.asked > 1 {
		return m.Log, nil
	}
	old := m.Log
	old.Next = []int64{1}
	return old, nil
}

// A poller is not told that its cursor is wrong where Kafka's answer is old.
func TestSearchIngest_CoordinatorHasMoved(t *testing.T) {
	conn := querytest.Open(t)
	querytest.Insert(t, conn, querytest.Rows(event.Event{TenantID: string(acme), EventID: "a", CreatedAt: now}, event.Event{TenantID: string(acme), EventID: "b", CreatedAt: now}))
	all := Log{Topic: querytest.Topic, Epoch: 1, Next: []int64{2}}
	request := Request{Tenant: acme, Filter: &filter.Filter{}, Order: Ingest, Limit: 10}
	page, err := service(conn, &confirmed{all}).Search(t.Context(), request)
	require.NoError(t, err)
	require.Len(t, page.Events, 2)
	request.Cursor = page.NextCursor
	after := &moved{Log: all}
	again, err := service(conn, after).Search(t.Context(), request)
	require.NoError(t, err)
	require.Empty(t, again.Events)
	require.Equal(t, 2, after.asked)
}

func TestSearchIngest_NotThere(t *testing.T) {
	_, err := service(nil, nil).Search(t.Context(), Request{Tenant: acme, Filter: &filter.Filter{}, Order: Ingest, Limit: 1})
	require.ErrorContains(t, err, "order")
}

func TestGroupStored(t *testing.T) {
	config := kafkatest.StartEmbedded(t)
	config.Topic = "stored"
	kafkatest.CreateTopic(t, config, config.Topic, 3)
	client, release, err := config.Client()
	require.NoError(t, err)
	t.Cleanup(release)
	stored := NewGroupStored(client, config, time.Now)
	log, err := stored.Stored(t.Context())
	require.NoError(t, err)
	require.Equal(t, []int64{-1, -1, -1}, log.Next)
	require.Equal(t, config.Topic, log.Topic)

	_, err = client.OffsetCommit(t.Context(), &kafka.OffsetCommitRequest{
		GroupID: config.Group, GenerationID: -1, Topics: map[string][]kafka.OffsetCommit{config.Topic: {{Partition: 1, Offset: 17}}},
	})
	require.NoError(t, err)
	log, err = stored.Stored(t.Context())
	require.NoError(t, err)
	require.Equal(t, []int64{-1, 17, -1}, log.Next)
}

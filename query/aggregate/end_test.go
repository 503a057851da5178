package aggregate

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/pkg/event"
	"daybook/pkg/retention"
	"daybook/query/querytest"
	"daybook/query/statement"
)

// A range without an end goes on to the last event, also where its producer's
// clock is ahead of ours by several buckets.
func TestAggregate_WithoutEnd(t *testing.T) {
	conn := querytest.Open(t)
	at := func(id string, ahead time.Duration) event.Event {
		return event.Event{TenantID: string(acme), EventID: id, EventType: "a", CreatedAt: now.Add(ahead)}
	}
	querytest.Insert(t, conn, querytest.Rows(at("past", -time.Hour), at("now", 0), at("soon", 9*time.Minute), at("ahead", 70*time.Minute)))
	service := New(statement.NewReader(conn, statement.DefaultConfig()), retention.Days(50), func() time.Time { return now })
	for bucket, last := range map[string]string{`null`: "2026-04-17T12:32:01Z", `"5m"`: "2026-04-17T15:40:00Z", `"15m"`: "2026-04-17T15:30:00Z", `"1h"`: "2026-04-17T15:00:00Z", `"1d"`: "2026-04-17T00:00:00Z"} {
		got, err := post(t, service, `{"from":"now-2h","bucket":`+bucket+`,"fill":"none"}`)
		require.NoError(t, err)
		require.InDelta(t, 4, *got.Totals[0], 0, bucket)
		points := got.Series[0].Points
		require.Equal(t, last, points[len(points)-1].Start.Format(time.RFC3339), bucket)
	}
	got, err := post(t, service, `{"from":"now-2h","to":"now","bucket":null}`)
	require.NoError(t, err)
	require.InDelta(t, 1, *got.Totals[0], 0)
}

package export

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"runtime/debug"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/pkg/bytesize"
	"daybook/pkg/retention"
	"daybook/query/querytest"
	"daybook/query/statement"
)

// peak reads a whole export and returns the most memory that was in use
// meanwhile, by client and server, beyond what was before.
func peak(t *testing.T, address string) (most, read uint64) {
	t.Helper()
	inUse := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse
	}
	defer debug.SetGCPercent(debug.SetGCPercent(25)) // What nobody holds any more is of no interest.
	runtime.GC()
	before := inUse()
	ctx, stop := context.WithCancel(t.Context())
	sampled := make(chan struct{})
	go func() {
		defer close(sampled)
		for tick := time.NewTicker(5 * time.Millisecond); ctx.Err() == nil; {
			most = max(most, inUse())
			select {
			case <-tick.C:
			case <-ctx.Done():
				tick.Stop()
			}
		}
	}()
	answer, err := http.Get(address)
	require.NoError(t, err)
	n, err := io.Copy(io.Discard, answer.Body)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.NotEmpty(t, answer.Trailer.Get(SumTrailer))
	stop()
	<-sampled
	return most - min(most, before), uint64(n)
}

// However much is exported, it takes the same memory: of events as they are
// usually, and of the largest that there may be.
func TestExport_ConstantMemory(t *testing.T) {
	for name, test := range map[string]struct {
		events, payload int
		most            uint64
	}{
		"usual": {100_000, 1000, 100 << 20}, "largest": {250, 900_000, 200 << 20},
	} {
		conn := querytest.Open(t)
		many(t, conn, test.events, test.payload)
		config := statement.DefaultConfig()
		config.MaxMemory, config.MaxRowsRead, config.MaxDuration = 400*bytesize.MiB, 1000, 100*time.Millisecond
		base := server(t, New(statement.NewReader(conn, config), retention.Days(365), func() time.Time { return now }))
		for _, f := range formats {
			most, read := peak(t, base+"?format="+f.name)
			t.Logf("%s %s: %d MiB at most for %d MiB", name, f.name, most>>20, read>>20)
			if f.compressible {
				require.Greater(t, read, test.most)
			}
			require.Less(t, most, test.most, "%s %s", name, f.name)
		}
	}
}

// BenchmarkExport measures events of some 600 bytes of JSON over HTTP.
func BenchmarkExport(b *testing.B) {
	conn := querytest.Open(b)
	const n = 500_000
	many(b, conn, n, 400)
	base := server(b, New(statement.NewReader(conn, statement.DefaultConfig()), retention.Days(365), func() time.Time { return now }))
	for _, test := range []struct{ format, encoding string }{{"ndjson", "identity"}, {"ndjson", "gzip"}, {"csv", "identity"}, {"parquet", "identity"}} {
		b.Run(test.format+"/"+test.encoding, func(b *testing.B) {
			for b.Loop() {
				request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, base+"?format="+test.format, nil)
				require.NoError(b, err)
				request.Header.Set("Accept-Encoding", test.encoding)
				answer, err := http.DefaultClient.Do(request)
				require.NoError(b, err)
				_, err = io.Copy(io.Discard, answer.Body)
				require.NoError(b, err)
				require.NoError(b, answer.Body.Close())
				require.Equal(b, strconv.Itoa(n), answer.Trailer.Get(RowsTrailer))
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

package ingest

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"
)

// An insert is never cancelled while the server works on it. But an answer may
// get lost: the server has finished, or was replaced by another that knows of
// nothing, and nobody tells the client, who would wait for the connection's
// time-out of minutes. Then, and only then, the insert is given up, and its
// outcome is found out like any other that is unknown.

// errAnswerLost ends the wait for an insert that the server does not run any more.
var errAnswerLost = errors.New("the server runs the insert no more and its answer has not come")

const (
	watchAfter  = 5 * time.Second // an insert takes less, as a rule
	watchEvery  = time.Second
	watchAbsent = 3 // the server must say so often in a row that it does not run the insert
)

// insertSilence is how long the server waits for the next bytes of an insert
// that it has begun. What holds them up has died, as a rule; a partition's next
// owner waits for the insert to end before it looks at the table.
const insertSilence = 30 * time.Second

// watch returns the context of an insert, which ends with errAnswerLost when
// waiting makes no sense any more, and a function to call when the insert has
// returned.
func (w *writer) watch(parent context.Context, queryID string) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	var watching sync.WaitGroup
	watching.Go(func() {
		absent := 0
		for timer := time.NewTimer(watchAfter); ; timer.Reset(watchEvery) {
			select {
			case <-ctx.Done():
				timer.Stop()
				return
			case <-timer.C:
			}
			running, err := w.running(ctx, "query_id = ?", queryID)
			switch {
			case err != nil, running > 0:
				absent = 0
				continue
			}
			if absent++; absent == watchAbsent {
				w.log.Warn("giving up the wait for an insert", zap.String("query_id", queryID), zap.Error(errAnswerLost))
				cancel(errAnswerLost)
				return
			}
		}
	})
	return ctx, func() {
		cancel(nil)
		watching.Wait()
	}
}

// running counts the queries that the server runs, by a condition on system.processes.
func (w *writer) running(ctx context.Context, condition string, args ...any) (n uint64, err error) {
	err = readTable(ctx, func(ctx context.Context) error {
		return w.conn.QueryRow(ctx, "SELECT count() FROM system.processes WHERE "+condition, args...).Scan(&n)
	})
	return n, err
}

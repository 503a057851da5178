package ingest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"go.uber.org/zap"

	"daybook/pkg/clickhouse"
	"daybook/pkg/event"
	"daybook/schema"
)

// writer puts blocks into ClickHouse so that each row is there once. It is
// shared by the partitions.
type writer struct {
	conn    driver.Conn
	decoder *event.Decoder
	budget  *budget
	decoded chan struct{} // one per block that may be decoded at a time
	inserts chan struct{} // one per insert that may run at a time
	recent  *recentIDs
	dead    *deadLetterTopic
	metrics *metrics
	log     *zap.Logger
}

// errUnfinished says that an insert succeeded and the table still lacks rows:
// the server took the deduplication token for proof of a part it has lost.
var errUnfinished = errors.New("the table lacks rows of a block whose insert succeeded")

// write stores a block and its dead letters and returns nil once all of it is
// in the table, for certain. It tries for as long as it takes; once stop is
// done it gives up at the next failure. A running insert is never cancelled:
// its outcome would be unknown, and the embedded engine aborts when a client
// goes away in the middle of one.
//
// The order is what makes it exact: after any doubt, wait until no insert of
// the partition runs, look which rows the table lacks, insert only those,
// look again. The deduplication token stops a second copy early; the look at
// the table decides.
func (w *writer) write(stop context.Context, b *block) error {
	a := attempt{doubt: b.doubt}
	defer func() {
		if a.claim != nil {
			a.claim.land()
		}
	}()
	for failures := 0; ; {
		err := w.try(stop, b, &a)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, errTurn):
			continue
		case stop.Err() != nil:
			return fmt.Errorf("block %s given up, its owner will see to it: %w", b, err)
		}
		failures++
		w.metrics.retries.WithLabelValues(errorClass(err)).Inc()
		w.log.Warn("a block is not stored yet, trying again", zap.Stringer("block", b), zap.Int("failures", failures), zap.Error(err))
		if !pause(stop, min(100*time.Millisecond<<min(failures, 7), 10*time.Second)) {
			return fmt.Errorf("block %s given up, its owner will see to it: %w", b, err)
		}
	}
}

// attempt is what is known of a block's way into the store so far.
type attempt struct {
	claim  *claim // nil: not claimed yet
	unique bool   // producers' repetitions are dropped
	stored bool   // the rows are in the table
	doubt  bool   // an insert may have stored all or part of it
	round  int    // inserts that succeeded and left rows missing
	tries  int
}

// errTurn says that the block has to wait for earlier ones before it goes on.
var errTurn = errors.New("an earlier block has the same event")

// try goes on with a block from where it is. What has to be waited for is
// waited for before the block is decoded: few may be at a time, and what it
// waits for may need that too.
func (w *writer) try(ctx context.Context, b *block, a *attempt) error {
	if a.claim != nil && !a.unique {
		if err := a.claim.awaitEarlier(ctx); err != nil {
			return err
		}
	}
	if a.doubt {
		w.metrics.doubts.Inc()
		if err := w.awaitQuiet(ctx, b); err != nil {
			return err
		}
	}
	select {
	case w.decoded <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	held := b.decodedMemory()
	w.budget.take(held)
	defer func() {
		b.shut()
		w.budget.release(held)
		<-w.decoded
	}()
	if err := b.decode(w.decoder); err != nil {
		return err
	}
	if a.claim == nil {
		a.claim = w.recent.claim(b)
		a.unique = len(a.claim.suspects) == 0
		if !a.unique && len(a.claim.earlier) > 0 {
			return errTurn
		}
	}
	if !a.unique {
		if err := w.dropDuplicates(ctx, b, a.claim); err != nil {
			return err
		}
		a.unique = true
	}
	if !a.stored {
		if err := w.store(ctx, b, a); err != nil {
			return err
		}
		a.stored = true
	}
	return w.storeDead(ctx, b, a)
}

// errorClass names an error in metrics: ClickHouse's code, or where it came from.
func errorClass(err error) string {
	switch code := clickhouse.Code(err); {
	case code != 0:
		return "clickhouse_" + strconv.Itoa(code)
	case errors.Is(err, errUnfinished):
		return "unfinished"
	case errors.Is(err, context.Canceled):
		return "answer_lost"
	case clickhouse.IsRetriable(err):
		return "connection"
	default:
		return "other"
	}
}

// pause waits for d, give or take a quarter, and reports whether ctx lasted.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d*3/4 + rand.N(d/2+1)) //nolint:gosec // Jitter needs no secrecy.
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// store makes one attempt at the block's rows.
func (w *writer) store(ctx context.Context, b *block, a *attempt) error {
	if len(b.rows) == 0 {
		return nil
	}
	target, token := b, b.token()
	verified := a.doubt
	if a.doubt {
		reach(pointBeforeVerify, b.topic, b.partition)
		lacking, err := w.missing(ctx, b)
		if err != nil {
			return err
		}
		w.metrics.replayed.WithLabelValues(replayResult(len(lacking), len(b.rows))).Inc()
		if len(lacking) == 0 {
			return w.repairRollups(b) //nolint:contextcheck // An insert is never cancelled: see write.
		}
		if len(lacking) < len(b.rows) || a.round > 0 {
			target = b.pick(lacking)
			token = fmt.Sprintf("%s/r%d", token, a.round)
		}
	}
	a.tries++
	if err := w.insert(target, token, a.tries); err != nil { //nolint:contextcheck // An insert is never cancelled: see write.
		a.doubt = a.doubt || clickhouse.IsUnknownOutcome(err)
		if clickhouse.IsData(err) {
			return w.isolate(b, target, a, err) //nolint:contextcheck // As above.
		}
		return err
	}
	if !verified {
		return nil
	}
	lacking, err := w.missing(ctx, b)
	if err != nil {
		return err
	}
	if len(lacking) > 0 {
		a.round++
		return fmt.Errorf("%w: %d of %d", errUnfinished, len(lacking), len(b.rows))
	}
	return w.repairRollups(b) //nolint:contextcheck // An insert is never cancelled: see write.
}

func replayResult(missing, rows int) string {
	switch missing {
	case 0:
		return "present"
	case rows:
		return "absent"
	default:
		return "partial"
	}
}

// awaitQuiet waits until the server runs no insert of the block's partition,
// ours or a former owner's.
func (w *writer) awaitQuiet(ctx context.Context, b *block) error {
	prefix := queryPrefix(b.topic, b.partition)
	for {
		running, err := w.running(ctx, "startsWith(query_id, ?)", prefix)
		if err != nil {
			return fmt.Errorf("look for running inserts of %s: %w", prefix, err)
		}
		if running == 0 {
			return nil
		}
		if !pause(ctx, 100*time.Millisecond) {
			return ctx.Err()
		}
	}
}

func queryPrefix(topic string, partition int32) string {
	return fmt.Sprintf("ingest/%s/%d/", topic, partition)
}

// nice is for the threads of ClickHouse that insert. They give way to searches, and get
// a quarter of a processor where searches leave nothing. With ingest at full rate into 10
// million events, searches took half as long, and ingest stored no less; a value of 10
// halves them once more, takes a fifth of ingest's rate, and leaves it a tenth.
const nice = 5

// insertSettings are sent with every insert. What matters is set in words,
// whatever the server's defaults are: one part per block and table partition,
// written before the answer, deduplicated by our token in the table and in
// the rollups. The index of texts costs as much as the rest of an insert; a
// new part does without, being small, and the first merge makes it.
func insertSettings(token string) chgo.Settings {
	return chgo.Settings{
		"async_insert":                                       0,
		"insert_deduplicate":                                 1,
		"insert_deduplication_token":                         token,
		"max_insert_threads":                                 1,
		"optimize_on_insert":                                 0,
		"max_partitions_per_insert_block":                    0,
		"exclude_materialize_skip_indexes_on_insert":         "ix_text",
		"deduplicate_blocks_in_dependent_materialized_views": 1,
		"receive_timeout":                                    int(insertSilence.Seconds()),
		// Searches go first: without, an ingest at full rate makes them wait for it. It
		// takes the capability SYS_NICE and is ignored without.
		"os_threads_nice_value_query":             nice,
		"os_threads_nice_value_materialized_view": nice,
	}
}

// insertContext returns the context of an insert for the block: named, so that
// whoever owns the partition can wait until it is over, and never cancelled
// but by watch. The caller calls done when the insert has returned.
func (w *writer) insertContext(b *block, name, token string) (ctx context.Context, done func()) {
	id := fmt.Sprintf("%s%d-%d/%s/%08x", queryPrefix(b.topic, b.partition), b.start, b.end, name, rand.Uint32()) //nolint:gosec // A name, not a secret.
	ctx, done = w.watch(context.Background(), id)
	return chgo.Context(ctx, chgo.WithQueryID(id), chgo.WithSettings(insertSettings(token))), done
}

// insert sends the block's rows as one native block.
func (w *writer) insert(b *block, token string, try int) error {
	w.inserts <- struct{}{}
	defer func() { <-w.inserts }()
	started := time.Now()
	ctx, done := w.insertContext(b, strconv.Itoa(try), token)
	defer done()
	batch, err := w.conn.PrepareBatch(ctx, schema.Insert(schema.Events, eventColumns))
	if err != nil {
		return fmt.Errorf("insert block %s: %w", b, err)
	}
	defer func() { _ = batch.Close() }()
	if err := b.appendTo(batch); err != nil {
		return fmt.Errorf("insert block %s: %w", b, errors.Join(err, batch.Abort()))
	}
	reach(pointMidSend, b.topic, b.partition)
	if err := batch.Send(); err != nil {
		return fmt.Errorf("insert block %s: %w", b, err)
	}
	reach(pointAfterInsert, b.topic, b.partition)
	w.metrics.inserted(b, time.Since(started))
	return nil
}

// isolate finds the rows for which the server refuses a block and makes dead
// letters of them; the rest stays for the next attempt, which verifies first.
// Where nearly every row is refused it is not the rows but the table that is
// wrong, and nothing is given up.
func (w *writer) isolate(b, target *block, a *attempt, cause error) error {
	limit := max(10, len(target.rows)/100)
	var refused []int64
	var search func(part *block, name string) error
	search = func(part *block, name string) error {
		a.tries++
		err := w.insert(part, b.token()+name, a.tries)
		switch {
		case err == nil:
			return nil
		case !clickhouse.IsData(err):
			return err
		case len(part.rows) == 1:
			refused = append(refused, part.pos[0])
			cause = err
			if len(refused) > limit {
				return fmt.Errorf("ClickHouse refuses too many rows to be the rows' fault; check the table's columns: %w", err)
			}
			return nil
		}
		half := len(part.rows) / 2
		return errors.Join(
			search(part.subset(func(i int) bool { return i < half }), name+"/a"),
			search(part.subset(func(i int) bool { return i >= half }), name+"/b"))
	}
	if err := search(target, "/s"); err != nil {
		return err
	}
	b.refuse(refused, cause)
	return b.decode(w.decoder)
}

package backup

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/clickhouse"
)

// Codes of ClickHouse's exceptions about backups (system.errors has their names).
const (
	codeS3       = 499
	codeExists   = 598
	codeNotFound = 599
)

// pollEvery is how often ClickHouse is asked how far it is.
const pollEvery = 200 * time.Millisecond

// fault is what ClickHouse says of a BACKUP or RESTORE that failed.
type fault struct {
	code int
	text string
}

func (f *fault) Error() string { return f.text }

var exceptionCode = regexp.MustCompile(`^Code: (\d+)\. DB::Exception: `)

// parseFault reads the text of an exception, without its stack.
func parseFault(text string) *fault {
	text, _, _ = strings.Cut(text, ", Stack trace")
	f := &fault{text: strings.TrimSpace(text)}
	if m := exceptionCode.FindStringSubmatch(text); m != nil {
		f.code, _ = strconv.Atoi(m[1])
		f.text = strings.TrimSpace(text[len(m[0]):])
	}
	return f
}

// code returns the number of ClickHouse's exception in an error, 0 where there is none.
func code(err error) int {
	if f, ok := errors.AsType[*fault](err); ok {
		return f.code
	}
	return clickhouse.Code(err)
}

// outcome is how a BACKUP or RESTORE stands.
type outcome struct {
	state, fault, query       string
	written, read, total, set uint64
}

// run runs a BACKUP or RESTORE to its end. The server works on it by itself, so that
// no time-out of a connection ends it; where ctx is done it is asked to stop.
func (d Deps) run(ctx context.Context, conn driver.Conn, step, statement, settings string) (outcome, error) {
	id := "daybook-" + rand.Text()
	d.progress(step, 0, 0)
	if err := conn.Exec(ctx, statement+" SETTINGS id = '"+id+"'"+settings+" ASYNC"); err != nil {
		return outcome{}, err
	}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		o, err := ask(ctx, conn, id)
		switch {
		case ctx.Err() != nil:
			return o, errors.Join(ctx.Err(), stop(conn, id)) //nolint:contextcheck // ctx is done.
		case err != nil:
			return o, err
		}
		switch o.state {
		case "BACKUP_CREATED", "RESTORED":
			return o, nil
		case "BACKUP_FAILED", "RESTORE_FAILED", "BACKUP_CANCELLED", "RESTORE_CANCELLED":
			return o, parseFault(o.fault)
		}
		d.progress(step, max(o.read, o.written), o.total)
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

var errForgotten = errors.New("ClickHouse knows nothing of it any more: it was restarted under it; run the command again")

func ask(ctx context.Context, conn driver.Conn, id string) (o outcome, err error) {
	err = clickhouse.ReadRetry(ctx, func() error {
		rows, err := conn.Query(ctx, `SELECT toString(status), error, query_id, compressed_size, bytes_read, total_size, num_files FROM system.backups WHERE id = ?`, id)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		if !rows.Next() {
			return errors.Join(rows.Err(), errForgotten)
		}
		return errors.Join(rows.Scan(&o.state, &o.fault, &o.query, &o.written, &o.read, &o.total, &o.set), rows.Err())
	})
	return o, err
}

// stop asks the server to end what runs, and waits for that for a while.
func stop(conn driver.Conn, id string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	o, err := ask(ctx, conn, id)
	if err != nil {
		return err
	}
	if err := conn.Exec(ctx, "KILL QUERY WHERE query_id = ? ASYNC", o.query); err != nil {
		return fmt.Errorf("ClickHouse goes on with it: %w", err)
	}
	for {
		o, err := ask(ctx, conn, id)
		if err != nil {
			return fmt.Errorf("ClickHouse may go on with it: %w", err)
		}
		if o.state != "CREATING_BACKUP" && o.state != "RESTORING" {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.New("ClickHouse goes on with it for now (system.backups)")
		case <-time.After(pollEvery):
		}
	}
}

// explain says what to do about what ClickHouse says of a place.
func (p Place) explain(err error, name string) error {
	switch c := code(err); {
	case err == nil:
		return nil
	case c == codeExists:
		return fmt.Errorf("%s has a backup %s already, whole or not: choose another name", p, name)
	case p.S3 != nil && c == codeS3:
		return fmt.Errorf("the storage at %s refuses: check archive.bucket, archive.access_key and archive.secret_key (%w)", p.S3.URL(), err)
	case p.S3 == nil && strings.Contains(err.Error(), "allowed_path"):
		return fmt.Errorf("ClickHouse may not keep backups in a folder: set <backups><allowed_path>/var/lib/clickhouse/backups/</allowed_path></backups> in its settings, or use --s3 (%w)", err)
	}
	return err
}

package archive

import (
	"context"
	"fmt"
	"strings"
	"time"

	layout "daybook/pkg/archive"
	"daybook/schema"
)

// events is the table as it is read: a producer's repetition that waits for its
// merge is no event.
const events = schema.Events + " FINAL"

// selected are the columns as they are written.
var selected = strings.Replace(columns, "toString(severity)", "toString(severity) AS severity", 1)

// order is that of the rows in a file.
const order = " ORDER BY tenant_id, created_at, event_id, source"

// writeOne writes what the table has of a unit, less what files have, to a file.
// It may write none, or one without rows, where nothing is left.
func (r *Runner) writeOne(ctx context.Context, p layout.Place, u unit, name, less string) error {
	where, args := chosen([]unit{u})
	err := r.exec(ctx, "INSERT INTO FUNCTION "+p.Source(u.folder()+name)+" SELECT "+selected+" FROM "+events+" WHERE "+where+less+order, args...)
	if err != nil {
		return fmt.Errorf("write %s to the archive at %s: %w%s", u, p.URL(), err, p.Advice(err))
	}
	return nil
}

// writeMany writes a file for each unit, all with one statement: what a small day
// costs is the statement.
func (r *Runner) writeMany(ctx context.Context, p layout.Place, units []unit, names map[unit]string) error {
	if len(units) == 1 {
		return r.writeOne(ctx, p, units[0], names[units[0]], "")
	}
	keys, paths := make([]string, len(units)), make([]string, len(units))
	for i, u := range units {
		keys[i], paths[i] = string(u.tenant)+" "+u.day.Format(time.DateOnly), u.folder()+names[u]
	}
	where, args := chosen(units)
	err := r.exec(ctx, "INSERT INTO FUNCTION "+p.Source("{_partition_id}")+
		" PARTITION BY transform(tenant_id || ' ' || toString(toDate(created_at)), ?, ?, '')"+
		" SELECT "+selected+" FROM "+events+" WHERE "+where+order, append([]any{keys, paths}, args...)...)
	if err != nil {
		return fmt.Errorf("write %s to the archive at %s: %w%s", named(units), p.URL(), err, p.Advice(err))
	}
	return nil
}

package export

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"daybook/pkg/apierror"
	"daybook/pkg/event"
	"daybook/pkg/retention"
	"daybook/pkg/tenant"
	"daybook/query/archived"
	"daybook/query/cursor"
	"daybook/query/filter"
	"daybook/query/statement"
)

// Service exports events of the store.
type Service struct {
	reader *statement.Reader
	kept   retention.Policy
	now    func() time.Time
	slots  slots

	archive *archived.Archive
}

// New returns a service that exports the events of the given days.
func New(reader *statement.Reader, kept retention.Policy, now func() time.Time) *Service {
	return &Service{
		reader: reader, kept: kept, now: now,
		slots: slots{most: reader.Config().MaxExports, byTenant: map[tenant.ID]int{}},
	}
}

// WithArchive makes the service export what is older than the retention for the
// requests that ask for it.
func (s *Service) WithArchive(a *archived.Archive) *Service {
	s.archive = a
	return s
}

// request is an export, or the rest of one.
type request struct {
	filter *filter.Filter
	scope  filter.Scope
	format format
	limit  int64     // of events
	view   *view     // nil: that of now
	after  *position // nil: from the beginning
	began  time.Time

	archive bool // with what is older than the retention
}

var ownParameters = []string{"format", "cursor", "after", "limit", archived.Parameter}

// ServeExport answers GET /api/v1/events/export.
func (s *Service) ServeExport(w http.ResponseWriter, r *http.Request) error {
	request, err := s.parse(r)
	if err != nil {
		return err
	}
	release, err := s.slots.take(request.scope.Tenant)
	if err != nil {
		return err
	}
	defer release()
	var usage statement.Usage
	if request.scope, err = s.archive.Include(r.Context(), request.scope, request.archive, &usage); err != nil {
		return err
	}
	if request.view == nil {
		if request.view, err = s.look(r.Context(), request.scope, request.filter, request.began); err != nil {
			return err
		}
	}
	w.Header().Add("Vary", "Accept-Encoding")
	out := newOutput(w, request.format.compressible && acceptsGzip(r.Header), func(header http.Header) {
		header.Set("Content-Type", request.format.contentType)
		header.Set("Content-Disposition", `attachment; filename="events-`+request.began.UTC().Format("20060102T150405Z")+"."+request.format.extension+`"`)
		header.Set("Cache-Control", "no-store")
		header.Set(ViewHeader, request.cursor(nil))
	})
	return s.write(r.Context(), request, out)
}

func (r *request) cursor(after *position) string {
	return cursor.Seal(r.binding(), content(r.view, after))
}

// batchBytes is how much is read ahead of what is being written, a few times
// over.
const (
	batchBytes   = 512 << 10
	batchesAhead = 3
)

// write reads events ahead and writes them.
func (s *Service) write(ctx context.Context, r *request, out *output) error {
	reader, ctx := errgroup.WithContext(ctx)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	batches := make(chan []event.Event, batchesAhead)
	reader.Go(func() error {
		err := s.read(ctx, r, batches)
		if err == nil {
			close(batches) // Only then are they all.
		}
		return err
	})
	rows, next, err := encode(ctx, r, out, batches)
	stop()
	if readErr := reader.Wait(); err != nil {
		if readErr != nil && errors.Is(err, context.Canceled) {
			err = readErr
		}
		return err
	}
	return out.end(rows, next)
}

var errEnough = errors.New("as many events as were asked for, and one more")

func (s *Service) read(ctx context.Context, r *request, batches chan<- []event.Event) error {
	var (
		batch []event.Event
		bytes int
		rows  int64
	)
	hand := func() error {
		select {
		case batches <- batch:
			batch, bytes = make([]event.Event, 0, len(batch)), 0
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := s.each(ctx, r.scope, r.filter, r.view, r.after, func(e *event.Event) error {
		r.scope.Mark(e)
		batch = append(batch, *e)
		bytes += 512 + len(e.Payload) + len(e.Extra)
		if rows++; rows > r.limit {
			return errEnough
		}
		if bytes < batchBytes {
			return nil
		}
		return hand()
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	var usage statement.Usage
	if err := archived.Of(r.scope).Unchanged(ctx, &usage); err != nil {
		return err
	}
	return hand()
}

// encode writes what the batches bring, up to the limit. It returns how many
// events that were and, where there are more, the cursor behind the last of them.
func encode(ctx context.Context, r *request, out *output, batches <-chan []event.Event) (rows int64, next string, err error) {
	encoder, err := r.format.encoder(out, r.after != nil, r.archive)
	if err != nil {
		return 0, "", err
	}
	last := r.after
	for {
		var batch []event.Event
		var more bool
		select {
		case batch, more = <-batches:
		case <-ctx.Done():
			return rows, "", ctx.Err()
		}
		if !more {
			return rows, "", encoder.close()
		}
		for i := range batch {
			if rows == r.limit {
				return rows, r.cursor(last), encoder.close()
			}
			if err := encoder.write(&batch[i]); err != nil {
				return rows, "", err
			}
			p := positionOf(&batch[i])
			last = &p
			rows++
		}
		if err := out.rest(); err != nil {
			return rows, "", err
		}
	}
}

func (s *Service) parse(r *http.Request) (*request, error) {
	values, err := filter.Values(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	for _, name := range ownParameters {
		if len(values[name]) > 1 {
			return nil, apierror.Invalid(name, "is given %d times, once is allowed", len(values[name]))
		}
	}
	id := tenant.FromContext(r.Context())
	request := &request{scope: filter.ScopeOf(id, s.kept, s.now()), limit: math.MaxInt64, began: s.now()}
	var bound uint64
	if text := values.Get("cursor"); text != "" {
		var content []byte
		if bound, content, err = cursor.Open(text); err != nil {
			return nil, err
		}
		if request.view, request.after, err = readContent(content); err != nil {
			return nil, err
		}
		request.began = request.view.began // "now" means the same as then.
	}
	if request.filter, err = filter.ParseRequest(r.Context(), values, request.began, ownParameters...); err != nil {
		return nil, err
	}
	if request.archive, err = archived.Asked(values); err != nil {
		return nil, err
	}
	if request.view != nil && bound != request.binding() {
		return nil, apierror.Invalid("cursor", "belongs to another export: filter, include and tenant must be those that it came with")
	}
	return request, request.parseOwn(values)
}

func (r *request) parseOwn(values url.Values) error {
	var known bool
	if r.format, known = formatNamed(values.Get("format")); !known {
		return apierror.Invalid("format", "must be ndjson, csv or parquet")
	}
	if limit := values.Get("limit"); limit != "" {
		var err error
		if r.limit, err = strconv.ParseInt(limit, 10, 64); err != nil || r.limit < 1 || r.limit == math.MaxInt64 {
			return apierror.Invalid("limit", "must be a whole number, 1 or greater; without it there is none")
		}
	}
	if after := values.Get("after"); after != "" {
		if r.view == nil {
			return apierror.Invalid("after", "needs the cursor of the export that it goes on with: the header %s of its answer", ViewHeader)
		}
		var err error
		r.after, err = parsePosition(after)
		return err
	}
	return nil
}

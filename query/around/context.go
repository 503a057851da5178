package around

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"daybook/pkg/apierror"
	"daybook/pkg/event"
	"daybook/pkg/tenant"
	"daybook/query/archived"
	"daybook/query/filter"
	"daybook/query/search"
	"daybook/query/statement"
)

// Events is where events are found.
type Events interface {
	Event(ctx context.Context, id tenant.ID, eventID string, archive bool, usage *statement.Usage) (*event.Event, error)
	Search(ctx context.Context, r search.Request) (*search.Page, error)
}

// Service answers what is around an event.
type Service struct{ events Events }

// New returns a service over the events.
func New(events Events) *Service { return &Service{events} }

// Bounds of a request.
const (
	defaultChain  = 100
	defaultDoings = 20
	most          = 500
)

// around is what happened around an event.
type around struct {
	event *event.Event
	chain *neighbours // nil: the event has no correlation id
	actor *neighbours // nil: the event has no actor

	source string // of the answer's meta
}

// neighbours are the events before and after one, in the order of time, and
// whether there are more of them.
type neighbours struct {
	before, after         []event.Event
	moreBefore, moreAfter bool
}

// ServeContext answers GET /api/v1/events/{eventId}/context.
func (s *Service) ServeContext(w http.ResponseWriter, r *http.Request) error {
	began := time.Now()
	values, err := filter.Values(r.URL.RawQuery)
	if err != nil {
		return err
	}
	archive, err := archived.Asked(values)
	if err != nil {
		return err
	}
	limits, err := parse(values)
	if err != nil {
		return err
	}
	var usage statement.Usage
	found, err := s.find(r.Context(), tenant.FromContext(r.Context()), r.PathValue("eventId"), limits, archive, &usage)
	if err != nil {
		return err
	}
	out := found.appendJSON(nil)
	out = statement.AppendMeta(append(out, `,"meta":`...), began, usage, found.source, false)
	return statement.WriteJSON(w, append(out, '}'))
}

// limits are how many events to show: of the chain on either side of the
// event, of the actor's doings before and after.
type limits struct{ chain, before, after int }

func parse(values url.Values) (limits, error) {
	l := limits{chain: defaultChain, before: defaultDoings, after: defaultDoings}
	var fault *apierror.Error
	for name := range values {
		var into *int
		switch name {
		case archived.Parameter:
			continue
		case "chain":
			into = &l.chain
		case "before":
			into = &l.before
		case "after":
			into = &l.after
		default:
			fault = apierror.Join(fault, apierror.Invalid(name, "is not a parameter of this call"))
			continue
		}
		n, err := strconv.Atoi(values.Get(name))
		if err != nil || n < 0 || n > most || len(values[name]) > 1 {
			fault = apierror.Join(fault, apierror.Invalid(name, "must be one whole number from 0 to %d", most))
		}
		*into = n
	}
	if fault != nil {
		return l, fault
	}
	return l, nil
}

// find reads the event and what is around it. What is on one side of it is
// read beside what is on the other.
func (s *Service) find(ctx context.Context, id tenant.ID, eventID string, l limits, archive bool, usage *statement.Usage) (*around, error) {
	e, err := s.events.Event(ctx, id, eventID, archive, usage)
	if err != nil {
		return nil, err
	}
	found := &around{event: e, source: "raw"}
	group, ctx := errgroup.WithContext(ctx)
	usages := make([]statement.Usage, 0, 4)
	var reads atomic.Bool // the archive
	read := func(f *filter.Filter, order search.Order, limit int, into *[]event.Event, more *bool) {
		usages = append(usages, statement.Usage{})
		used := &usages[len(usages)-1]
		group.Go(func() error {
			page, err := s.events.Search(ctx, search.Request{Tenant: id, Filter: f, Order: order, Limit: max(limit, 1), Behind: e, Archive: archive})
			if err != nil {
				return err
			}
			*used = page.Usage
			if page.Source != "raw" {
				reads.Store(true)
			}
			*more = page.NextCursor != "" || len(page.Events) > limit
			*into = page.Events[:min(limit, len(page.Events))]
			if order == search.Newest {
				slices.Reverse(*into)
			}
			return nil
		})
	}
	if e.CorrelationID != "" {
		found.chain = &neighbours{}
		f := filter.Is("correlationId", e.CorrelationID)
		read(f, search.Newest, l.chain, &found.chain.before, &found.chain.moreBefore)
		read(f, search.Oldest, l.chain, &found.chain.after, &found.chain.moreAfter)
	}
	if e.ActorID != "" {
		found.actor = &neighbours{}
		f := filter.Is("actorId", e.ActorID)
		if e.ActorType != "" { // A user and a key may have the same id.
			f = f.And(filter.Is("actorType", e.ActorType))
		}
		read(f, search.Newest, l.before, &found.actor.before, &found.actor.moreBefore)
		read(f, search.Oldest, l.after, &found.actor.after, &found.actor.moreAfter)
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if reads.Load() || e.Archived {
		found.source = archived.Value
	}
	for _, u := range usages {
		usage.RowsRead += u.RowsRead
	}
	return found, nil
}

package search

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"daybook/pkg/apierror"
	"daybook/pkg/event"
	"daybook/pkg/tenant"
	"daybook/query/archived"
	"daybook/query/filter"
	"daybook/query/statement"
)

const defaultLimit = 50

// searchParameters are those of a search beside the filter's.
var searchParameters = []string{"limit", "cursor", "order", "count", "highlight", archived.Parameter}

// ServeSearch answers GET /api/v1/events.
func (s *Service) ServeSearch(w http.ResponseWriter, r *http.Request) error {
	began := time.Now()
	request, highlight, err := s.parse(r)
	if err != nil {
		return err
	}
	page, err := s.Search(r.Context(), request)
	if err != nil {
		return err
	}
	body := append(make([]byte, 0, 1024*(1+len(page.Events))), `{"events":[`...)
	for i := range page.Events {
		if i > 0 {
			body = append(body, ',')
		}
		body = event.AppendJSON(body, &page.Events[i])
	}
	body = append(body, ']')
	if highlight {
		if body, err = appendHighlights(append(body, `,"highlights":`...), request.Filter, page.Events); err != nil {
			return err
		}
	}
	body = append(body, `,"nextCursor":`...)
	if page.NextCursor == "" {
		body = append(body, "null"...)
	} else {
		body = strconv.AppendQuote(body, page.NextCursor) // base64url needs no escapes.
	}
	if body, err = page.appendMeta(append(body, `,"meta":`...), began); err != nil {
		return err
	}
	return statement.WriteJSON(w, append(body, '}'))
}

// parse reads the parameters of a search, and whether its matches are to be marked.
func (s *Service) parse(r *http.Request) (request Request, highlight bool, err error) {
	values, err := filter.Values(r.URL.RawQuery)
	if err != nil {
		return request, false, err
	}
	most := s.reader.Config().MaxLimit
	request = Request{Tenant: tenant.FromContext(r.Context()), Cursor: values.Get("cursor"), Order: Newest, Limit: min(defaultLimit, most)}
	if request.Filter, err = filter.ParseRequest(r.Context(), values, s.now(), searchParameters...); err != nil {
		return request, false, err
	}
	for _, name := range searchParameters {
		if len(values[name]) > 1 {
			return request, false, apierror.Invalid(name, "is given %d times, once is allowed", len(values[name]))
		}
	}
	if limit := values.Get("limit"); limit != "" {
		request.Limit, err = strconv.Atoi(limit)
		if err != nil || request.Limit < 1 || request.Limit > most {
			return request, false, apierror.Invalid("limit", "must be a whole number from 1 to %d (query.max_limit)", most)
		}
	}
	if request.Archive, err = archived.Asked(values); err != nil {
		return request, false, err
	}
	switch order := Order(values.Get("order")); order {
	case "":
	case Newest, Oldest, Ingest:
		request.Order = order
	default:
		return request, false, apierror.Invalid("order", "must be desc, asc or ingest")
	}
	switch request.Counting = Counting(values.Get("count")); request.Counting {
	case NoCount, Exact, Capped:
	default:
		return request, false, apierror.Invalid("count", "must be exact or capped")
	}
	switch values.Get("highlight") {
	case "true":
		highlight = true
	case "", "false":
	default:
		return request, false, apierror.Invalid("highlight", "must be true or false")
	}
	return request, highlight, nil
}

// appendHighlights appends the places of each event, in the order of the events.
func appendHighlights(body []byte, f *filter.Filter, events []event.Event) ([]byte, error) {
	all := make([][]filter.Highlight, len(events))
	for i := range events {
		all[i] = f.Highlights(&events[i])
	}
	return appendMarshalled(body, all)
}

// appendMeta appends the meta of every answer and what is a search's own.
func (p *Page) appendMeta(body []byte, began time.Time) ([]byte, error) {
	body = statement.AppendMeta(body, began, p.Usage, p.Source, p.Partial)
	body, err := appendMarshalled(append(body[:len(body)-len("}")], `,"indexes":`...), p.Indexes)
	if err == nil && p.Count != nil {
		body, err = appendMarshalled(append(body, `,"count":`...), p.Count)
	}
	return append(body, '}'), err
}

func appendMarshalled(body []byte, value any) ([]byte, error) {
	text, err := json.Marshal(value)
	return append(body, text...), err
}

// ServeEvent answers GET /api/v1/events/{eventId}.
func (s *Service) ServeEvent(w http.ResponseWriter, r *http.Request) error {
	archive, err := archived.Only(r)
	if err != nil {
		return err
	}
	var usage statement.Usage
	e, err := s.Event(r.Context(), tenant.FromContext(r.Context()), r.PathValue("eventId"), archive, &usage)
	if err != nil {
		return err
	}
	return statement.WriteJSON(w, event.AppendJSON(nil, e))
}

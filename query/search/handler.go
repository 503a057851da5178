package search

import (
	"net/http"
	"strconv"
	"time"

	"daybook/pkg/apierror"
	"daybook/pkg/event"
	"daybook/pkg/httpserver"
	"daybook/pkg/tenant"
	"daybook/query/filter"
	"daybook/query/statement"
)

const defaultLimit = 50

// ServeSearch answers GET /api/v1/events.
func (s *Service) ServeSearch(w http.ResponseWriter, r *http.Request) error {
	began := time.Now()
	values, err := filter.Values(r.URL.RawQuery)
	if err != nil {
		return err
	}
	request := Request{Tenant: tenant.FromContext(r.Context()), Cursor: values.Get("cursor"), Order: Newest, Limit: min(defaultLimit, s.reader.Config().MaxLimit)}
	if request.Filter, err = filter.ParseRequest(r.Context(), values, s.now(), "limit", "cursor", "order"); err != nil {
		return err
	}
	for _, name := range []string{"limit", "cursor", "order"} {
		if len(values[name]) > 1 {
			return apierror.Invalid(name, "is given %d times, once is allowed", len(values[name]))
		}
	}
	if limit := values.Get("limit"); limit != "" {
		most := s.reader.Config().MaxLimit
		request.Limit, err = strconv.Atoi(limit)
		if err != nil || request.Limit < 1 || request.Limit > most {
			return apierror.Invalid("limit", "must be a whole number from 1 to %d (query.max_limit)", most)
		}
	}
	switch order := Order(values.Get("order")); order {
	case "":
	case Newest, Oldest, Ingest:
		request.Order = order
	default:
		return apierror.Invalid("order", "must be desc, asc or ingest")
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
	body = append(body, `],"nextCursor":`...)
	if page.NextCursor == "" {
		body = append(body, "null"...)
	} else {
		body = strconv.AppendQuote(body, page.NextCursor) // base64url needs no escapes.
	}
	body = statement.AppendMeta(append(body, `,"meta":`...), began, page.Usage, "raw", false)
	return statement.WriteJSON(w, append(body, '}'))
}

// ServeEvent answers GET /api/v1/events/{eventId}.
func (s *Service) ServeEvent(w http.ResponseWriter, r *http.Request) error {
	if err := httpserver.NoParameters(r); err != nil {
		return err
	}
	var usage statement.Usage
	e, err := s.Event(r.Context(), tenant.FromContext(r.Context()), r.PathValue("eventId"), &usage)
	if err != nil {
		return err
	}
	return statement.WriteJSON(w, event.AppendJSON(nil, e))
}

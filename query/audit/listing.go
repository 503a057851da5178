package audit

import (
	"errors"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"daybook/pkg/apierror"
	"daybook/query/archived"
	"daybook/query/filter"
)

const (
	defaultLimit = 50
	maxLimit     = 100
)

// listing is a request for a page of the audit log.
type listing struct {
	page, limit int64
	eventType   string    // empty: all
	userID      string    // empty: all
	from, to    time.Time // zero: no bound
	archive     bool      // with what is older than the retention
	caller      string    // the id of the key
	path        string    // of the call
	query       string    // the filters as canonical text: what all pages of a listing share
}

// offset is how many events the pages before hold.
func (l listing) offset() int64 {
	if l.page-1 > math.MaxInt64/l.limit {
		return math.MaxInt64
	}
	return (l.page - 1) * l.limit
}

// parseListing reads page, limit and the given filters of a request. Its
// error names every faulty parameter.
func parseListing(r *http.Request, filters ...string) (listing, error) {
	filters = append(filters, archived.Parameter)
	values, err := filter.Values(r.URL.RawQuery)
	if err != nil {
		return listing{}, err
	}
	p := parameters{values: values}
	for name := range values {
		if name != "page" && name != "limit" && !slices.Contains(filters, name) {
			p.invalid(name, "is not a parameter of this call")
		}
	}
	l := listing{
		page: p.number("page", 1, math.MaxInt64), limit: p.number("limit", defaultLimit, maxLimit),
		eventType: p.one("event_type"), userID: p.one("user_id"),
		from: p.date("start_date"), to: p.date("end_date"),
		caller: callerOf(r).KeyID, path: r.URL.EscapedPath(),
	}
	if !l.from.IsZero() && !l.to.IsZero() && l.from.After(l.to) {
		p.invalid("start_date", "is after end_date")
	}
	var fault *apierror.Error
	if l.archive, err = archived.Asked(values); errors.As(err, &fault) {
		p.fault = apierror.Join(p.fault, fault)
	}
	if p.fault != nil {
		return l, p.fault
	}
	shared := url.Values{}
	for _, name := range filters {
		if v := values.Get(name); v != "" {
			shared.Set(name, v)
		}
	}
	l.query = shared.Encode()
	return l, nil
}

// parameters reads a URL's query and collects its faults.
type parameters struct {
	values url.Values
	fault  *apierror.Error
}

func (p *parameters) invalid(field, format string, args ...any) {
	p.fault = apierror.Join(p.fault, apierror.Invalid(strings.ToValidUTF8(field, "\uFFFD"), format, args...))
}

// one returns the value of a parameter; empty where it is missing, or empty,
// as a form sends it.
func (p *parameters) one(name string) string {
	given := p.values[name]
	switch {
	case len(given) == 0:
		return ""
	case len(given) > 1:
		p.invalid(name, "is given %d times, once is allowed", len(given))
		return ""
	case !utf8.ValidString(given[0]):
		p.invalid(name, "is not valid UTF-8")
		return ""
	}
	return given[0]
}

func (p *parameters) number(name string, byDefault, most int64) int64 {
	written := p.one(name)
	if written == "" {
		return byDefault
	}
	n, err := strconv.ParseInt(written, 10, 64)
	switch {
	case err == nil && 1 <= n && n <= most:
		return n
	case most == math.MaxInt64:
		p.invalid(name, "must be a whole number, 1 or greater")
	default:
		p.invalid(name, "must be a whole number from 1 to %d", most)
	}
	return byDefault
}

func (p *parameters) date(name string) time.Time {
	written := p.one(name)
	if written == "" {
		return time.Time{}
	}
	t, ok := parseDate(written)
	if !ok {
		p.invalid(name, "is not a date of ISO 8601: write 2026-02-01 or 2026-02-01T10:00:00Z")
	}
	return t
}

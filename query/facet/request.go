package facet

import (
	"net/http"
	"slices"
	"strconv"

	"daybook/pkg/apierror"
	"daybook/query/archived"
	"daybook/query/filter"
)

// Bounds of a request.
const (
	maxFields     = 20
	maxPaths      = 10 // of the payload, each of which reads the payloads once
	defaultValues = 10
	maxValues     = 1000
)

// defaultFields are those of a request that names none.
var defaultFields = []string{"eventType", "category", "severity", "source", "actorType"}

type request struct {
	filter *filter.Filter
	fields []filter.Valued
	limit  int // values of each field

	archive bool // with what is older than the retention
}

func (s *Service) parse(r *http.Request) (*request, error) {
	values, err := filter.Values(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	read := &request{}
	if read.filter, err = filter.ParseRequest(r.Context(), values, s.now(), "field", "limit", archived.Parameter); err != nil {
		return nil, err
	}
	if read.archive, err = archived.Asked(values); err != nil {
		return nil, err
	}
	names := values["field"]
	if len(names) == 0 {
		names = defaultFields
	}
	if len(names) > maxFields {
		return nil, apierror.Invalid("field", "is given %d times, at most %d are allowed", len(names), maxFields)
	}
	paths := 0
	for i, name := range names {
		f, ok := filter.ParseValued(name)
		switch {
		case !ok:
			return nil, apierror.Invalid("field", "%.200q is not a field of an event, nor payload.PATH", name)
		case slices.Contains(names[:i], name):
			return nil, apierror.Invalid("field", "%.200q is given twice", name)
		case f.Path != nil:
			paths++
		}
		read.fields = append(read.fields, f)
	}
	if paths > maxPaths {
		return nil, apierror.Invalid("field", "has %d fields of the payload, at most %d are allowed", paths, maxPaths)
	}
	read.limit, err = number(values, "limit", defaultValues, maxValues)
	return read, err
}

// number reads a parameter that is a whole number from 1 to most.
func number(values map[string][]string, name string, otherwise, most int) (int, error) {
	given := values[name]
	switch {
	case len(given) > 1:
		return 0, apierror.Invalid(name, "is given %d times, once is allowed", len(given))
	case len(given) == 0 || given[0] == "":
		return otherwise, nil
	}
	n, err := strconv.Atoi(given[0])
	if err != nil || n < 1 || n > most {
		return 0, apierror.Invalid(name, "must be a whole number from 1 to %d", most)
	}
	return n, nil
}

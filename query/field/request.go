package field

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"daybook/pkg/apierror"
	"daybook/query/filter"
)

// Bounds of a request.
const (
	defaultFields = 100
	defaultValues = 20
	maxLimit      = 1000
	maxTyped      = 256 // bytes of prefix and search
)

// request is what both calls take beside the filter.
type request struct {
	filter *filter.Filter
	typed  typed
	limit  int
}

// typed is what a name or a value must have in it, in any case.
type typed struct{ prefix, within string }

func (t typed) accepts(text string) bool {
	if t == (typed{}) {
		return true
	}
	folded := strings.ToLower(text)
	return strings.HasPrefix(folded, t.prefix) && strings.Contains(folded, t.within)
}

// parse reads what both calls take. others are the parameters that only one of
// them knows.
func (s *Service) parse(r *http.Request, defaultLimit int, others ...string) (*request, url.Values, error) {
	values, err := filter.Values(r.URL.RawQuery)
	if err != nil {
		return nil, nil, err
	}
	read := &request{limit: defaultLimit}
	var fault *apierror.Error
	if read.filter, err = filter.ParseRequest(r.Context(), values, s.now(), append(others, "prefix", "search", "limit")...); err != nil {
		fault = apierror.From(err)
		if fault.Kind != apierror.KindInvalid {
			return nil, nil, err
		}
	}
	for name, into := range map[string]*string{"prefix": &read.typed.prefix, "search": &read.typed.within} {
		text, textFault := one(values, name)
		switch {
		case textFault == nil && len(text) > maxTyped:
			textFault = apierror.Invalid(name, "has %d bytes, at most %d are read", len(text), maxTyped)
		case textFault == nil && !utf8.ValidString(text):
			textFault = apierror.Invalid(name, "is not valid UTF-8")
		}
		*into, fault = strings.ToLower(text), apierror.Join(fault, textFault)
	}
	text, limitFault := one(values, "limit")
	if limitFault == nil && text != "" {
		if read.limit, err = strconv.Atoi(text); err != nil || read.limit < 1 || read.limit > maxLimit {
			limitFault = apierror.Invalid("limit", "must be a whole number from 1 to %d", maxLimit)
		}
	}
	if fault = apierror.Join(fault, limitFault); fault != nil {
		return nil, nil, fault
	}
	return read, values, nil
}

// one returns the value of a parameter that is given once at most.
func one(values url.Values, name string) (string, *apierror.Error) {
	if n := len(values[name]); n > 1 {
		return "", apierror.Invalid(name, "is given %d times, once is allowed", n)
	}
	return values.Get(name), nil
}

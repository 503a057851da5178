package httpserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"daybook/pkg/apierror"
)

// limitBody refuses bodies beyond the route's bound: at once where the length
// is announced, else while they are read.
func limitBody(r Route) echo.MiddlewareFunc {
	limit := int64(r.MaxBody)
	if limit == 0 {
		limit = int64(DefaultMaxBody)
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			request := c.Request()
			if request.ContentLength > limit {
				return &http.MaxBytesError{Limit: limit}
			}
			if request.Body != nil {
				request.Body = http.MaxBytesReader(c.Response().Writer, request.Body, limit)
			}
			return next(c)
		}
	}
}

// DecodeJSON reads the request's body into to. It is strict: one JSON value,
// of the right types, without unknown members; faults name the field.
func DecodeJSON(r *http.Request, to any) error {
	if header := r.Header.Get(echo.HeaderContentType); header != "" {
		if media, _, err := mime.ParseMediaType(header); err != nil || media != echo.MIMEApplicationJSON {
			return &apierror.Error{
				Kind: apierror.KindUnsupportedMedia, Detail: "the body must be application/json",
				Fields: []apierror.Field{{Field: echo.HeaderContentType, Message: "must be application/json"}},
			}
		}
	}
	decoder := json.NewDecoder(r.Body)
	var value json.RawMessage
	if err := decoder.Decode(&value); err != nil {
		return jsonFault(err)
	}
	switch _, err := decoder.Token(); {
	case errors.As(err, new(*http.MaxBytesError)):
		return err
	case !errors.Is(err, io.EOF):
		return apierror.Invalid("body", "must be one JSON value, something follows it")
	}
	if at := invalidUTF8(value); at >= 0 {
		return apierror.InvalidAt("body", at, "is not valid UTF-8")
	}
	if string(value) == "null" { // encoding/json would take it for whatever is asked for.
		return apierror.Invalid("body", "must be a JSON object, not null")
	}
	decoder = json.NewDecoder(bytes.NewReader(value))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(to); err != nil {
		return jsonFault(err)
	}
	return nil
}

// invalidUTF8 returns where text stops to be UTF-8, and -1 where it doesn't.
func invalidUTF8(text []byte) int {
	if utf8.Valid(text) {
		return -1
	}
	at := 0
	for {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size <= 1 {
			return at
		}
		at += size
	}
}

// Parameters returns the parameters of the URL, which must be among the names
// and stand there once each. An empty one counts as not given.
func Parameters(r *http.Request, names ...string) (map[string]string, error) {
	given := map[string]string{}
	for pair := range strings.FieldsFuncSeq(r.URL.RawQuery, func(c rune) bool { return c == '&' }) {
		escaped, rest, _ := strings.Cut(pair, "=")
		name, nameErr := url.QueryUnescape(escaped)
		if nameErr != nil {
			name = escaped
		}
		shown := strings.ToValidUTF8(name, "\uFFFD")
		value, err := url.QueryUnescape(rest)
		switch _, twice := given[name]; {
		case !slices.Contains(names, name):
			return nil, apierror.Invalid(shown, "is not a parameter of this call, which takes %s", strings.Join(names, ", "))
		case err != nil:
			return nil, apierror.Invalid(shown, "can't be read: %v", err)
		case !utf8.ValidString(value):
			return nil, apierror.Invalid(shown, "is not valid UTF-8")
		case twice:
			return nil, apierror.Invalid(shown, "is given more than once")
		}
		given[name] = value
	}
	return given, nil
}

// PathValue returns a part of the path as the caller means it: Echo leaves it
// with its escapes where the path has any that matter.
func PathValue(c echo.Context, name string) string {
	value := c.Param(name)
	if c.Request().URL.RawPath != "" {
		if unescaped, err := url.PathUnescape(value); err == nil {
			return unescaped
		}
	}
	return value
}

// NoParameters refuses every parameter of the URL: a call that takes none
// ignores none.
func NoParameters(r *http.Request) error {
	var names []string
	for pair := range strings.FieldsFuncSeq(r.URL.RawQuery, func(c rune) bool { return c == '&' }) {
		name, _, _ := strings.Cut(pair, "=")
		if unescaped, err := url.QueryUnescape(name); err == nil {
			name = unescaped
		}
		names = append(names, strings.ToValidUTF8(name, "\uFFFD"))
	}
	slices.Sort(names)
	var fault *apierror.Error
	for _, name := range slices.Compact(names) {
		fault = apierror.Join(fault, apierror.Invalid(name, "is not a parameter: this call takes none"))
	}
	if fault == nil {
		return nil
	}
	return fault
}

func jsonFault(err error) error {
	var (
		tooLarge  *http.MaxBytesError
		syntax    *json.SyntaxError
		wrongType *json.UnmarshalTypeError
	)
	switch {
	case errors.As(err, &tooLarge):
		return err
	case errors.Is(err, io.EOF):
		return apierror.Invalid("body", "must not be empty")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return apierror.Invalid("body", "is JSON that ends too early")
	case errors.As(err, &syntax):
		return apierror.InvalidAt("body", int(syntax.Offset), "is not JSON: %s", syntax.Error())
	case errors.As(err, &wrongType):
		field := wrongType.Field
		if field == "" {
			field = "body"
		}
		return apierror.Invalid(field, "must be a JSON %s, not %s", jsonType(wrongType.Type.Kind().String()), wrongType.Value)
	}
	if quoted, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		if name, err := strconv.Unquote(quoted); err == nil {
			return apierror.Invalid(name, "is not known")
		}
	}
	fault := apierror.Invalid("body", "can't be read as JSON")
	fault.Cause = err
	return fault
}

func jsonType(kind string) string {
	switch {
	case kind == "struct", kind == "map":
		return "object"
	case kind == "slice", kind == "array":
		return "array"
	case kind == "bool":
		return "boolean"
	case strings.HasPrefix(kind, "int"), strings.HasPrefix(kind, "uint"), strings.HasPrefix(kind, "float"):
		return "number"
	default:
		return kind
	}
}

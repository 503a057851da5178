package httpserver

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

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
			return apierror.New(apierror.KindUnsupportedMedia, "the body must be application/json")
		}
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(to); err != nil {
		return jsonFault(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return apierror.Invalid("body", "must be one JSON value, something follows it")
	}
	return nil
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
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return apierror.Invalid(strings.Trim(name, `"`), "is not known")
	}
	return &apierror.Error{Kind: apierror.KindInvalid, Detail: "the body can't be read as JSON", Cause: err}
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

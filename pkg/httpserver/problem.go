package httpserver

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"
	"go.uber.org/zap"

	"daybook/pkg/apierror"
)

// problems answers an error as an RFC 9457 problem.
func problems(log *zap.Logger) echo.HTTPErrorHandler {
	return func(err error, c echo.Context) {
		if c.Response().Committed || clientLeft(c, err) {
			return // Nothing can be said any more: see abortIfCut.
		}
		e := problemOf(err)
		header := c.Response().Header()
		if seconds := e.RetrySeconds(); seconds > 0 {
			header.Set("Retry-After", strconv.Itoa(seconds))
		}
		if e.Kind == apierror.KindUnauthenticated {
			header.Set("WWW-Authenticate", `Bearer realm="daybook"`)
		}
		header.Set("Content-Type", apierror.ContentType)
		header.Set("Cache-Control", "no-store")
		c.Response().WriteHeader(e.Status())
		if c.Request().Method == http.MethodHead {
			return
		}
		if err := json.NewEncoder(c.Response()).Encode(e.Problem(RequestID(c))); err != nil {
			log.Debug("the problem could not be sent", zap.Error(err))
		}
	}
}

// problemOf maps what Echo and net/http return onto the API's own errors.
func problemOf(err error) *apierror.Error {
	if own, ok := errors.AsType[*apierror.Error](err); ok {
		return own
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		e := apierror.New(apierror.KindTooLarge, "the body has more than the %d bytes that this call takes", tooLarge.Limit)
		e.Fields = []apierror.Field{{Field: "body", Message: "has more than " + strconv.FormatInt(tooLarge.Limit, 10) + " bytes"}}
		return e
	}
	var fromEcho *echo.HTTPError
	if !errors.As(err, &fromEcho) {
		return apierror.From(err)
	}
	switch fromEcho.Code {
	case http.StatusNotFound:
		return apierror.New(apierror.KindNotFound, "the API has no such path")
	case http.StatusMethodNotAllowed:
		return apierror.New(apierror.KindMethodNotAllowed, "the path does not have this method")
	case http.StatusUnsupportedMediaType:
		return apierror.New(apierror.KindUnsupportedMedia, "the body's Content-Type is not understood")
	case http.StatusRequestEntityTooLarge:
		return apierror.New(apierror.KindTooLarge, "the body is too large")
	}
	if fromEcho.Code >= 400 && fromEcho.Code < 500 {
		return &apierror.Error{Kind: apierror.KindInvalid, Detail: "the request can't be read", Cause: err}
	}
	return apierror.From(err)
}

// clientLeft reports whether err is only that the caller is gone.
func clientLeft(c echo.Context, err error) bool {
	return err != nil && errors.Is(c.Request().Context().Err(), context.Canceled)
}

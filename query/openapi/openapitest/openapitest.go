// Package openapitest holds the exchanges of tests against the description of
// the API: what a server answers must be what the description says, and
// what it accepts too.
package openapitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	"github.com/pb33f/libopenapi-validator/errors"
	"github.com/stretchr/testify/require"

	"daybook/query/openapi"
)

// load makes the validator once: it compiles every schema.
var load = sync.OnceValues(func() (validator.Validator, error) {
	d, err := openapi.Load()
	if err != nil {
		return nil, err
	}
	document, err := libopenapi.NewDocument(d.JSON())
	if err != nil {
		return nil, err
	}
	v, faults := validator.NewValidator(document, config.WithFormatAssertions())
	if len(faults) > 0 {
		return nil, fmt.Errorf("%v", faults)
	}
	return v, nil
})

// Valid fails the test where the description itself is no OpenAPI 3.1.
func Valid(t testing.TB) {
	t.Helper()
	v, err := load()
	require.NoError(t, err)
	ok, faults := v.ValidateDocument()
	require.True(t, ok, explain(faults))
}

// Check fails the test where an exchange is not as described. A request is
// held to the description where the server has accepted it. Bodies are given
// apart, as those of the messages have been read.
func Check(t testing.TB, request *http.Request, sent []byte, answer *http.Response, received []byte) {
	t.Helper()
	v, err := load()
	require.NoError(t, err)
	about := request.Method + " " + request.URL.RequestURI()
	asked := request.Clone(request.Context())
	asked.Body = io.NopCloser(bytes.NewReader(sent))
	if answer.StatusCode < 400 {
		ok, faults := v.ValidateHttpRequest(asked)
		require.True(t, ok, "%s was accepted: %s", about, explain(faults))
		asked.Body = io.NopCloser(bytes.NewReader(sent))
	}
	got := *answer
	if got.Header.Get("Content-Type") == "application/x-ndjson" {
		for line := range bytes.Lines(received) {
			checkEvent(t, request, answer, line)
		}
		// The validator takes the whole of it for one document.
		quoted, err := json.Marshal(string(received))
		require.NoError(t, err)
		received = quoted
	}
	got.Body = io.NopCloser(bytes.NewReader(received))
	ok, faults := v.ValidateHttpResponse(asked, &got)
	require.True(t, ok, "the answer %d to %s: %s\n%s", answer.StatusCode, about, explain(faults), received)
}

// checkEvent holds a line of an answer to what a single event is.
func checkEvent(t testing.TB, request *http.Request, answer *http.Response, line []byte) {
	t.Helper()
	one := request.Clone(request.Context())
	one.URL.Path, one.URL.RawPath, one.URL.RawQuery = "/api/v1/events/id", "", ""
	got := *answer
	got.Header = http.Header{"Content-Type": {"application/json"}}
	Check(t, one, nil, &got, line)
}

func explain(faults []*errors.ValidationError) string {
	var out strings.Builder
	for _, f := range faults {
		fmt.Fprintf(&out, "%s: %s", f.Message, f.Reason)
		for _, s := range f.SchemaValidationErrors {
			fmt.Fprintf(&out, " [%s: %s]", s.FieldPath, s.Reason)
		}
		out.WriteString("; ")
	}
	return out.String()
}

package openapitest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// CheckHostile returns what is wrong with the answer to a hostile request: it
// must be as described and have the status that was expected; where the request was refused as
// invalid, the problem names the part.
func CheckHostile(t testing.TB, h Hostile, request *http.Request, answer *http.Response, received []byte) error {
	t.Helper()
	status := answer.StatusCode
	if status < 400 {
		if h.Status != 0 {
			return fmt.Errorf("must be refused with %d", h.Status)
		}
		return nil
	}
	if status >= 500 {
		return fmt.Errorf("is a failure: %.500s", received)
	}
	var told struct {
		Status int
		Errors []struct{ Field, Message string }
	}
	if err := json.Unmarshal(received, &told); err != nil {
		return fmt.Errorf("is no problem: %w: %.500s", err, received)
	}
	if h.Value != "" || status != http.StatusNotFound { // Without a part of it, the path is none of those described.
		Check(t, request, nil, answer, received)
	}
	var fields []string
	for _, e := range told.Errors {
		fields = append(fields, e.Field)
	}
	switch {
	case told.Status != status:
		return fmt.Errorf("says %d: %s", told.Status, received)
	case h.Status != 0 && status != h.Status:
		return fmt.Errorf("must have %d: %.500s", h.Status, received)
	case status == http.StatusBadRequest && !slices.ContainsFunc(fields, func(field string) bool { return names(field, h.Part) }):
		return fmt.Errorf("does not name the part: %.500s", received)
	}
	return nil
}

// names reports whether the field of an error is the part of a request, is the whole it is in (0 for the first event of a body), is in
// it, or is what it must agree with.
func names(field, part string) bool {
	switch {
	case part == "to" && field == "from", part == "end_date" && field == "start_date", part == "filter" && field == "from": // A range is told by its beginning.
		return true
	case part == "X-Tenant-Id" && field == "tenantId": // Either can name the tenant of a new key.
		return true
	case part == "groupBy" && field == "top", part == "metrics" && field == "top":
		return true
	}
	return field == "body" || field == "0" || field == `""` || strings.Contains(field, part)
}

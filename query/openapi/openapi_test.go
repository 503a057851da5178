package openapi_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"daybook/pkg/auth"
	"daybook/pkg/event"
	"daybook/query/export"
	"daybook/query/filter"
	"daybook/query/openapi"
	"daybook/query/openapi/openapitest"
)

func TestDocument_IsOpenAPI(t *testing.T) { openapitest.Valid(t) }

// named returns the enum of a schema, or the names of parameters.
func described(t *testing.T, names ...string) any {
	t.Helper()
	d, err := openapi.Load()
	require.NoError(t, err)
	var at any
	require.NoError(t, json.Unmarshal(d.JSON(), &at))
	for _, name := range names {
		object, ok := at.(map[string]any)
		require.True(t, ok, "%v", names)
		at = object[name]
	}
	return at
}

func TestDocument_Lists(t *testing.T) {
	list := func(values any) (out []string) {
		for _, v := range values.([]any) {
			out = append(out, v.(string))
		}
		return out
	}
	require.Equal(t, event.CategoryNames[:], list(described(t, "components", "schemas", "Category", "enum")))
	var severities, scopes []string
	for _, s := range event.Severities {
		severities = append(severities, s.String())
	}
	for _, s := range auth.Scopes {
		scopes = append(scopes, string(s))
	}
	require.Equal(t, severities, list(described(t, "components", "schemas", "Severity", "enum")))
	require.Equal(t, scopes, list(described(t, "components", "schemas", "Scope", "enum")))
	raw, err := json.Marshal(described(t, "paths", "/api/v1/events/export"))
	require.NoError(t, err)
	for _, name := range []string{export.ViewHeader, export.CursorTrailer, export.RowsTrailer, export.SumTrailer} {
		require.Contains(t, string(raw), name)
	}
	parameters := described(t, "components", "parameters").(map[string]any)
	described := map[string]bool{}
	for _, p := range parameters {
		described[p.(map[string]any)["name"].(string)] = true
	}
	for _, f := range filter.Fields {
		require.True(t, described[f.Name], f.Name)
	}
}

// What the source says in short is written out.
func TestDocument_NoMarksLeft(t *testing.T) {
	d, err := openapi.Load()
	require.NoError(t, err)
	require.NotContains(t, string(d.JSON()), "x-filter")
	require.GreaterOrEqual(t, strings.Count(string(d.JSON()), "#/components/parameters/FieldActorId"), 4)
}

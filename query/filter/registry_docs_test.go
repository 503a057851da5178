package filter_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"daybook/query/filter"
	"daybook/query/openapi"
)

// The description of the API has every parameter of a filter, every field and
// every form of q, and no parameter that filters refuse.
func TestRegistry_IsDescribed(t *testing.T) {
	d, err := openapi.Load()
	require.NoError(t, err)
	var document struct {
		Tags  []struct{ Name, Description string }
		Paths map[string]map[string]struct {
			Parameters []struct {
				Ref string `json:"$ref"`
			}
		}
		Components struct {
			Parameters map[string]struct{ Name, Description string }
		}
	}
	require.NoError(t, json.Unmarshal(d.JSON(), &document))
	described := map[string]bool{}
	for _, p := range document.Paths["/api/v1/events/histogram"]["get"].Parameters {
		if p.Ref != "" && p.Ref != "#/components/parameters/Include" { // Not of the filter: streams and presets don't have it.
			parameter := document.Components.Parameters[p.Ref[len("#/components/parameters/"):]]
			require.NotEmpty(t, parameter.Description, parameter.Name)
			described[parameter.Name] = true
		}
	}
	wants := append([]string{"X-Tenant-Id", "attributes"}, filter.Parameters...)
	var grammar string
	for _, tag := range document.Tags {
		if tag.Name == "filter" {
			grammar = tag.Description
		}
	}
	for _, f := range filter.Fields {
		wants = append(wants, f.Name)
		require.Contains(t, grammar, "`"+f.Name+"`", "the grammar does not name the field")
		if f.Short != "" {
			require.Contains(t, grammar, "`"+f.Short+"`", "the grammar does not name the field's second name")
		}
	}
	for _, form := range filter.Forms {
		require.Contains(t, grammar, "- `"+form.Write+"`: ")
	}
	for _, name := range wants {
		require.True(t, described[name], "%s is not described", name)
	}
	require.Len(t, described, len(wants), "what is described and unknown: %v", described)
}

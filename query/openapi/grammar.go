package openapi

import (
	"fmt"
	"strings"

	"daybook/query/filter"
)

// grammar describes in Markdown what q takes: its forms and its fields, as the
// filter lists them, so that neither can be forgotten here.
func grammar() string {
	var out strings.Builder
	for _, f := range filter.Forms {
		fmt.Fprintf(&out, "- `%s`: %s\n", f.Write, f.Finds)
	}
	out.WriteString("\nFields:")
	for _, f := range filter.Fields {
		fmt.Fprintf(&out, " `%s`", f.Name)
		if f.Short != "" {
			fmt.Fprintf(&out, " (or `%s`)", f.Short)
		}
		out.WriteString(",")
	}
	out.WriteString(" `severity`, `createdAt` (or `time`) and `payload.PATH` (or `attr.PATH`).")
	return out.String()
}

package querytest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Golden is statements that a file of the package's testdata holds, with their
// arguments. Columns, where it is set, is written as COLUMNS in them.
type Golden struct {
	Columns string
	text    strings.Builder
}

// Add adds a statement, such as a *filter.Builder, and further lines about it.
func (g *Golden) Add(title string, of interface{ Statement() (string, []any) }, lines ...string) {
	statement, args := of.Statement()
	if g.Columns != "" {
		statement = strings.ReplaceAll(statement, g.Columns, "COLUMNS")
	}
	fmt.Fprintf(&g.text, "%s\n  %s\n", title, statement)
	for _, a := range args {
		named := a.(driver.NamedValue)
		fmt.Fprintf(&g.text, "  %s = %#v\n", named.Name, named.Value)
	}
	for _, line := range lines {
		fmt.Fprintf(&g.text, "  %s\n", line)
	}
	g.text.WriteString("\n")
}

// Check compares with the file, or writes it where the flag -update is set.
func (g *Golden) Check(t *testing.T, name string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o750))
		require.NoError(t, os.WriteFile(file, []byte(g.text.String()), 0o600))
	}
	want, err := os.ReadFile(file) //nolint:gosec // A test names it.
	require.NoError(t, err)
	require.Equal(t, string(want), g.text.String(), "go test -update writes it anew")
}

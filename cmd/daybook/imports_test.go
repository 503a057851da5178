package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "daybook/"

// rules say what a package of ours may import of ours. The first whose folder
// the package is in counts.
var rules = []struct {
	folder string // of the importing package
	may    []string
	but    []string // exceptions to may
}{
	// Leaves: everything may import them, so they import nothing of ours.
	{folder: "pkg/tenant"},
	{folder: "pkg/apierror"},
	{folder: "pkg/bytesize"},
	{folder: "pkg/event", may: []string{"pkg/bytesize"}},
	// pkg/config composes what every package declares; only cmd imports it.
	{folder: "pkg/config", may: []string{"pkg", "ingest", "query", "schema"}, but: []string{"pkg/embedded"}},
	{folder: "pkg", may: []string{"pkg"}, but: []string{"pkg/config", "pkg/embedded"}},
	{folder: "schema", may: []string{"pkg"}, but: []string{"pkg/config", "pkg/embedded"}},
	{folder: "ingest", may: []string{"ingest", "schema", "pkg"}, but: []string{"pkg/config", "pkg/embedded"}},
	{folder: "query", may: []string{"query", "schema", "pkg"}, but: []string{"pkg/config", "pkg/embedded"}},
	{folder: "cmd", may: []string{"cmd", "ingest", "query", "schema", "pkg"}},
}

// forTests reports whether a package only serves tests, which may import
// anything but commands: pkg/kafka/kafkatest, pkg/netfault, pkg/embedded/enginechild.
func forTests(path string) bool {
	return strings.HasSuffix(path, "test") || path == "pkg/netfault" || path == "pkg/embedded/enginechild"
}

func within(path string, folders []string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool {
		return path == folder || strings.HasPrefix(path, folder+"/")
	})
}

// violation says why a package must not import another, "" where it may.
func violation(from, to string) string {
	if forTests(from) {
		if within(to, []string{"cmd"}) {
			return "nothing imports commands"
		}
		return ""
	}
	if forTests(to) {
		return "only tests import " + to
	}
	for _, r := range rules {
		if !within(from, []string{r.folder}) {
			continue
		}
		if within(to, []string{from}) || within(to, r.may) && (!within(to, r.but) || within(from, r.but)) {
			return ""
		}
		return r.folder + " may import " + strings.Join(r.may, ", ") + " but not " + strings.Join(r.but, ", ")
	}
	return "no rule: a new folder at the top needs one in imports_test.go"
}

// TestImports holds the direction of imports (CONTRIBUTING.md): cmd → ingest,
// query → schema, pkg; ingest and query never meet.
func TestImports(t *testing.T) {
	list := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"...")
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		packages := strings.Fields(line)
		for _, imported := range packages[1:] {
			from, _ := strings.CutPrefix(packages[0], module)
			to, ours := strings.CutPrefix(imported, module)
			if !ours {
				continue
			}
			seen++
			if why := violation(from, to); why != "" {
				t.Errorf("%s imports %s: %s", from, to, why)
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d imports between our packages were seen", seen)
	}
}

func TestImports_TheRulesRefuse(t *testing.T) {
	for _, c := range []struct {
		from, to string
		ok       bool
	}{
		{"ingest", "query/filter", false},
		{"query/stream", "ingest", false},
		{"pkg/kafka", "schema", false},
		{"pkg/event", "pkg/auth", false},
		{"schema", "ingest", false},
		{"query/search", "pkg/embedded", false},
		{"query/search", "pkg/config", false},
		{"query/search", "pkg/clickhouse/clickhousetest", false},
		{"pkg/kafka", "pkg/netfault", false},
		{"newfolder", "pkg/event", false},
		{"cmd/daybook", "pkg/embedded", true},
		{"query/search", "query/filter", true},
		{"ingest/archive", "ingest", true},
		{"pkg/clickhouse/clickhousetest", "pkg/embedded", true},
		{"pkg/config", "query/stream", true},
	} {
		if why := violation(c.from, c.to); (why == "") != c.ok {
			t.Errorf("%s imports %s: %q", c.from, c.to, why)
		}
	}
}

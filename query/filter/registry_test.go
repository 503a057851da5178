package filter

import (
	"go/ast"
	goparser "go/parser"
	gotoken "go/token"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// kinds returns the names of the types of this package that have a method: the
// kinds of nodes have narrowedBy, what a payload field is asked for has places and needle.
func kinds(t *testing.T, method string) []string {
	t.Helper()
	var names []string
	files, err := os.ReadDir(".")
	require.NoError(t, err)
	for _, entry := range files {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file, err := goparser.ParseFile(gotoken.NewFileSet(), entry.Name(), nil, goparser.SkipObjectResolution)
		require.NoError(t, err)
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil && f.Name.Name == method {
				names = append(names, f.Recv.List[0].Type.(*ast.Ident).Name)
			}
		}
	}
	require.NotEmpty(t, names)
	slices.Sort(names)
	return names
}

// kindsIn returns the names of the types that filters consist of.
func kindsIn(t *testing.T, queries []string) []string {
	t.Helper()
	found := map[string]bool{}
	var look func(n Node)
	look = func(n Node) {
		found[reflect.TypeOf(n).Name()] = true
		switch n := n.(type) {
		case And:
			for _, c := range n {
				look(c)
			}
		case Or:
			for _, c := range n {
				look(c)
			}
		case Not:
			look(n.Node)
		case payload:
			found[reflect.TypeOf(n.wants).Name()] = true
		}
	}
	for _, query := range queries {
		// Of the seeds, some are faulty.
		if f, err := ParseRequest(asking(t), parameters(t, query), now); err == nil && f.Root != nil {
			look(f.Root)
		}
	}
	var names []string
	for name := range found {
		names = append(names, name)
	}
	return names
}

// Whatever a filter can say has its SQL in the golden file, is a seed of the fuzz
// targets, and is among the forms that the reference shows.
func TestRegistry(t *testing.T) {
	forms := make([]string, len(Forms))
	for i, f := range Forms {
		forms[i] = "q=" + escaped(f.Write)
	}
	for _, list := range []struct {
		name    string
		queries []string
	}{{"golden", golden}, {"fuzzSeeds", fuzzSeeds()}, {"Forms", forms}} {
		in := kindsIn(t, list.queries)
		for _, kind := range append(kinds(t, "narrowedBy"), kinds(t, "places")...) {
			if kind != "pattern" { // It is part of others.
				require.Contains(t, in, kind, "no filter in %s has one", list.name)
			}
		}
	}
	for _, list := range []struct {
		name    string
		queries []string
	}{{"golden", golden}, {"fuzzSeeds", fuzzSeeds()}} {
		named := map[string]bool{}
		var q strings.Builder
		for _, query := range list.queries {
			for name, values := range parameters(t, query) {
				name, _, _ = strings.Cut(name, ".")
				named[name] = true
				if name == "q" {
					q.WriteString(" " + values[0])
				}
			}
		}
		names := append(slices.Clone(Parameters), "attr")
		for _, f := range Fields {
			names = append(names, f.Name)
			for _, inQ := range []string{f.Name, f.Short} {
				require.True(t, inQ == "" || strings.Contains(q.String(), inQ+":"), "no filter in %s has %s: in q", list.name, inQ)
			}
		}
		for _, name := range names {
			require.True(t, named[name], "no filter in %s has the parameter %s", list.name, name)
		}
		for _, form := range Forms {
			require.Contains(t, list.queries, "q="+escaped(form.Write), "%s lacks a form", list.name)
		}
	}
}

// What the forms say of themselves is so.
func TestForms(t *testing.T) {
	for form, wants := range map[string][2]bool{ // For sampleEvents.
		`usd`: {true, false}, `"203.0.113.9"`: {false, true}, `actorId:billing-pipeline`: {true, false}, `source:""`: {false, true}, `actor:@me`: {false, false},
		`time:2026-04-17T14:32:01Z`: {true, false}, `createdAt:2026-04-16..2026-04-17T14:32:01Z`: {true, true}, `severity:<ERROR`: {true, false},
		`attr.amount:450`: {true, false}, `payload.amount:<=450.0`: {true, false}, `payload.amount:449.5..`: {true, false}, `payload.customer.a\.b:x`: {true, false},
		`usd NOT visa`: {true, false}, `usd -(visa OR cash)`: {true, false}, `payload.customer.id:cust_*`: {true, false}, `payload.customer.nosuch:*`: {false, false},
	} {
		f, err := ParseRequest(asking(t), parameters(t, "q="+escaped(form)), now)
		require.NoError(t, err, form)
		for i, e := range sampleEvents {
			require.Equal(t, wants[i], f.Match(e), "%s on %s", form, e.EventID)
		}
	}
}

package openapi

import (
	_ "embed" // The document is part of the program.
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"daybook/query/filter"
)

//go:embed openapi.yaml
var source []byte

// filterMark is what stands in the source at calls that filter and at the
// parameters that these take, so that a filter is described once.
const filterMark = "x-filter"

// Document is the description of the API.
type Document struct {
	root object
	json []byte
}

// Load reads the description that the program contains.
func Load() (*Document, error) {
	var node yaml.Node
	if err := yaml.Unmarshal(source, &node); err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	tree, err := treeOf(&node)
	if err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	d := &Document{root: tree.(object)}
	d.describeFilter()
	d.describeSessions()
	if d.json, err = json.MarshalIndent(d.root, "", "  "); err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	return d, nil
}

// JSON returns the document as it is served.
func (d *Document) JSON() []byte { return d.json }

// describeFilter adds a parameter for each field that filters know, the grammar of q,
// and all parameters of the filter to each call that takes it.
func (d *Document) describeFilter() {
	components := d.root.at("components")
	parameters := components.at("parameters")
	for _, f := range filter.Fields {
		parameters = append(parameters, member{"Field" + strings.ToUpper(f.Name[:1]) + f.Name[1:], object{
			{"name", f.Name},
			{"in", "query"},
			{filterMark, true},
			{"description", "One of the values; `*` stands for any text. May be repeated."},
			{"schema", object{{"type", "array"}, {"items", object{{"type", "string"}}}}},
			{"example", []any{f.Example}},
		}})
	}
	var shared []any
	for i, m := range parameters {
		o := m.value.(object)
		if o.isTrue(filterMark) {
			shared = append(shared, object{{"$ref", "#/components/parameters/" + m.name}})
			parameters[i].value = o.without(filterMark)
		}
	}
	for _, tag := range d.root.list("tags") {
		if t := tag.(object); t.text("name") == "filter" {
			t.with("description", t.text("description")+"\n"+grammar())
		}
	}
	d.root = d.root.with("components", components.with("parameters", parameters))
	tenant := object{{"$ref", "#/components/parameters/Tenant"}}
	for _, path := range d.root.at("paths") {
		operations := path.value.(object)
		for i, operation := range operations {
			o := operation.value.(object)
			if o.isTrue(filterMark) {
				all := append(append([]any{tenant}, shared...), o.list("parameters")...)
				operations[i].value = o.without(filterMark).with("parameters", all)
			}
		}
	}
}

// describeSessions says of each call that takes a key that it takes a browser's
// session as well, with the same scopes.
func (d *Document) describeSessions() {
	either := func(o object) object {
		list := o.list("security")
		if len(list) == 0 {
			return o
		}
		key := list[0].(object)
		return o.with("security", []any{key, object{{"session", key.get("key")}}})
	}
	d.root = either(d.root)
	for _, path := range d.root.at("paths") {
		operations := path.value.(object)
		for i, operation := range operations {
			operations[i].value = either(operation.value.(object))
		}
	}
}

// Operation is one call, as far as a server needs to agree with it.
type Operation struct {
	Method string
	Path   string // with {name} for what varies
	Scope  string // that it needs; empty: none, the call is public or sees for itself who calls
}

// Operations returns the calls in the order of the document.
func (d *Document) Operations() (all []Operation) {
	for _, path := range d.root.at("paths") {
		for _, operation := range path.value.(object) {
			o := Operation{Method: strings.ToUpper(operation.name), Path: path.name}
			for _, requirement := range operation.value.(object).list("security") {
				for _, scope := range requirement.(object).list("key") {
					o.Scope, _ = scope.(string)
				}
			}
			all = append(all, o)
		}
	}
	return all
}

// resolve follows a reference within the document.
func (d *Document) resolve(o object) object {
	for ref := o.text("$ref"); ref != ""; ref = o.text("$ref") {
		o = d.root.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
	}
	return o
}

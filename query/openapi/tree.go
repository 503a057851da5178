package openapi

import (
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	name  string
	value any // object, []any, string, bool, int, float64 or nil
}

// get returns the value of a member, or nil.
func (o object) get(name string) any {
	for _, m := range o {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// at returns the object behind a path of names; nil where there is none.
func (o object) at(names ...string) object {
	for _, name := range names {
		o, _ = o.get(name).(object)
	}
	return o
}

func (o object) text(name string) string {
	text, _ := o.get(name).(string)
	return text
}

func (o object) list(name string) []any {
	list, _ := o.get(name).([]any)
	return list
}

func (o object) isTrue(name string) bool { return o.get(name) == true }

// with returns the object with a member that is new or replaced.
func (o object) with(name string, value any) object {
	for i, m := range o {
		if m.name == name {
			o[i].value = value
			return o
		}
	}
	return append(o, member{name, value})
}

// without returns the object without a member.
func (o object) without(name string) object {
	for i, m := range o {
		if m.name == name {
			return append(o[:i:i], o[i+1:]...)
		}
	}
	return o
}

// MarshalJSON keeps the order.
func (o object) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			out = append(out, ',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, name...), ':'), value...)
	}
	return append(out, '}'), nil
}

// treeOf reads YAML.
func treeOf(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.DocumentNode:
		return treeOf(n.Content[0])
	case yaml.MappingNode:
		o := make(object, 0, len(n.Content)/2)
		for i := 0; i < len(n.Content); i += 2 {
			value, err := treeOf(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			o = append(o, member{n.Content[i].Value, value})
		}
		return o, nil
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, element := range n.Content {
			var err error
			if list[i], err = treeOf(element); err != nil {
				return nil, err
			}
		}
		return list, nil
	case yaml.ScalarNode:
		var value any
		if n.Tag == "!!timestamp" {
			return n.Value, nil
		}
		err := n.Decode(&value)
		return value, err
	default:
		return nil, fmt.Errorf("line %d: YAML that has no JSON", n.Line)
	}
}

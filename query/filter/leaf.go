package filter

import (
	"strings"

	"daybook/pkg/apierror"
)

// builder makes the leaf of a field from the values given for it, of which one
// must hold.
type builder func(values []value, in reading) (Node, *apierror.Error)

// leafOf returns what builds the leaf of a field by its name in q, in any case,
// payload.PATH included.
func leafOf(name string) (builder, bool) {
	for _, f := range Fields {
		if strings.EqualFold(name, f.Name) || f.Short != "" && strings.EqualFold(name, f.Short) {
			return headerBuilder(f), true
		}
	}
	switch {
	case strings.EqualFold(name, "severity"):
		return func(values []value, _ reading) (Node, *apierror.Error) {
			var set severity
			for _, v := range values {
				one, err := parseSeverity(v)
				if err != nil {
					return nil, err
				}
				set |= one.(severity)
			}
			return set, nil
		}, true
	case strings.EqualFold(name, "createdAt") || strings.EqualFold(name, "time"):
		return eitherOf(func(v value, in reading) (Node, *apierror.Error) { return parseCreatedAt(v, in.Clock) }), true
	}
	for _, prefix := range []string{PayloadPrefix, "attr."} {
		if len(name) > len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) {
			path, ok := ParsePath(name[len(prefix):])
			return eitherOf(func(v value, _ reading) (Node, *apierror.Error) { return parsePayload(path, v) }), ok
		}
	}
	return nil, false
}

func eitherOf(parse func(value, reading) (Node, *apierror.Error)) builder {
	return func(values []value, in reading) (Node, *apierror.Error) {
		nodes := make([]Node, len(values))
		for i, v := range values {
			var err *apierror.Error
			if nodes[i], err = parse(v, in); err != nil {
				return nil, err
			}
		}
		return either(nodes...), nil
	}
}

func headerBuilder(f *Field) builder {
	return func(values []value, in reading) (Node, *apierror.Error) {
		patterns := make([]pattern, len(values))
		for i, v := range values {
			if v.operator != equal {
				return nil, v.invalid("%s is not a number: it takes a value, a pattern like %s or *; a value that begins with %s goes in quotes", f.Name, f.Example, v.operator)
			}
			v, err := in.resolve(f, v)
			if err != nil {
				return nil, err
			}
			if patterns[i], err = v.pattern(); err != nil {
				return nil, err
			}
		}
		return newHeader(f, patterns), nil
	}
}

func fieldNames() string {
	names := make([]string, 0, len(Fields)+3)
	for _, f := range Fields {
		names = append(names, f.Name)
	}
	return strings.Join(append(names, "severity", "createdAt"), ", ") + " and payload.PATH"
}

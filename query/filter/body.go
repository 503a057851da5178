package filter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"time"

	"daybook/pkg/apierror"
)

// ParseObject reads a filter from a JSON object with the names of the query
// parameters: {"q": "…", "eventType": ["login.*"], "attr.amount": ">100"}. Values are
// strings, numbers, booleans, or arrays of them. Faults are named as members of
// the object at field. defaults are parameters for what the object leaves out.
func ParseObject(object json.RawMessage, field string, now time.Time, defaults url.Values) (*Filter, error) {
	return parseObject(context.Background(), Asker{}, object, field, now, defaults)
}

// NormalizeObject returns an object of query parameters with its members in order
// and each of them once, for those that keep one. It may have so many bytes.
func NormalizeObject(object json.RawMessage, most int, example string) (json.RawMessage, error) {
	if len(object) > most {
		return nil, apierror.Invalid("filter", "has at most %d bytes, this one has %d", most, len(object))
	}
	var members map[string]any
	decoder := json.NewDecoder(bytes.NewReader(object))
	decoder.UseNumber()
	if err := decoder.Decode(&members); err != nil || members == nil {
		return nil, apierror.Invalid("filter", "must be an object with the names of the query parameters, like %s", example)
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(members); err != nil {
		return nil, apierror.From(err)
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

func parseObject(ctx context.Context, asker Asker, object json.RawMessage, field string, now time.Time, defaults url.Values) (*Filter, error) {
	values := url.Values{}
	if len(bytes.TrimSpace(object)) > 0 && string(bytes.TrimSpace(object)) != "null" {
		if err := readObject(object, field, values); err != nil {
			return nil, err
		}
	}
	for name, given := range defaults {
		if _, ok := values[name]; !ok {
			values[name] = given
		}
	}
	f, err := parse(ctx, asker, values, now, nil)
	if err != nil {
		if invalid, ok := errors.AsType[*apierror.Error](err); ok {
			for i := range invalid.Fields {
				if _, isDefault := defaults[invalid.Fields[i].Field]; !isDefault {
					invalid.Fields[i].Field = field + "." + invalid.Fields[i].Field
				}
			}
		}
		return nil, err
	}
	return f, nil
}

func readObject(object json.RawMessage, field string, values url.Values) error {
	var members map[string]any
	d := json.NewDecoder(bytes.NewReader(object))
	d.UseNumber()
	if err := d.Decode(&members); err != nil {
		return apierror.Invalid(field, "must be an object with the names of the query parameters")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return apierror.Invalid(field, "must be one object")
	}
	for name, member := range members {
		list, ok := member.([]any)
		if !ok {
			list = []any{member}
		}
		for _, element := range list {
			text, ok := scalar(element)
			if !ok {
				return apierror.Invalid(field+"."+name, "must be a string, a number, a boolean, or an array of those")
			}
			if element != nil {
				values.Add(name, text)
			}
		}
	}
	return nil
}

func scalar(element any) (string, bool) {
	switch element := element.(type) {
	case nil:
		return "", true
	case string:
		return element, true
	case json.Number:
		return element.String(), true
	case bool:
		if element {
			return "true", true
		}
		return "false", true
	default:
		return "", false
	}
}

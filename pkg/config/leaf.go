package config

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"go.yaml.in/yaml/v3"
)

// leaf is one setting: a place in the configuration that holds a value
// rather than further settings.
type leaf struct {
	key   string // http.tls.cert
	value reflect.Value
}

// env returns the name of the environment variable that sets the leaf.
func (l leaf) env() string { return envName(l.key) }

func envName(key string) string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// leaves lists every setting of c, each with the place in c that holds it.
func leaves(c *Config) []leaf {
	return appendLeaves(nil, "", reflect.ValueOf(c).Elem())
}

func appendLeaves(to []leaf, prefix string, section reflect.Value) []leaf {
	for i := range section.NumField() {
		name, _, _ := strings.Cut(section.Type().Field(i).Tag.Get("mapstructure"), ",")
		if name == "" || name == "-" {
			continue // Not a setting: filled in by code.
		}
		key, value := prefix+name, section.Field(i)
		if value.Kind() == reflect.Struct && !isText(value) {
			to = appendLeaves(to, key+".", value)
			continue
		}
		to = append(to, leaf{key: key, value: value})
	}
	return to
}

func isText(v reflect.Value) bool {
	_, ok := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr())
	return ok
}

// set stores what a file or the environment says. On an error the leaf keeps
// its value.
func (l leaf) set(raw any) error {
	decoded, err := decode(l.value, raw)
	if err != nil {
		return fmt.Errorf("%s: %w", l.key, err)
	}
	l.value.Set(decoded)
	return nil
}

var durationType = reflect.TypeFor[time.Duration]()

// decode reads raw as a value of target's type. It is stricter than
// mapstructure's weak decoding: 8.5 is no number of partitions, 012 no
// password, and 10 no duration.
func decode(target reflect.Value, raw any) (reflect.Value, error) {
	t := target.Type()
	out := reflect.New(t)
	switch {
	case t == durationType:
		d, err := decodeDuration(raw)
		return reflect.ValueOf(d), err
	case isText(target):
		switch raw.(type) {
		case string, int, int64, uint64:
		default:
			return out.Elem(), fmt.Errorf("%v is not text", raw)
		}
		err := out.Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(fmt.Sprint(raw)))
		return out.Elem(), err
	case t.Kind() == reflect.String:
		s, ok := raw.(string)
		if !ok {
			return out.Elem(), fmt.Errorf("%v is not text: put it in quotes", raw)
		}
		return reflect.ValueOf(s).Convert(t), nil
	case t.Kind() == reflect.Bool:
		b, err := strconv.ParseBool(strings.TrimSpace(fmt.Sprint(raw)))
		if err != nil {
			return out.Elem(), fmt.Errorf("%q is not true or false", fmt.Sprint(raw))
		}
		return reflect.ValueOf(b).Convert(t), nil
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Int64:
		n, err := strconv.ParseInt(strings.TrimSpace(fmt.Sprint(raw)), 10, t.Bits())
		if errors.Is(err, strconv.ErrRange) {
			return out.Elem(), fmt.Errorf("%v is too large", raw)
		}
		if err != nil {
			return out.Elem(), fmt.Errorf("%q is not a whole number", fmt.Sprint(raw))
		}
		return reflect.ValueOf(n).Convert(t), nil
	case t.Kind() == reflect.Float64:
		f, err := strconv.ParseFloat(strings.TrimSpace(fmt.Sprint(raw)), 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return out.Elem(), fmt.Errorf("%q is not a number", fmt.Sprint(raw))
		}
		return reflect.ValueOf(f).Convert(t), nil
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.String:
		list, err := decodeList(raw)
		return reflect.ValueOf(list), err
	default:
		return out.Elem(), decodeOther(out.Interface(), raw)
	}
}

func decodeDuration(raw any) (time.Duration, error) {
	text := strings.TrimSpace(fmt.Sprint(raw))
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration: write a number and ms, s, m or h, like 10s", text)
	}
	return d, nil
}

// decodeList reads a list of texts, or one text with commas between them as
// the environment has it.
func decodeList(raw any) ([]string, error) {
	var list []string
	switch raw := raw.(type) {
	case string:
		for part := range strings.SplitSeq(raw, ",") {
			if part = strings.TrimSpace(part); part != "" {
				list = append(list, part)
			}
		}
	case []any:
		for _, item := range raw {
			text, ok := item.(string)
			if !ok {
				return nil, fmt.Errorf("%v in the list is not text: put it in quotes", item)
			}
			list = append(list, text)
		}
	default:
		return nil, fmt.Errorf("%v is not a list", raw)
	}
	return list, nil
}

// decodeOther reads maps and lists of structs. In the environment a map of
// texts is written as name=value,name=value, and a list as it is in the file:
// [{tenant: acme, days: 730}].
func decodeOther(target, raw any) error {
	text, isText := raw.(string)
	switch {
	case isText && reflect.TypeOf(target).Elem().Kind() == reflect.Slice:
		var list []any
		if err := yaml.Unmarshal([]byte(text), &list); err != nil {
			return fmt.Errorf("%q is not a list like [{tenant: acme, …}]", text)
		}
		raw = list
	case isText:
		pairs := map[string]any{}
		for part := range strings.SplitSeq(text, ",") {
			if strings.TrimSpace(part) == "" {
				continue
			}
			name, value, ok := strings.Cut(part, "=")
			if !ok {
				return fmt.Errorf("%q is not name=value", strings.TrimSpace(part))
			}
			pairs[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
		raw = pairs
	}
	decoder, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
		Result: target, ErrorUnused: true,
		DecodeHook: mapstructure.ComposeDecodeHookFunc(
			mapstructure.StringToTimeDurationHookFunc(), mapstructure.TextUnmarshallerHookFunc()),
	})
	if err != nil {
		return err
	}
	return decoder.Decode(raw)
}

package filter

import (
	"bytes"
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"daybook/pkg/event"
)

// naiveEvent is an event as the plainest evaluation of filters takes it, with
// encoding/json and regular expressions. It shares no code with the matcher below the nodes.
type naiveEvent struct {
	*event.Event
	text     string // as text search sees it
	payload  any
	readable bool // by ClickHouse
}

func newNaiveEvent(e *event.Event) naiveEvent {
	n := naiveEvent{Event: e, text: naiveText(e.Payload)}
	n.payload, n.readable = naivePayload(e.Payload)
	return n
}

// naive evaluates a filter.
func naive(f *Filter, e naiveEvent) bool {
	if !f.From.IsZero() && e.CreatedAt.UnixMicro() < f.From.Time.UnixMicro() || !f.To.IsZero() && e.CreatedAt.UnixMicro() >= f.To.Time.UnixMicro() {
		return false
	}
	return f.Root == nil || naiveNode(f.Root, e)
}

func naiveNode(n Node, e naiveEvent) bool {
	switch n := n.(type) {
	case And:
		held := 0
		for _, c := range n {
			if naiveNode(c, e) {
				held++
			}
		}
		return held == len(n)
	case Or:
		held := 0
		for _, c := range n {
			if naiveNode(c, e) {
				held++
			}
		}
		return held > 0
	case Not:
		return !naiveNode(n.Node, e)
	case text:
		return strings.Contains(e.text, string(n.needle))
	case header:
		for _, exact := range n.exact {
			if exact == n.field.Get(e.Event) {
				return true
			}
		}
		for _, p := range n.patterns {
			if naivePattern(p, n.field.Get(e.Event)) {
				return true
			}
		}
		return false
	case severity:
		return strings.Contains("INFO WARN ERROR CRITICAL", e.Severity.String()) && int(n)>>int(e.Severity)&1 == 1
	case createdAt:
		return naiveOrder(n.operator, float64(e.CreatedAt.UnixMicro()-n.moment.Time.UnixMicro()))
	case present:
		value, ok := e.value(n.path)
		return ok && value != nil
	case payload:
		value, ok := e.value(n.path)
		if !ok {
			return false
		}
		elements, isArray := value.([]any)
		if !isArray {
			elements = []any{value}
		}
		for _, element := range elements {
			if naiveWanted(n.wants, element) {
				return true
			}
		}
		return false
	}
	panic("a kind of node that the naive evaluation does not know")
}

func naiveOrder(o operator, order float64) bool {
	return map[operator]bool{equal: order == 0, above: order > 0, atLeast: order >= 0, below: order < 0, atMost: order <= 0}[o]
}

// naivePattern takes * alone for "not empty", and else for any text.
func naivePattern(p pattern, text string) bool {
	spelt := strings.Join(p.parts, "\x00*")
	if spelt == "\x00*" {
		return text != ""
	}
	compiled, known := naivePatterns[spelt]
	if !known {
		parts := make([]string, len(p.parts))
		for i, part := range p.parts {
			parts[i] = regexp.QuoteMeta(part)
		}
		compiled = regexp.MustCompile("(?s)^" + strings.Join(parts, ".*") + "$")
		naivePatterns[spelt] = compiled
	}
	return compiled.MatchString(text)
}

var naivePatterns = map[string]*regexp.Regexp{}

func naiveWanted(w wanted, value any) bool {
	number, isNumber := value.(json.Number)
	text, isText := value.(string)
	flag, isFlag := value.(bool)
	float := math.NaN()
	if isNumber {
		float, _ = number.Float64()
	}
	switch w := w.(type) {
	case reads:
		word, exact := w.pattern.exact()
		return isText && naivePattern(w.pattern, text) || isNumber && float == w.number || isFlag && exact && word == strconv.FormatBool(flag)
	case comparisons:
		for _, c := range w {
			switch {
			case c.isNumber() && isNumber && naiveOrder(c.operator, float-c.number):
			case c.isNumber() && isNumber && math.IsInf(float-c.number, 0) && naiveOrder(c.operator, math.Copysign(1, float-c.number)):
			case !c.isNumber() && isText && naiveOrder(c.operator, float64(strings.Compare(text, c.bound))):
			default:
				return false
			}
		}
		return true
	}
	panic("a kind of condition that the naive evaluation does not know")
}

var (
	anEscape        = regexp.MustCompile(`\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)`)
	aLoneSurrogate  = regexp.MustCompile(`^\\u[dD][89a-fA-F]`)
	aNumberByItself = regexp.MustCompile(`^-?\d+$`)
)

// naiveText is the payload as text search sees it.
func naiveText(payload []byte) string {
	text := anEscape.ReplaceAllStringFunc(string(payload), func(escape string) string {
		var decoded string
		if err := json.Unmarshal([]byte(`"`+escape+`"`), &decoded); err != nil {
			panic(err)
		}
		return decoded
	})
	return strings.Map(func(r rune) rune { return unicode.ToLower(unicode.ToUpper(r)) }, text)
}

// naivePayload decodes a payload; of a key that comes twice it has the first
// member. Payloads that ClickHouse can't read are not readable.
func naivePayload(payload []byte) (value any, readable bool) {
	readable = true
	for _, escape := range anEscape.FindAllString(string(payload), -1) {
		if len(escape) == len(`\ud800`) && aLoneSurrogate.MatchString(escape) {
			readable = false
		}
	}
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	return naiveDecode(d, &readable), readable
}

func (e naiveEvent) value(path Path) (value any, ok bool) {
	value = e.payload
	for _, key := range path {
		object, isObject := value.(map[string]any)
		if value, ok = object[key]; !isObject || !ok {
			return nil, false
		}
	}
	return value, e.readable
}

func naiveDecode(d *json.Decoder, readable *bool) any {
	token, err := d.Token()
	if err != nil {
		panic(err)
	}
	switch token := token.(type) {
	case json.Delim:
		object, list := map[string]any{}, []any{}
		for d.More() {
			if token == '[' {
				list = append(list, naiveDecode(d, readable))
				continue
			}
			key, _ := d.Token()
			value := naiveDecode(d, readable)
			if _, twice := object[key.(string)]; !twice {
				object[key.(string)] = value
			}
		}
		_, _ = d.Token()
		if token == '[' {
			return list
		}
		return object
	case json.Number:
		text := token.String()
		_, notFloat := strconv.ParseFloat(text, 64)
		_, notInt := strconv.ParseInt(text, 10, 64)
		_, notUint := strconv.ParseUint(text, 10, 64)
		if aNumberByItself.MatchString(text) && notInt != nil && notUint != nil || notFloat != nil {
			*readable = false
		}
		return token
	}
	return token
}

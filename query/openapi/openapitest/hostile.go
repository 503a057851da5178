package openapitest

import (
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"daybook/query/openapi"
)

// Hostile is a request that somebody careless or malicious could send: one
// part of it is not what the call expects, or is only unusual.
type Hostile struct {
	Operation openapi.Operation
	Target    string // path and query, escaped
	Header    http.Header
	Body      string
	Part      string // which part it is: a parameter, a header, a member of the body, "body"
	Value     string
	Status    int // that the answer must have; 0: whatever fits, but for a failure of the server
}

// Known is the value of the parts that are not hostile and have no example.
const Known = "known"

// Hostiles makes requests for every parameter of every call that is described,
// and for every member of its body. token is in many of their values: what
// a server makes of it is easily seen.
func Hostiles(t testing.TB, token string) iter.Seq[Hostile] {
	t.Helper()
	d, err := openapi.Load()
	require.NoError(t, err)
	var document map[string]any
	require.NoError(t, json.Unmarshal(d.JSON(), &document))
	return func(yield func(Hostile) bool) {
		seen := map[string]bool{}
		for _, o := range d.Operations() {
			if o.Scope == "" {
				continue // It reads no request.
			}
			m := maker{t: t, document: document, operation: o, token: token, seen: seen}
			m.described = m.resolve(document["paths"].(map[string]any)[o.Path].(map[string]any)[strings.ToLower(o.Method)])
			for h := range m.all() {
				if !yield(h) {
					return
				}
			}
		}
	}
}

// maker makes the requests of one call.
type maker struct {
	t         testing.TB
	document  map[string]any
	operation openapi.Operation
	described map[string]any
	token     string
	seen      map[string]bool // parameters of calls before
}

func (m *maker) resolve(node any) map[string]any {
	object := node.(map[string]any)
	if ref, ok := object["$ref"].(string); ok {
		node = m.document
		for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
			node = node.(map[string]any)[part]
		}
		return m.resolve(node)
	}
	return object
}

// texts are the values of parameters: faults, injections, and what is only
// unusual. Each is in turn the value of each parameter.
func texts(token string) []string {
	return []string{
		"", " ", "0", "-1", "1000000000", "99999999999999999999", "1e999", "NaN", "1..", "true", "null", "*", "-", "@me", "now-1d", "now-99999999y", "2026-02-30",
		`"` + token, "(" + token, strings.Repeat("(", 4000), strings.Repeat("*a*b", 5000), strings.Repeat("NOT ", 2000), strings.Repeat("x OR ", 1000), strings.Repeat("é", 9000),
		"\x00" + token, token + "\r\nSet-Cookie: a=b", "\u202e" + token, "../../etc/passwd", "Local", "Mars/Base", "nosuch:" + token,
		"' OR 1=1 -- " + token, "'); DROP TABLE events; -- " + token, `\'` + token, "{p1:String}" + token, "@p1 $1 ? %s" + token, "payload." + token + "') FROM system.tables --",
		"createdAt:>1e999", "payload.a:" + token, "payload." + strings.Repeat("a.", 40), "AQAAAAAAAAAAAAAAA", "1.0.0." + token,
	}
}

// few are some of texts for a parameter that calls share, others for other
// calls: the first that has it was sent all of them.
func (m *maker) few(parameter map[string]any) []string {
	key, err := json.Marshal(parameter)
	require.NoError(m.t, err)
	all := texts(m.token)
	if !m.seen[string(key)] {
		m.seen[string(key)] = true
		return all
	}
	var some []string
	for i, text := range all {
		if (i+len(m.operation.Path)+len(key))%4 == 0 {
			some = append(some, text)
		}
	}
	return some
}

// literals are the values of a body's members, as JSON.
func literals(token string) []string {
	quoted := func(text string) string {
		out, _ := json.Marshal(text) // A string always has a JSON form.
		return string(out)
	}
	all := []string{
		"null", "true", "0", "-1", "1e999", "99999999999999999999", "[]", "{}", `[null]`, `[[]]`, `{"":0}`, `"\ud800"`,
		"[" + strings.Repeat(quoted(token)+",", 1999) + quoted(token) + "]", strings.Repeat("[", 2000) + strings.Repeat("]", 2000),
		quoted(strings.Repeat("*a*b", 25_000)),
	}
	for _, text := range texts(token) {
		all = append(all, quoted(text))
	}
	return all
}

// plain is a request that the call understands.
type plain struct {
	path  map[string]string
	query url.Values
	head  http.Header
	body  any
	media string
}

func (m *maker) plain() plain {
	p := plain{path: map[string]string{}, query: url.Values{}, head: http.Header{}}
	for _, parameter := range m.parameters() {
		name, in, required := parameter["name"].(string), parameter["in"].(string), parameter["required"] == true
		switch {
		case in == "path":
			p.path[name] = Known
		case in == "query" && required:
			p.query.Set(name, Known)
			if example, ok := parameter["example"].(string); ok {
				p.query.Set(name, example)
			}
		case in == "header" && required:
			p.head.Set(name, "*")
		}
	}
	if described, ok := m.described["requestBody"]; ok {
		p.media = "application/json"
		content := m.resolve(described)["content"].(map[string]any)[p.media]
		p.body = m.resolve(content)["example"]
		require.NotNil(m.t, p.body, "%v: describe an example of its body", m.operation)
	}
	return p
}

func (m *maker) parameters() []map[string]any {
	var all []map[string]any
	list, _ := m.described["parameters"].([]any)
	for _, parameter := range list {
		all = append(all, m.resolve(parameter))
	}
	return all
}

func (m *maker) make(p plain, part, value string, status int) Hostile {
	path := regexp.MustCompile(`\{(\w+)\}`).ReplaceAllStringFunc(m.operation.Path, func(name string) string {
		return url.PathEscape(p.path[strings.Trim(name, "{}")])
	})
	h := Hostile{Operation: m.operation, Target: path, Header: p.head, Part: part, Value: value, Status: status}
	if len(p.query) > 0 {
		h.Target += "?" + p.query.Encode()
	}
	if p.body != nil {
		h.Header.Set("Content-Type", p.media)
		text, err := json.Marshal(p.body)
		require.NoError(m.t, err)
		h.Body = string(text)
	}
	return h
}

// all yields the hostile requests of the call.
func (m *maker) all() iter.Seq[Hostile] {
	return func(yield func(Hostile) bool) {
		for _, parameter := range m.parameters() {
			for h := range m.ofParameter(parameter) {
				if !yield(h) {
					return
				}
			}
		}
		for _, name := range []string{"nosuch", "limit[]", "'", ""} {
			p := m.plain()
			p.query.Set(name, m.token)
			if !yield(m.make(p, name, m.token, http.StatusBadRequest)) {
				return
			}
		}
		if _, ok := m.described["requestBody"]; !ok {
			return
		}
		for h := range m.ofBody() {
			if !yield(h) {
				return
			}
		}
	}
}

func (m *maker) ofParameter(parameter map[string]any) iter.Seq[Hostile] {
	name, in := parameter["name"].(string), parameter["in"].(string)
	if name == "attributes" {
		name = "attr." + m.token
	}
	schema := m.resolve(parameter["schema"])
	return func(yield func(Hostile) bool) {
		for _, value := range m.few(parameter) {
			p := m.plain()
			switch in {
			case "path":
				p.path[name] = value
			case "query":
				p.query.Set(name, value)
			case "header":
				if strings.ContainsAny(value, "\x00\r\n") {
					continue // No client can send it.
				}
				p.head.Set(name, value)
			}
			if !yield(m.make(p, name, value, 0)) {
				return
			}
		}
		if in == "path" {
			h := m.make(m.plain(), name, "invalid UTF-8", 0)
			h.Target = strings.Replace(h.Target, Known, "%FF"+m.token, 1)
			yield(h)
		}
		if in != "query" {
			return
		}
		base := m.plain()
		base.query.Del(name)
		for _, written := range []string{"=%zz" + m.token, "=%FF" + m.token, "%FF=" + m.token, "=%ED%A0%80"} {
			h := m.make(base, name, written, http.StatusBadRequest)
			h.Target += joiner(h.Target) + url.QueryEscape(name) + written
			if strings.HasPrefix(written, "%") {
				h.Part += "\uFFFD"
			}
			if !yield(h) {
				return
			}
		}
		many := m.make(base, name, "2,000 values", http.StatusBadRequest)
		for i := range 2000 {
			many.Target += joiner(many.Target) + url.QueryEscape(name) + "=" + strconv.Itoa(i%7)
		}
		if !yield(many) {
			return
		}
		if schema["type"] != "array" && !strings.HasPrefix(name, "attr.") {
			twice := m.make(base, name, "twice", http.StatusBadRequest)
			twice.Target += joiner(twice.Target) + url.QueryEscape(name) + "=1&" + url.QueryEscape(name) + "=1"
			yield(twice)
		}
	}
}

func joiner(target string) string {
	if strings.Contains(target, "?") {
		return "&"
	}
	return "?"
}

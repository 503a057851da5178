package filter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/pkg/event"
)

// shown writes highlights as what they mark: field=text, and the parts of a place
// in the payload as pointer/of=text.
func shown(t *testing.T, e *event.Event, all []Highlight) (out []string) {
	t.Helper()
	texts := map[string]string{"payload": string(e.Payload), "severity": e.Severity.String()}
	for _, f := range Fields {
		texts[f.Name] = f.Get(e)
	}
	for _, h := range all {
		line := []byte(h.Field + "=" + string([]rune(texts[h.Field])[h.Start:h.End]))
		for _, p := range h.Parts {
			line = fmt.Appendf(line, " %s %s[%d:%d]", p.Pointer, p.Of, p.Start, p.End)
		}
		out = append(out, string(line))
	}
	return out
}

func TestHighlights(t *testing.T) {
	e := &event.Event{
		EventID: "evt_1", EventType: "login.failed", Severity: event.Error, ActorID: "Ž-jane@example.com", CreatedAt: now,
		Payload: []byte(`{"note": "P\u0159\u00edli\u0161 \"\u017dlu\u0165\" card",` + "\n" + `"a/b~": [1, {"Card": 450.00}, "x", null, true], "amount": 450.00, "e": "", "😀x": "a\ud83d\ude00b", "t": ["xyz", 7, "xa"]}`),
	}
	for query, wants := range map[string][]string{
		"q=PŘÍLIŠ":                             {`payload=P\u0159\u00edli\u0161 /note value[0:6]`},
		`q="\"žluť"`:                           {`payload=\"\u017dlu\u0165 /note value[7:12]`},
		"q=CARD":                               {`payload=card /note value[14:18]`, `payload=Card /a~1b~0/1/Card key[0:4]`},
		"q=card -nothing -visa":                {`payload=card /note value[14:18]`, `payload=Card /a~1b~0/1/Card key[0:4]`},
		"q=-(-card)":                           {`payload=card /note value[14:18]`, `payload=Card /a~1b~0/1/Card key[0:4]`},
		"q=-(-card nothing)":                   {`payload=card /note value[14:18]`, `payload=Card /a~1b~0/1/Card key[0:4]`},
		"q=card nothing":                       nil,
		"q=(card nothing) OR ř":                {`payload=\u0159 /note value[1:2]`},
		"q=450.00":                             {`payload=450.00 /a~1b~0/1/Card value[0:6]`, `payload=450.00 /amount value[0:6]`},
		`q="amount\": 450"`:                    {`payload=amount": 450 /amount key[0:6] /amount value[0:3]`},
		`q="\": {"`:                            nil,
		`q="\": [1, {"`:                        {`payload=": [1, { /a~1b~0/0 value[0:1]`},
		"q=null":                               {`payload=null /a~1b~0/3 value[0:4]`},
		"q=😀b OR 😀X":                           {`payload=😀x /😀x key[0:2]`, `payload=\ud83d\ude00b /😀x value[1:3]`},
		"q=ar card":                            {`payload=card /note value[14:18]`, `payload=Card /a~1b~0/1/Card key[0:4]`},
		`q="\"e\": \"\""`:                      {`payload="e": "" /e key[0:1]`},
		"actorId=Ž*@*.com":                     {"actorId=Ž", "actorId=@", "actorId=.com"},
		"actorId=Ž-jane@example.com&actorId=x": {"actorId=Ž-jane@example.com"},
		"actorId=*":                            {"actorId=Ž-jane@example.com"},
		"q=-actor:x":                           nil,
		"q=type:login.* -actor:x":              {"eventType=login."},
		"severity=WARN%2B&eventType=login.failed": {"eventType=login.failed", "severity=ERROR"},
		"from=now-1h&q=createdAt:>now-1d":         nil,
		"attr.amount=>449":                        {`payload=450.00 /amount value[0:6]`},
		"attr.t=x*":                               {`payload=x /t/0 value[0:1]`, `payload=x /t/2 value[0:1]`},
		"attr.t=7":                                {`payload=7 /t/1 value[0:1]`},
		"attr.t=>xb":                              {`payload=xyz /t/0 value[0:3]`},
		"attr.note=P*ť*":                          {`payload=P /note value[0:1]`, `payload=\u0165 /note value[11:12]`},
		"attr.a/b~=true":                          {`payload=true /a~1b~0/4 value[0:4]`},
		"attr.a/b~=*":                             {`payload=a/b~ /a~1b~0 key[0:4]`},
		"q=-payload.amount:1":                     nil,
	} {
		f, err := Parse(parameters(t, query), now.Add(time.Minute))
		require.NoError(t, err, query)
		require.Equal(t, wants, shown(t, e, f.Highlights(e)), query)
	}
}

// A lone surrogate hides a payload from conditions on its fields, not from
// texts.
func TestHighlights_LoneSurrogate(t *testing.T) {
	e := &event.Event{Payload: []byte(`{"\ud800a": "x\udc00 y\\", "b": "y"}`)}
	f, err := Parse(url.Values{"q": {"y"}}, now)
	require.NoError(t, err)
	require.Equal(t, []string{"payload=y /\uFFFDa value[3:4]", "payload=y /b value[0:1]"}, shown(t, e, f.Highlights(e)))
}

func TestHighlights_Bounded(t *testing.T) {
	e := &event.Event{Payload: []byte(`{"a": "` + strings.Repeat("xy", 300_000) + `"}`)}
	f, err := Parse(url.Values{"q": {"x y"}}, now)
	require.NoError(t, err)
	all := f.Highlights(e)
	require.Len(t, all, MaxHighlights)
	require.Equal(t, Part{Pointer: "/a", Of: OfValue, Range: Range{MaxHighlights - 1, MaxHighlights}}, all[MaxHighlights-1].Parts[0])
}

// What is marked is what the matcher found: whatever the filter, each text that an
// accepted event must have is marked, each mark is of such a text, and a
// reader of the parsed payload finds the same under its pointer.
func TestHighlights_AgreeWithTheMatcher(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	g := generator{rand.New(rand.NewPCG(seed, 2))}
	marked, parts := 0, 0
	for i := range 20_000 {
		e := g.event(i)
		query := g.filter()
		if i%2 == 0 { // A text that is there, from anywhere in it.
			text := []rune(string(event.SearchText(nil, e.Payload)))
			from := g.IntN(len(text))
			piece := string(text[from : from+1+g.IntN(min(len(text)-from, 30))])
			query = url.Values{"q": {string(appendQuoted(nil, piece)) + g.pick([]string{"", " OR " + g.or(2), " -(" + g.or(2) + ")"})}}
		}
		f, err := ParseRequest(g.asking(t.Context()), query, now)
		require.NoError(t, err, "%v", query)
		all := f.Highlights(e)
		if !f.Match(e) {
			require.Empty(t, all)
			continue
		}
		about := fmt.Sprintf("%v\n%+v\n%s\n%+v", query, e, e.Payload, all)
		if f.Root == nil {
			require.Empty(t, all)
			continue
		}
		for _, needle := range requiredTexts(f.Root, e, true) {
			require.True(t, len(all) >= MaxHighlights || slices.ContainsFunc(all, func(h Highlight) bool {
				return h.Field == "payload" && bytes.Contains(foldedPlace(e, h), needle)
			}), "%q is marked nowhere: %s", needle, about)
		}
		texts := possibleTexts(f.Root, true)
		end := map[string]int{}
		for _, h := range all {
			require.GreaterOrEqual(t, h.Start, end[h.Field], about)
			require.Greater(t, h.End, h.Start, about)
			end[h.Field] = h.End
			if h.Field != "payload" {
				continue
			}
			marked++
			place := foldedPlace(e, h)
			if onlyTexts(f.Root) {
				require.True(t, slices.ContainsFunc(texts, func(needle []byte) bool { return bytes.Contains(place, needle) }), "%q: %s", place, about)
			}
			rest := place
			for _, p := range h.Parts {
				parts++
				text, found := parsedPart(t, e.Payload, p)
				if !found { // A key that comes twice.
					continue
				}
				piece := []byte(event.FoldText(text))
				at := bytes.Index(rest, piece)
				require.GreaterOrEqual(t, at, 0, "%q is not in %q: %s", piece, rest, about)
				rest = rest[at+len(piece):]
			}
		}
	}
	require.Greater(t, marked, 1000)
	require.Greater(t, parts, 1000)
}

func foldedPlace(e *event.Event, h Highlight) []byte {
	return event.SearchText(nil, []byte(string([]rune(string(e.Payload))[h.Start:h.End])))
}

// requiredTexts returns the needles because of which a condition holds, or fails.
func requiredTexts(n Node, e *event.Event, holds bool) (needles [][]byte) {
	var nodes []Node
	switch n := n.(type) {
	case And:
		nodes = n
	case Or:
		nodes = n
	case Not:
		return requiredTexts(n.Node, e, !holds)
	case text:
		if holds {
			needles = append(needles, n.needle)
		}
	}
	for _, c := range nodes {
		if (&Filter{Root: c}).Match(e) == holds {
			needles = append(needles, requiredTexts(c, e, holds)...)
		}
	}
	return needles
}

func possibleTexts(n Node, holds bool) (needles [][]byte) {
	switch n := n.(type) {
	case And:
		for _, c := range n {
			needles = append(needles, possibleTexts(c, holds)...)
		}
	case Or:
		for _, c := range n {
			needles = append(needles, possibleTexts(c, holds)...)
		}
	case Not:
		return possibleTexts(n.Node, !holds)
	case text:
		if holds {
			needles = append(needles, n.needle)
		}
	}
	return needles
}

// onlyTexts reports whether no other leaf can mark the payload.
func onlyTexts(root Node) bool {
	only := true
	root.visit(func(leaf Node) {
		switch leaf.(type) {
		case payload, present:
			only = false
		}
	})
	return only
}

// parsedPart returns what a part is of, as one sees it who has parsed the payload.
func parsedPart(t *testing.T, payload []byte, p Part) (text string, found bool) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	var at any
	require.NoError(t, d.Decode(&at))
	var last string
	for _, escaped := range strings.Split(p.Pointer, "/")[1:] {
		last = strings.NewReplacer("~1", "/", "~0", "~").Replace(escaped)
		switch container := at.(type) {
		case map[string]any:
			if at, found = container[last]; !found {
				return "", false
			}
		case []any:
			i, err := strconv.Atoi(last)
			if err != nil || i >= len(container) {
				return "", false
			}
			at = container[i]
		default:
			return "", false
		}
	}
	text = last
	if p.Of == OfValue {
		switch v := at.(type) {
		case string:
			text = v
		case json.Number:
			text = v.String()
		case nil:
			text = "null"
		case bool:
			text = strconv.FormatBool(v)
		default:
			return "", false
		}
	}
	runes := []rune(text)
	if p.End > len(runes) || repeats(payload) {
		return "", false
	}
	return string(runes[p.Start:p.End]), true
}

// repeats reports whether an object of the payload has a key twice: who parses it
// sees the last one.
func repeats(payload []byte) (twice bool) {
	seen := map[string]bool{}
	eachToken(payload, func(t token) bool {
		if t.of == OfKey {
			pointer := t.pointer()
			twice = twice || seen[pointer]
			seen[pointer] = true
		}
		return !twice
	})
	return twice
}

// The way to a value by its path is the matcher's.
func TestLocate_IsLookup(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(3, uint64(time.Now().UnixNano())))}
	found := 0
	for i := range 20_000 {
		s := Subject{}
		s.Reset(g.event(i))
		path, ok := ParsePath(g.path())
		require.True(t, ok)
		raw := s.lookup(path)
		if raw == nil {
			continue
		}
		found++
		key, value := s.locate(path)
		doc := s.event.Payload
		require.Equal(t, string(raw), string(doc[value.from:value.to]), "%s in %s", path, doc)
		require.Equal(t, path[len(path)-1], stringContent(doc[key.from-1:key.to+1]), "%s in %s", path, doc)
		if raw[0] == '[' {
			var all []string
			eachElement(raw, func(element []byte) bool { all = append(all, string(element)); return true })
			var placed []string
			for _, e := range elements(doc, value) {
				placed = append(placed, string(doc[e.from:e.to]))
			}
			require.Equal(t, all, placed, "%s", raw)
		}
	}
	require.Greater(t, found, 1000)
}

func BenchmarkHighlights(b *testing.B) {
	f, err := Parse(url.Values{"q": {"usd příliš"}}, now)
	require.NoError(b, err)
	require.Len(b, f.Highlights(sampleEvents[0]), 2)
	b.ReportAllocs()
	for b.Loop() {
		f.Highlights(sampleEvents[0])
	}
}

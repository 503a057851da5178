package main

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"daybook/pkg/client"
)

// markOn begins what is underlined.
const markOn = "\x1b[4m"

// mark is from a character of a column to before another.
type mark struct{ from, to int }

// columnMarks are the places to mark in each column, in their order and apart.
type columnMarks [columnCount][]mark

// markedColumns says where a field is shown: behind the text of another field, where
// the column has two.
var markedColumns = map[string]struct {
	column int
	text   func(*client.Event) string
	behind func(*client.Event) string
}{
	"eventType":  {columnType, func(e *client.Event) string { return e.EventType }, nil},
	"severity":   {columnSeverity, func(e *client.Event) string { return e.Severity.String() }, nil},
	"source":     {columnSource, func(e *client.Event) string { return e.Source }, nil},
	"actorType":  {columnActor, func(e *client.Event) string { return e.ActorType }, nil},
	"actorId":    {columnActor, func(e *client.Event) string { return e.ActorID }, func(e *client.Event) string { return e.ActorType }},
	"targetType": {columnTarget, func(e *client.Event) string { return e.TargetType }, nil},
	"targetId":   {columnTarget, func(e *client.Event) string { return e.TargetID }, func(e *client.Event) string { return e.TargetType }},
	"eventId":    {columnID, func(e *client.Event) string { return e.EventID }, nil},
	"payload":    {columnPayload, func(e *client.Event) string { return string(e.Payload) }, nil},
}

// marksOf returns where the columns of an event show its highlights. Fields that
// have no column are left out.
func marksOf(e *client.Event, highlights []client.Highlight) (marks columnMarks) {
	for _, h := range highlights {
		shown, ok := markedColumns[h.Field]
		if !ok {
			continue
		}
		before := 0
		if shown.behind != nil {
			if kind := shown.behind(e); kind != "" {
				before = visibleLength(kind) + len(":")
			}
		}
		runes := []rune(shown.text(e))
		start := min(max(h.Start, 0), len(runes))
		end := min(max(h.End, start), len(runes))
		// What visible writes for a part does not depend on what is around it.
		from := before + visibleLength(string(runes[:start]))
		marks[shown.column] = append(marks[shown.column], mark{from, from + visibleLength(string(runes[start:end]))})
	}
	for i := range marks { // The type of an actor comes behind its id, and is shown before.
		slices.SortFunc(marks[i], func(a, b mark) int { return cmp.Compare(a.from, b.from) })
	}
	return marks
}

func visibleLength(text string) int { return utf8.RuneCountInString(visible(text)) }

// aroundMark drops the beginning of a text that is wider than there is room, so that
// its first mark is seen.
func aroundMark(text string, marks []mark, room int) (string, []mark) {
	if len(marks) == 0 || marks[0].to < room || room < 2 {
		return text, marks
	}
	dropped := marks[0].from - room/4
	if dropped < 1 {
		return text, marks
	}
	moved := make([]mark, len(marks))
	for i, m := range marks {
		moved[i] = mark{m.from - dropped + 1, m.to - dropped + 1}
	}
	return "…" + string([]rune(text)[dropped:]), moved
}

// writeMarked writes a text in a colour, "" for none, with its marks underlined.
func writeMarked(b *strings.Builder, text string, marks []mark, color string) {
	if color == "" && len(marks) == 0 {
		b.WriteString(text)
		return
	}
	runes := []rune(text)
	at := 0
	write := func(to int, style string) {
		if to = min(to, len(runes)); to > at {
			if style == "" {
				b.WriteString(string(runes[at:to]))
			} else {
				b.WriteString(style + string(runes[at:to]) + colorOff)
			}
			at = to
		}
	}
	for _, m := range marks {
		write(m.from, color)
		write(m.to, color+markOn)
	}
	write(len(runes), color)
}

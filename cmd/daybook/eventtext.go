package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"

	"daybook/pkg/client"
	"daybook/pkg/event"
)

// severityColors are those of spec/event-log.txt: blue, yellow, orange, red.
var severityColors = map[event.Severity]string{
	event.Info: "\x1b[34m", event.Warn: "\x1b[33m", event.Error: "\x1b[38;5;208m", event.Critical: "\x1b[1;31m",
}

const colorOff = "\x1b[0m"

// screen is where events are shown to people.
type screen struct {
	out   io.Writer
	color bool
	width int // columns; 0: no terminal, nothing is cut
}

// screenOn looks at what out is. NO_COLOR (no-color.org) and a dumb terminal
// turn colours off.
func screenOn(out io.Writer) screen {
	s := screen{out: out}
	file, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return s
	}
	s.color = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	if width, _, err := term.GetSize(int(file.Fd())); err == nil {
		s.width = width
	}
	return s
}

// columns of an event, as search and tail show it.
const (
	columnTime = iota
	columnSeverity
	columnType
	columnSource
	columnActor
	columnTarget
	columnID
	columnPayload
	columnCount
)

var columnTitles = [columnCount]string{"TIME", "SEVERITY", "TYPE", "SOURCE", "ACTOR", "TARGET", "EVENT ID", "PAYLOAD"}

func columnsOf(e *client.Event) [columnCount]string {
	return [columnCount]string{
		columnTime:     e.CreatedAt.UTC().Format("2006-01-02T15:04:05.000Z"),
		columnSeverity: e.Severity.String(),
		columnType:     visible(e.EventType),
		columnSource:   visible(e.Source),
		columnActor:    visible(kindAndID(e.ActorType, e.ActorID)),
		columnTarget:   visible(kindAndID(e.TargetType, e.TargetID)),
		columnID:       visible(e.EventID),
		columnPayload:  visible(string(e.Payload)),
	}
}

func kindAndID(kind, id string) string {
	if kind == "" || id == "" {
		return kind + id
	}
	return kind + ":" + id
}

// line prints one row of columns at least as wide as widths.
func (s screen) line(columns [columnCount]string, widths [columnCount]int, severity event.Severity) error {
	return s.markedLine(columns, columnMarks{}, widths, severity)
}

// markedLine is line with marks underlined, where the screen shows colours.
func (s screen) markedLine(columns [columnCount]string, marks columnMarks, widths [columnCount]int, severity event.Severity) error {
	var b strings.Builder
	used := 0
	for i, text := range columns {
		length := utf8.RuneCountInString(text)
		if s.width > 0 && used+length > s.width {
			if i == columnCount-1 {
				text, marks[i] = aroundMark(text, marks[i], s.width-used)
			}
			text = cut(text, s.width-used)
			length = utf8.RuneCountInString(text)
		}
		color := ""
		if s.color && (i == columnSeverity || i == columnType) {
			color = severityColors[severity]
		}
		if s.color {
			writeMarked(&b, text, marks[i], color)
		} else {
			b.WriteString(text)
		}
		if i == columnCount-1 {
			break
		}
		pad := max(0, widths[i]-length) + 2
		b.WriteString(strings.Repeat(" ", pad))
		if used += length + pad; s.width > 0 && used >= s.width {
			break
		}
	}
	_, err := fmt.Fprintln(s.out, strings.TrimRight(b.String(), " "))
	return err
}

// cut shortens text to a width and shows that it did.
func cut(text string, width int) string {
	if width <= 0 {
		return ""
	}
	runes := 0
	for i := range text {
		if runes == width-1 {
			return text[:i] + "…"
		}
		runes++
	}
	return text
}

// visible writes what a terminal might obey, or what would disguise a text,
// as an escape: an event must not move the cursor of whoever looks at it.
func visible(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"daybook/pkg/client"
	"daybook/pkg/event"
)

// underlined returns what a line underlines.
func underlined(line string) (marked []string) {
	for {
		_, after, found := strings.Cut(line, markOn)
		if !found {
			return marked
		}
		text, rest, _ := strings.Cut(after, colorOff)
		marked, line = append(marked, text), rest
	}
}

func TestScreen_Marks(t *testing.T) {
	e := &client.Event{Event: event.Event{
		EventType: "login.failed", Severity: event.Critical, ActorType: "USER", ActorID: "a\x1bž-jane", TargetID: "inv_1", EventID: "evt_1",
		Payload: []byte("{\"no\u202ete\": \"Žluťoučký\", \"long\": \"" + strings.Repeat("x", 500) + " needle " + strings.Repeat("y", 500) + "\"}"),
	}}
	marks := marksOf(e, []client.Highlight{
		{Field: "actorId", Start: 2, End: 3}, {Field: "actorId", Start: 4, End: 8}, {Field: "actorType", Start: 0, End: 4}, {Field: "correlationId", Start: 0, End: 3}, {Field: "eventType", Start: 0, End: 6},
		{Field: "payload", Start: 2, End: 7}, {Field: "payload", Start: 11, End: 14}, {Field: "payload", Start: 2000, End: 9999},
	})
	var out bytes.Buffer
	if err := (screen{out: &out, color: true}).markedLine(columnsOf(e), marks, [columnCount]int{}, e.Severity); err != nil {
		t.Fatal(err)
	}
	want := []string{"login.", "USER", "ž", "jane", `no\u202ete`, "Žlu"}
	if diff := cmp.Diff(want, underlined(out.String())); diff != "" {
		t.Error(diff)
	}
	if strings.ContainsRune(out.String(), '\u202e') || strings.Contains(out.String(), "a\x1bž") {
		t.Errorf("an event can write to the terminal: %q", out.String())
	}

	// Without colours there are none, and a pipe gets the plain line.
	out.Reset()
	if err := (screen{out: &out}).markedLine(columnsOf(e), marks, [columnCount]int{}, e.Severity); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Errorf("marks where there is no terminal: %q", out.String())
	}

	// What matches is seen, however far back it stands.
	at := strings.Index(string([]rune(string(e.Payload))), "needle")
	at = len([]rune(string(e.Payload)[:at]))
	marks = marksOf(e, []client.Highlight{{Field: "payload", Start: at, End: at + 6}})
	for _, width := range []int{80, 120, 200} {
		out.Reset()
		if err := (screen{out: &out, color: true, width: width}).markedLine(columnsOf(e), marks, [columnCount]int{}, e.Severity); err != nil {
			t.Fatal(err)
		}
		if got := underlined(out.String()); width > 80 && (len(got) != 1 || got[0] != "needle") {
			t.Errorf("%d columns underline %q", width, got)
		}
		plain := strings.NewReplacer(markOn, "", colorOff, "", severityColors[event.Critical], "").Replace(strings.TrimRight(out.String(), "\n"))
		if n := len([]rune(plain)); n > width {
			t.Errorf("%d columns instead of %d: %q", n, width, plain)
		}
	}
}

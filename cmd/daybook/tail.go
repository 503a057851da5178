package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"daybook/pkg/client"
)

// newTailCommand returns daybook tail.
func newTailCommand() *cobra.Command {
	var flags clientFlags
	var options client.StreamOptions
	var output string
	c := &cobra.Command{
		Use:   "tail [flags]",
		Short: "Follow events on a server as they happen",
		Long: "Tail prints the events that match all flags as they arrive, until it is interrupted. It reconnects by itself and goes on\n" +
			"where it was, so that each event is printed once; what is missing for good is told on standard error.\n" +
			"It is a client: it needs a server's URL and an API key.",
		Example: "  daybook tail --severity WARN+\n" +
			"  daybook tail --since now-15m --event-type 'login.*' --output json | jq .actorId",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if output != "pretty" && output != "json" {
				return usagef("--output: %q is not pretty or json", output)
			}
			if options.Tail < 0 {
				return usagef("--tail: %d is negative", options.Tail)
			}
			if moreThanOne(options.Since != "", options.Tail > 0, options.LastID != "") {
				return usagef("--since, --tail and --last-id each say where to begin: give one")
			}
			parameters, err := flags.parameters()
			if err != nil {
				return err
			}
			server, err := flags.client()
			if err != nil {
				return err
			}
			t := tail{screen: screenOn(c.OutOrStdout()), notes: c.ErrOrStderr(), json: output == "json"}
			options.OnReconnect = func(cause error, wait time.Duration) {
				// A connection that the server ended as announced needs no words.
				if !t.saidBye {
					t.note("disconnected: %v; going on in %s", cause, wait.Round(100*time.Millisecond))
				}
				t.saidBye = false
			}
			for item, err := range server.Stream(c.Context(), parameters, options) {
				if errors.Is(err, context.Canceled) && c.Context().Err() != nil {
					return nil // Ctrl-C is how tail ends.
				}
				if err == nil {
					err = t.show(item)
				}
				if err != nil {
					return asUsage(err)
				}
			}
			return nil
		},
	}
	c.Flags().StringVar(&options.Since, "since", "", "begin with the events since a `time`: RFC 3339 or date math like now-15m")
	c.Flags().IntVarP(&options.Tail, "tail", "n", 0, "begin with so many of the newest `events`")
	c.Flags().StringVar(&options.LastID, "last-id", "", "go on after the `id` of a frame of the stream")
	c.Flags().StringVarP(&output, "output", "o", "pretty", "`format`: pretty or json, one event a line")
	flags.register(c)
	return c
}

// tail prints what a stream brings.
type tail struct {
	screen  screen
	notes   io.Writer
	json    bool
	saidBye bool
}

// tailWidths keep the columns of events that come one by one mostly aligned.
var tailWidths = [columnCount]int{columnTime: 24, columnSeverity: 8, columnType: 22, columnSource: 12, columnActor: 24, columnTarget: 24}

func (t *tail) show(item client.Item) error {
	var members struct {
		Reason        string `json:"reason"`
		Detail        string `json:"detail"`
		Missing       int64  `json:"missing"`
		MissingAtMost int64  `json:"missingAtMost"`
		BehindMs      int64  `json:"behindMs"`
		After         string `json:"after"`
	}
	if item.Event == nil {
		_ = json.Unmarshal(item.Data, &members) // What a frame does not say is left out of the note.
	}
	switch item.Name {
	case "message":
		if t.json {
			_, err := fmt.Fprintf(t.screen.out, "%s\n", item.Event.JSON)
			return err
		}
		return t.screen.line(columnsOf(item.Event), tailWidths, item.Event.Severity)
	case "gap":
		if members.MissingAtMost > 0 {
			t.note("events may be missing here, %d records at most, after %s: %s", members.MissingAtMost, members.After, members.Reason)
		} else {
			t.note("events are missing here: %d records after %s (%s)", members.Missing, members.After, members.Reason)
		}
	case "resync":
		t.note("some events may come twice: %s", members.Reason)
	case "lag":
		t.note("catching up: %s behind", (time.Duration(members.BehindMs) * time.Millisecond).Round(time.Second))
	case "error":
		t.note("the server says: %s", members.Detail)
	case "bye":
		t.saidBye = members.Reason == "age" || members.Reason == "shutdown"
	}
	return nil
}

// note tells what is no event, where it does not mix with events.
func (t *tail) note(format string, args ...any) {
	fmt.Fprintf(t.notes, "daybook: %s\n", visible(fmt.Sprintf(format, args...)))
}

func moreThanOne(given ...bool) bool {
	n := 0
	for _, g := range given {
		if g {
			n++
		}
	}
	return n > 1
}

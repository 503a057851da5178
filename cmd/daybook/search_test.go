package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSearch_CountsAndPages(t *testing.T) {
	var asked []string
	server := func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Get("count")+r.URL.Query().Get("highlight"))
		count, events, cursor, partial := "", fmt.Sprintf(clientEvent, "e-1", "a"), "null", "false"
		switch r.URL.Query().Get("cursor") {
		case "": // Time was up: the page is empty, and goes on.
			events, cursor, partial = "", `"2"`, "true"
			if relation := map[string]string{"exact": "eq", "capped": "gte"}[r.URL.Query().Get("count")]; relation != "" {
				count = `,"count":{"value":10000,"relation":"` + relation + `","source":"raw"}`
			}
		case "2":
			cursor = `"3"`
		}
		_, _ = fmt.Fprintf(w, `{"events":[%s],"highlights":[],"nextCursor":%s,"meta":{"elapsedMs":1,"rowsRead":1,"source":"raw","partial":%s,"indexes":["key"]%s}}`, events, cursor, partial, count)
	}
	for _, c := range []struct {
		args   []string
		lines  int
		stderr string
		asked  []string
	}{
		{[]string{"--output", "json"}, 2, "", []string{"", "", ""}},
		{[]string{"--output", "json", "--count"}, 3, "", []string{"capped", "", ""}},
		{[]string{"--output", "json", "--highlight"}, 3, "", []string{"true", "true", "true"}},
		{[]string{"--count"}, 3, "2 of at least 10000 events shown\n", []string{"capped", "", ""}},
		{[]string{"--count=exact", "--output", "csv"}, 3, "2 of 10000 events shown\n", []string{"exact", "", ""}},
	} {
		asked = nil
		stdout, stderr, err := runClient(t, newSearchCommand(), server, c.args...)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(stdout, "\n"); got != c.lines {
			t.Errorf("%v prints %d lines, want %d:\n%s", c.args, got, c.lines, stdout)
		}
		if stderr != c.stderr {
			t.Errorf("%v says %q, want %q", c.args, stderr, c.stderr)
		}
		if diff := cmp.Diff(c.asked, asked); diff != "" {
			t.Errorf("%v: %s", c.args, diff)
		}
	}
	if _, _, err := runClient(t, newSearchCommand(), server, "--count=all"); err == nil || !strings.Contains(err.Error(), "exact or capped") {
		t.Errorf("got %v", err)
	}
}

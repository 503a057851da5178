package client

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"

	"daybook/pkg/event"
)

// records passes whole records on, and holds back what may be the beginning of
// one: lines, of which a CSV has some within quotes.
type records struct {
	out      io.Writer
	quotes   bool // a line feed within quotes ends no record
	named    bool // the first record of a file names the columns
	position func(record []byte) (string, error)

	rows   int64  // of this answer
	held   []byte // the record that is incomplete
	last   []byte // the last whole record
	inside bool   // within quotes
	names  bool   // the next record names the columns
	headed bool   // names were passed on
}

// begin prepares for an answer: one that goes on behind an event has no names.
func (r *records) begin(continued bool) {
	r.rows, r.held, r.last, r.inside = 0, r.held[:0], r.last[:0], false
	r.names = r.named && !continued
}

// Write implements io.Writer.
func (r *records) Write(p []byte) (int, error) {
	at, from, whole := len(r.held), 0, 0 // Of held: where to look on, the first to pass on, the end of the last whole record.
	r.held = append(r.held, p...)
	for {
		end := bytes.IndexByte(r.held[at:], '\n')
		if end < 0 {
			r.look(r.held[at:])
			break
		}
		r.look(r.held[at : at+end])
		if at += end + 1; r.inside {
			continue
		}
		if r.names {
			if r.names = false; r.headed {
				from = at // The file has them already.
			}
			r.headed = true
		} else {
			r.rows++
			r.last = append(r.last[:0], r.held[whole:at]...)
		}
		whole = at
	}
	if _, err := r.out.Write(r.held[from:whole]); err != nil {
		return 0, err
	}
	r.held = append(r.held[:0], r.held[whole:]...)
	return len(p), nil
}

// look notes whether quotes are open behind the text.
func (r *records) look(text []byte) {
	if r.quotes && bytes.Count(text, []byte{'"'})%2 == 1 {
		r.inside = !r.inside
	}
}

// lastPosition returns what the parameter after takes to go on behind the last
// record; empty where there was none.
func (r *records) lastPosition() (string, error) {
	if len(r.last) == 0 {
		return "", nil
	}
	return r.position(r.last)
}

func positionOf(created, id, source string) string {
	return url.PathEscape(created) + "/" + url.PathEscape(id) + "/" + url.PathEscape(source)
}

func positionInJSON(line []byte) (string, error) {
	var e struct {
		CreatedAt string `json:"createdAt"`
		EventID   string `json:"eventId"`
		Source    string `json:"source"`
	}
	if err := json.Unmarshal(line, &e); err != nil {
		return "", fmt.Errorf("the server sent an event that cannot be read: %w", err)
	}
	return positionOf(e.CreatedAt, e.EventID, e.Source), nil
}

func positionInCSV(row []byte) (string, error) {
	rows, err := csv.NewReader(bytes.NewReader(row)).ReadAll()
	if err != nil || len(rows) != 1 || len(rows[0]) != len(event.CSVColumns) {
		return "", fmt.Errorf("the server sent a row that cannot be read: %w", err)
	}
	cell := func(name string) string { return event.Raw(rows[0][slices.Index(event.CSVColumns, name)]) }
	return positionOf(cell("createdAt"), cell("eventId"), cell("source")), nil
}

package export

import (
	"io"
	"slices"
	"strconv"
	"strings"

	"daybook/pkg/event"
)

// table writes a row for each event, by RFC 4180 but with line feeds alone.
type table struct {
	out  io.Writer
	row  []string
	line []byte

	archive bool // with a last column archived
}

func newCSV(out io.Writer, continued, archive bool) (encoder, error) {
	t := &table{out: out, archive: archive}
	if continued {
		return t, nil
	}
	columns := event.CSVColumns
	if archive {
		columns = append(slices.Clone(columns), "archived")
	}
	return t, t.writeRow(columns)
}

func (t *table) write(e *event.Event) error {
	t.row = event.CSVRow(t.row, e)
	if t.archive {
		t.row = append(t.row, strconv.FormatBool(e.Archived))
	}
	return t.writeRow(t.row)
}

func (t *table) writeRow(row []string) error {
	t.line = t.line[:0]
	for i, cell := range row {
		if i > 0 {
			t.line = append(t.line, ',')
		}
		t.line = appendCell(t.line, cell)
	}
	t.line = append(t.line, '\n')
	_, err := t.out.Write(t.line)
	return err
}

func appendCell(line []byte, cell string) []byte {
	if !strings.ContainsAny(cell, ",\"\r\n") && !strings.HasPrefix(cell, " ") {
		return append(line, cell...)
	}
	line = append(line, '"')
	for {
		quote := strings.IndexByte(cell, '"')
		if quote < 0 {
			return append(append(line, cell...), '"')
		}
		line = append(append(line, cell[:quote+1]...), '"')
		cell = cell[quote+1:]
	}
}

func (t *table) close() error { return nil }

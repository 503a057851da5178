package export

import (
	"io"

	"daybook/pkg/event"
)

// ndjson writes each event as one line: the JSON that every other call shows.
type ndjson struct {
	out  io.Writer
	line []byte
}

func newNDJSON(out io.Writer, _, _ bool) (encoder, error) { return &ndjson{out: out}, nil }

func (n *ndjson) write(e *event.Event) error {
	n.line = append(event.AppendJSON(n.line[:0], e), '\n')
	_, err := n.out.Write(n.line)
	return err
}

func (n *ndjson) close() error { return nil }

package stream

import (
	"io"
	"net/http"
	"time"

	"daybook/pkg/httpserver"
)

// output is where a session's frames go.
type output interface {
	io.Writer
	Flush() error
	SetWriteDeadline(t time.Time) error
	writeBlocks(blocks []*block) error
}

// answer is an output of net/http: where the connection has more to carry than
// the stream, as with HTTP/2, or can't have chunks, as with HTTP/1.0.
type answer struct {
	http.ResponseWriter
	*http.ResponseController
}

func newAnswer(w http.ResponseWriter) answer {
	return answer{w, http.NewResponseController(w)}
}

func (a answer) writeBlocks(blocks []*block) error {
	for _, b := range blocks {
		if _, err := a.Write(b.bytes); err != nil {
			return err
		}
	}
	return nil
}

// bare is an output with nothing between the stream and the connection: all
// clients of a group send the same memory.
type bare struct{ *httpserver.Body }

func (b bare) writeBlocks(blocks []*block) error {
	if len(blocks) == 1 {
		return b.WriteChunks(len(blocks[0].bytes), blocks[0].chunk)
	}
	data := 0
	chunks := make([][]byte, len(blocks))
	for i, block := range blocks {
		data, chunks[i] = data+len(block.bytes), block.chunk
	}
	return b.WriteChunks(data, chunks...)
}

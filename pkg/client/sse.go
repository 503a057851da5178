package client

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"
)

// Frame is one dispatched frame of an event stream.
type Frame struct {
	Name string // "message" where the stream names none
	ID   string // the last id of the stream so far, this frame's or an earlier one's
	Data []byte
}

// MaxFrameBytes bounds the data of a frame, and each line of a stream: an
// event, its escapes included, is far below it.
const MaxFrameBytes = 16 << 20

// SSEReader parses text/event-stream by the rules of the WHATWG HTML standard
// (9.2.6): a leading BOM, lines that end in LF, CR or CRLF, comments, unknown
// fields, ids that hold a NUL, and a frame that the end of the stream cuts
// off are all treated as a browser treats them.
type SSEReader struct {
	r       *bufio.Reader
	begun   bool
	afterCR bool // the last line ended in CR: a LF that follows belongs to it

	lastID string // of the last frame that was complete
	id     string // of the frame being read
	name   string
	data   []byte
	line   []byte

	// Retry is what the stream asked for as reconnection time; zero: nothing.
	Retry time.Duration
}

// NewSSEReader returns a reader of the stream's body.
func NewSSEReader(r io.Reader) *SSEReader { return &SSEReader{r: bufio.NewReaderSize(r, 64<<10)} }

// LastID returns the id that a reconnection should send: that of the last
// complete frame, be it one without data.
func (s *SSEReader) LastID() string { return s.lastID }

// Next returns the next frame with data. Its Data is valid until the next
// call. At the end of the stream it returns io.EOF; a frame that has not ended
// by then is dropped, as the standard asks.
func (s *SSEReader) Next() (Frame, error) {
	s.data, s.name = s.data[:0], ""
	hasData := false
	for {
		line, err := s.readLine()
		if err != nil {
			return Frame{}, err
		}
		if len(line) == 0 {
			s.lastID = s.id
			if !hasData {
				s.name = ""
				continue
			}
			f := Frame{Name: s.name, ID: s.lastID, Data: s.data[:len(s.data)-1]}
			if f.Name == "" {
				f.Name = "message"
			}
			return f, nil
		}
		field, value, found := bytes.Cut(line, []byte{':'})
		if found && len(value) > 0 && value[0] == ' ' {
			value = value[1:]
		}
		switch string(field) {
		case "": // A comment.
		case "event":
			s.name = strings.ToValidUTF8(string(value), "�")
		case "data":
			if len(s.data)+len(value) >= MaxFrameBytes {
				return Frame{}, fmt.Errorf("a frame of the stream is larger than %d bytes", MaxFrameBytes)
			}
			s.data = append(append(s.data, value...), '\n')
			hasData = true
		case "id":
			if bytes.IndexByte(value, 0) < 0 {
				s.id = strings.ToValidUTF8(string(value), "�")
			}
		case "retry":
			if ms, ok := digits(value); ok {
				s.Retry = ms
			}
		}
	}
}

// digits reads a number of milliseconds of ASCII digits only, up to a day.
func digits(value []byte) (time.Duration, bool) {
	if len(value) == 0 {
		return 0, false
	}
	var ms int64
	for _, c := range value {
		if c < '0' || c > '9' {
			return 0, false
		}
		ms = min(ms*10+int64(c-'0'), (24 * time.Hour).Milliseconds())
	}
	return time.Duration(ms) * time.Millisecond, true
}

// readLine returns the next line without its end. A line that the stream's
// end cuts off is an error, since nothing after it can complete its frame.
func (s *SSEReader) readLine() ([]byte, error) {
	if !s.begun {
		s.begun = true
		if bom, err := s.r.Peek(3); err == nil && string(bom) == "\xef\xbb\xbf" {
			_, _ = s.r.Discard(len(bom)) // They were just seen.
		}
	}
	s.line = s.line[:0]
	for {
		// What is buffered, or else one byte more: a line must not wait for more than its own end.
		if s.r.Buffered() == 0 {
			if _, err := s.r.Peek(1); err != nil {
				return nil, err
			}
		}
		chunk, _ := s.r.Peek(s.r.Buffered()) // Never more than there is.
		if s.afterCR {
			s.afterCR = false
			if chunk[0] == '\n' {
				_, _ = s.r.Discard(1) // It was just seen.
				continue
			}
		}
		end := bytes.IndexAny(chunk, "\r\n")
		if end < 0 {
			if len(s.line)+len(chunk) > MaxFrameBytes {
				return nil, fmt.Errorf("a line of the stream is longer than %d bytes", MaxFrameBytes)
			}
			s.line = append(s.line, chunk...)
			_, _ = s.r.Discard(len(chunk)) // They were just seen.
			continue
		}
		s.line = append(s.line, chunk[:end]...)
		s.afterCR = chunk[end] == '\r'
		_, _ = s.r.Discard(end + 1) // They were just seen.
		return s.line, nil
	}
}

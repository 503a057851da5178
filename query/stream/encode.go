package stream

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
)

// wire is how frames are written to a client. Both hold the same frames.
type wire uint8

const (
	// wireSSE is text/event-stream. Events are default messages; every frame
	// with an id has data too, since clients in the field ignore an id alone.
	wireSSE wire = iota
	// wireNDJSON is one JSON value a line. An event is its own line; any other
	// frame is an object whose first member is "_stream", its name.
	wireNDJSON
)

const (
	idField   = "id: "
	dataField = "\ndata: "
)

func (w wire) contentType() string {
	if w == wireNDJSON {
		return "application/x-ndjson"
	}
	return "text/event-stream; charset=utf-8"
}

// appendEvent writes one event whose JSON is a single line.
func (w wire) appendEvent(dst, id, data []byte) []byte {
	if w == wireNDJSON {
		dst = append(dst, data...)
		return append(dst, '\n')
	}
	dst = append(dst, idField...)
	dst = append(dst, id...)
	dst = append(dst, dataField...)
	dst = append(dst, data...)
	return append(dst, '\n', '\n')
}

// appendControl writes a named frame; id may be empty. The members are
// encoded as JSON, which holds no line breaks.
func (w wire) appendControl(dst []byte, name, id string, members any) []byte {
	data, err := json.Marshal(members)
	if err != nil {
		panic("stream: a frame that JSON cannot hold: " + err.Error())
	}
	if w == wireNDJSON {
		dst = append(dst, `{"_stream":"`...)
		dst = append(dst, name...)
		dst = append(dst, '"')
		if id != "" {
			dst = append(dst, `,"id":"`...)
			dst = append(dst, id...)
			dst = append(dst, '"')
		}
		if len(data) > len("{}") {
			dst = append(dst, ',')
			dst = append(dst, data[1:]...)
		} else {
			dst = append(dst, '}')
		}
		return append(dst, '\n')
	}
	dst = append(dst, "event: "...)
	dst = append(dst, name...)
	if id != "" {
		dst = append(dst, "\nid: "...)
		dst = append(dst, id...)
	}
	dst = append(dst, dataField...)
	dst = append(dst, data...)
	return append(dst, '\n', '\n')
}

// appendRetry tells the client how long to wait before it reconnects.
func (w wire) appendRetry(dst []byte, after time.Duration) []byte {
	if w == wireNDJSON {
		return dst
	}
	dst = append(dst, "retry: "...)
	dst = strconv.AppendInt(dst, after.Milliseconds(), 10)
	return append(dst, '\n', '\n')
}

// appendHeartbeat keeps the connection warm: a comment, or an empty line,
// which every reader of NDJSON skips.
func (w wire) appendHeartbeat(dst []byte, now time.Time) []byte {
	if w == wireNDJSON {
		return append(dst, '\n')
	}
	dst = append(dst, ": hb "...)
	dst = strconv.AppendInt(dst, now.UnixMilli(), 10)
	return append(dst, '\n', '\n')
}

// oneLine makes sure that JSON cannot end a line of the frame it goes into.
// Line breaks and NULs can stand only between the tokens of valid JSON, so
// blanks in their place change nothing; anything else loses no more than the
// byte that would have broken the stream.
func oneLine(data []byte) []byte {
	if bytes.IndexByte(data, '\n') < 0 && bytes.IndexByte(data, '\r') < 0 && bytes.IndexByte(data, 0) < 0 {
		return data
	}
	for i, b := range data {
		if b == '\n' || b == '\r' || b == 0 {
			data[i] = ' '
		}
	}
	return data
}

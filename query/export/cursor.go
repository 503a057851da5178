package export

import (
	"encoding/binary"
	"net/url"
	"strings"
	"time"

	"daybook/pkg/apierror"
	"daybook/pkg/event"
	"daybook/query/archived"
	"daybook/query/cursor"
)

// position is where an event stands in the order of an export. Rows with equal
// positions are copies of one event.
type position struct {
	created time.Time
	id      string
	source  string
}

func positionOf(e *event.Event) position { return position{e.CreatedAt, e.EventID, e.Source} }

// parsePosition reads the parameter after: createdAt, eventId and source of an
// event, each escaped as a part of a path, with / between them.
func parsePosition(written string) (*position, error) {
	parts := strings.Split(written, "/")
	if len(parts) != 3 {
		return nil, apierror.Invalid("after", "must be createdAt/eventId/source of the last event that arrived, each escaped as a part of a path")
	}
	for i, part := range parts {
		text, err := url.PathUnescape(part)
		if err != nil {
			return nil, apierror.Invalid("after", "its parts must be escaped as those of a path: %v", err)
		}
		parts[i] = strings.ToValidUTF8(text, "\uFFFD")
	}
	created, err := time.Parse(time.RFC3339Nano, parts[0])
	if err != nil || created.Year() < 1 || created.Year() > 9999 {
		return nil, apierror.Invalid("after", "%q is not the createdAt of an event", parts[0])
	}
	return &position{created.UTC(), parts[1], parts[2]}, nil
}

// binding is what a cursor of the export is valid for.
func (r *request) binding() uint64 {
	texts := []string{"export", string(r.scope.Tenant), r.filter.Identity()}
	if r.archive {
		texts = append(texts, archived.Value)
	}
	return cursor.Binding(texts...)
}

// maxCount bounds what a cursor is believed.
const maxCount = 16 << 10

// content writes a view, and the position behind which it goes on, as
// a cursor has it.
func content(v *view, after *position) []byte {
	var out []byte
	for _, t := range []time.Time{v.began, v.oldest, v.newest, v.ingested} {
		out = binary.AppendVarint(out, t.UnixMicro())
	}
	out = binary.AppendVarint(out, v.width)
	out = binary.AppendUvarint(out, uint64(len(v.logs)))
	for _, l := range v.logs {
		out = appendText(out, l.topic)
		out = binary.AppendUvarint(out, uint64(len(l.next)))
		for _, offset := range l.next {
			out = binary.AppendVarint(out, offset)
		}
	}
	if after != nil {
		out = binary.AppendVarint(out, after.created.UnixMicro())
		out = appendText(appendText(out, after.id), after.source)
	}
	return out
}

func appendText(out []byte, text string) []byte {
	return append(binary.AppendUvarint(out, uint64(len(text))), text...)
}

// readContent is the reverse of content.
func readContent(content []byte) (*view, *position, error) {
	r := contentReader{rest: content}
	v := &view{began: r.time(), oldest: r.time(), newest: r.time(), ingested: r.time(), width: r.width()}
	for range r.count() {
		l := log{topic: r.text()}
		for range r.count() {
			l.next = append(l.next, r.varint())
		}
		v.logs = append(v.logs, l)
	}
	var after *position
	if len(r.rest) > 0 {
		after = &position{created: r.time(), id: r.text(), source: r.text()}
	}
	if r.damaged || len(r.rest) > 0 {
		return nil, nil, cursor.Damaged()
	}
	return v, after, nil
}

// contentReader reads parts until one is damaged; then all are empty.
type contentReader struct {
	rest    []byte
	damaged bool
}

func (r *contentReader) take(n int) []byte {
	if n <= 0 || n > len(r.rest) {
		r.rest, r.damaged = nil, true
		return nil
	}
	part := r.rest[:n]
	r.rest = r.rest[n:]
	return part
}

func (r *contentReader) varint() int64 {
	value, n := binary.Varint(r.rest)
	r.take(n)
	return value
}

func (r *contentReader) time() time.Time { return time.UnixMicro(r.varint()).UTC() }

func (r *contentReader) width() int64 {
	width := r.varint()
	if width < 0 || width > 1<<40 {
		r.damaged = true
		return 0
	}
	return width
}

func (r *contentReader) count() int {
	value, n := binary.Uvarint(r.rest)
	if r.take(n); value > maxCount {
		r.damaged = true
	}
	if r.damaged {
		return 0
	}
	return int(value)
}

func (r *contentReader) text() string {
	n := r.count()
	if n == 0 {
		return ""
	}
	return string(r.take(n))
}

package httpserver

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Streams keeps the answers that go on when their handlers have returned, on
// their bare connections. An answer that lasts for hours and is mostly silent
// costs net/http's buffers, the request and the deep stack of a handler, some
// 20 KB, which nothing needs any more once its header is out. The zero value
// is ready.
type Streams struct {
	mu      sync.Mutex // guards what follows
	open    map[net.Conn]struct{}
	running sync.WaitGroup
}

// Detachable is the answer to a call whose handler may go on without net/http.
type Detachable struct {
	http.ResponseWriter
	streams *Streams
	request *http.Request

	body  *Body // nil: not detached
	serve func(context.Context, *Body)
}

// Detachable returns w as an answer that may be detached. Whoever calls the
// handler calls Start after it.
func (s *Streams) Detachable(w http.ResponseWriter, r *http.Request) *Detachable {
	return &Detachable{ResponseWriter: w, streams: s, request: r}
}

// Unwrap is what http.ResponseController looks for.
func (d *Detachable) Unwrap() http.ResponseWriter { return d.ResponseWriter }

// Detach takes the connection of an answer, whose header must be complete and
// unsent, from net/http. When the handler has returned, serve is called in a
// goroutine of its own with the body of an answer 200; its context ends when
// the client leaves. The error is http.ErrNotSupported where net/http has to
// stay: HTTP/2, HTTP/1.0, an answer that is not Detachable.
func Detach(w http.ResponseWriter, serve func(context.Context, *Body)) error {
	for {
		if d, ok := w.(*Detachable); ok {
			return d.detach(serve)
		}
		next, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return http.ErrNotSupported
		}
		w = next.Unwrap()
	}
}

func (d *Detachable) detach(serve func(context.Context, *Body)) error {
	if d.request.Proto != "HTTP/1.1" {
		return http.ErrNotSupported
	}
	conn, _, err := http.NewResponseController(d.ResponseWriter).Hijack()
	if err != nil {
		return err
	}
	d.serve, d.body = serve, &Body{conn: conn, header: appendHeader(nil, d.Header(), time.Now())}
	return nil
}

// Start lets a detached answer begin and returns whether there is one. ended,
// which may be nil, is called after its end with the bytes of its body.
func (d *Detachable) Start(ended func(bytes int64)) bool {
	body, serve, s := d.body, d.serve, d.streams
	if body == nil {
		return false
	}
	s.mu.Lock()
	if s.open == nil {
		s.open = map[net.Conn]struct{}{}
	}
	s.open[body.conn] = struct{}{}
	s.mu.Unlock()
	s.running.Go(func() {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		s.running.Go(func() {
			if hasLeft(body.conn) {
				cancel()
			}
		})
		serve(ctx, body)
		body.end()
		s.mu.Lock()
		delete(s.open, body.conn)
		s.mu.Unlock()
		_ = body.conn.Close() // There is nobody to tell.
		if ended != nil {
			ended(body.sent)
		}
	})
	return true
}

// hasLeft returns whether the client has closed the connection, once it has.
// It returns false when the client sends something, which it has no reason to.
func hasLeft(conn net.Conn) bool {
	var one [1]byte
	n, _ := conn.Read(one[:])
	return n == 0
}

// Wait returns when every detached answer has ended. It closes those that have
// not when ctx ends.
func (s *Streams) Wait(ctx context.Context) {
	defer context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for conn := range s.open {
			_ = conn.Close() // There is nobody to tell.
		}
	})()
	s.running.Wait()
}

// Body is the body of a detached answer, in the chunked coding of RFC 9112,
// section 7.1. It is for one goroutine.
type Body struct {
	conn   net.Conn
	header []byte // until it is sent
	sent   int64  // bytes of data
	broken bool   // a write has failed, perhaps in mid-chunk
}

// SetWriteDeadline bounds the writes that follow.
func (b *Body) SetWriteDeadline(t time.Time) error { return b.conn.SetWriteDeadline(t) }

// Flush does nothing: every write is sent at once.
func (b *Body) Flush() error { return nil }

// Write sends p, which must not be empty, as one chunk.
func (b *Body) Write(p []byte) (int, error) {
	buf := pieces.Get().(*[]byte) //nolint:forcetypeassert // Nothing else is put there.
	defer pieces.Put(buf)
	chunk := append(AppendChunkSize(append((*buf)[:0], b.header...), len(p)), p...)
	*buf = append(chunk, crlf...)
	if err := b.send(*buf, len(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// WriteChunks sends what is in the chunked coding already: chunks with so many
// bytes of data in all. Clients of one chunk can share its memory.
func (b *Body) WriteChunks(data int, chunks ...[]byte) error {
	if len(chunks) == 1 && b.header == nil {
		return b.send(chunks[0], data)
	}
	// One after the other would be a packet for each, or a record of TLS.
	buf := pieces.Get().(*[]byte) //nolint:forcetypeassert // Nothing else is put there.
	defer pieces.Put(buf)
	*buf = append((*buf)[:0], b.header...)
	for _, chunk := range chunks {
		*buf = append(*buf, chunk...)
	}
	return b.send(*buf, data)
}

// send writes p, in which there are so many bytes of data.
func (b *Body) send(p []byte, data int) error {
	b.header = nil
	if _, err := b.conn.Write(p); err != nil {
		b.broken = true
		return err
	}
	b.sent += int64(data)
	return nil
}

// end ends the body where the client can still take it for whole.
func (b *Body) end() {
	if !b.broken {
		_ = b.conn.SetWriteDeadline(time.Now().Add(time.Second))
		_ = b.send(append(b.header, "0\r\n\r\n"...), 0)
	}
}

const crlf = "\r\n"

// ChunkOverhead is how many bytes the chunked coding adds to a chunk at most.
const ChunkOverhead = 16 + 2*len(crlf)

// AppendChunkSize begins a chunk of so many bytes, more than none. They follow,
// and "\r\n".
func AppendChunkSize(dst []byte, size int) []byte {
	return append(strconv.AppendUint(dst, uint64(size), 16), crlf...)
}

// pieces holds what is put together to be written.
var pieces = sync.Pool{New: func() any { return new([]byte) }}

// appendHeader writes the header of an answer 200 whose body is chunked and
// ends with its connection.
func appendHeader(dst []byte, header http.Header, now time.Time) []byte {
	dst = append(dst, "HTTP/1.1 200 OK\r\nDate: "...)
	dst = now.UTC().AppendFormat(dst, http.TimeFormat)
	dst = append(dst, "\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"...)
	buf := bytes.NewBuffer(dst)
	_ = header.Write(buf) // A buffer takes every write.
	return append(buf.Bytes(), crlf...)
}

package kafka

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"math"
	"net"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/segmentio/kafka-go"
)

// kafka-go's connection hands out every record of a fetch: those of transactions that
// were aborted, and the markers that end transactions. Which they are stands in the
// answer's list of aborted transactions and in the headers of its batches, which it
// keeps to itself. So the bytes are looked at on their way to it: headers are read,
// records passed over. What to leave out follows as in Kafka's own consumer
// (KIP-98; CompletedFetch.nextFetchedRecord of Apache Kafka's clients).

// offsets is a range of offsets, both inclusive.
type offsets struct{ first, last int64 }

// watchedConn is a connection whose answers to fetches are watched.
type watchedConn struct {
	net.Conn

	requests, answers frames
	fetches           map[int32]int16 // versions of fetches that wait for an answer, by correlation id
	fetch             fetchAnswer

	mu      sync.Mutex // guards fetches and dropped
	dropped []offsets
}

// watch makes the dialer's connections watched ones, and returns what tells the one
// that was opened last.
func watch(dialer *kafka.Dialer) (last func() *watchedConn) {
	var opened atomic.Pointer[watchedConn]
	encrypted := dialer.TLS
	dialer.TLS = nil // It is beneath the watched connection.
	dialer.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if encrypted != nil {
			if conn, err = encrypt(ctx, conn, encrypted, address); err != nil {
				return nil, err
			}
		}
		w := newWatchedConn(conn)
		opened.Store(w)
		return w, nil
	}
	return opened.Load
}

func encrypt(ctx context.Context, conn net.Conn, config *tls.Config, address string) (net.Conn, error) {
	if config.ServerName == "" {
		config = config.Clone()
		config.ServerName, _, _ = net.SplitHostPort(address) // It was dialled.
	}
	encrypted := tls.Client(conn, config)
	if err := encrypted.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return encrypted, nil
}

func newWatchedConn(conn net.Conn) *watchedConn {
	w := &watchedConn{Conn: conn, fetches: map[int32]int16{}}
	w.requests.begin = w.beginRequest
	w.answers.begin = w.beginAnswer
	w.fetch.drop = func(o offsets) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.dropped = append(w.dropped, o)
	}
	return w
}

// Write implements net.Conn.
func (w *watchedConn) Write(p []byte) (int, error) {
	whole := w.requests.between()
	w.requests.pass(p)
	if whole {
		p = unbounded(p)
	}
	return w.Conn.Write(p)
}

// unbounded returns a request with the bound on the whole of a fetch lifted: that of its
// one partition, which kafka-go makes the same, bounds it. Where the former cuts an
// answer, kfake leaves out which transactions were aborted.
func unbounded(request []byte) []byte {
	const top = 4 + 8 + 2 // Size; kind, version, correlation id; the length of the client's id.
	if len(request) < top || int64(binary.BigEndian.Uint32(request))+4 != int64(len(request)) || binary.BigEndian.Uint16(request[4:]) != fetchKey {
		return request
	}
	if version := binary.BigEndian.Uint16(request[6:]); version != 5 && version != 10 { // kafka-go asks by no other that knows transactions.
		return request
	}
	at := top + max(0, int(int16(binary.BigEndian.Uint16(request[12:])))) + 3*4 // Behind the replica, the time and the least size.
	if len(request) < at+4 {
		return request
	}
	changed := slices.Clone(request)
	binary.BigEndian.PutUint32(changed[at:], math.MaxInt32)
	return changed
}

const fetchKey = 1

// Read implements net.Conn.
func (w *watchedConn) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.answers.pass(p[:n])
	return n, err
}

// take returns what is to be left out of the fetch that was read last.
func (w *watchedConn) take() []offsets {
	w.mu.Lock()
	defer w.mu.Unlock()
	dropped := w.dropped
	w.dropped = nil
	return dropped
}

// beginRequest reads the beginning of a request: kind, version, correlation id.
func (w *watchedConn) beginRequest(f *frames) {
	f.want(8, func(head []byte) {
		if binary.BigEndian.Uint16(head) == fetchKey {
			w.mu.Lock()
			w.fetches[int32(binary.BigEndian.Uint32(head[4:]))] = int16(binary.BigEndian.Uint16(head[2:]))
			w.mu.Unlock()
		}
	})
}

// beginAnswer reads the beginning of an answer: the request's correlation id.
func (w *watchedConn) beginAnswer(f *frames) {
	f.want(4, func(head []byte) {
		id := int32(binary.BigEndian.Uint32(head))
		w.mu.Lock()
		version, ok := w.fetches[id]
		delete(w.fetches, id)
		w.mu.Unlock()
		if ok {
			w.fetch.read(f, version)
		}
	})
}

// frames follows a stream of frames, each after its size in four bytes, in whatever
// pieces it passes by. For each frame it calls begin, which wants bytes of it, and so
// on; what nobody wants is passed over.
type frames struct {
	begin func(*frames)

	left   int64 // of the frame
	over   int64 // of left, to pass over before anything that is wanted
	wanted int
	seen   []byte // of what is wanted
	then   func([]byte)
}

// want calls then with the frame's next n bytes, unless it ends before.
func (f *frames) want(n int, then func([]byte)) { f.wanted, f.then = n, then }

// skip passes over the frame's next n bytes.
func (f *frames) skip(n int64) { f.over = n }

// between reports whether no frame has begun that has not ended.
func (f *frames) between() bool { return f.left == 0 && len(f.seen) == 0 }

func (f *frames) pass(p []byte) {
	for len(p) > 0 {
		switch {
		case f.left == 0: // Before a frame.
			if p = f.collect(p, 4); len(f.seen) == 4 {
				f.left, f.over, f.wanted = int64(binary.BigEndian.Uint32(f.seen)), 0, 0
				f.seen = f.seen[:0]
				f.begin(f)
			}
		case f.wanted == 0 || f.over > 0 || f.left < int64(f.wanted-len(f.seen)): // The last: it ends in the middle of something.
			n := f.left
			if f.over > 0 && f.wanted > 0 {
				n = min(n, f.over)
			}
			n = min(n, int64(len(p)))
			p, f.left, f.over = p[n:], f.left-n, max(0, f.over-n)
			f.end()
		default:
			before := len(f.seen)
			p = f.collect(p, f.wanted)
			f.left -= int64(len(f.seen) - before)
			if len(f.seen) == f.wanted {
				then := f.then
				f.wanted = 0
				then(f.seen)
				f.seen = f.seen[:0]
			}
			f.end()
		}
	}
}

// end forgets what a frame was too short for.
func (f *frames) end() {
	if f.left == 0 {
		f.wanted, f.over, f.seen = 0, 0, f.seen[:0]
	}
}

// collect moves bytes into seen until it has n, and returns the rest.
func (f *frames) collect(p []byte, n int) []byte {
	n = min(n-len(f.seen), len(p))
	f.seen = append(f.seen, p[:n]...)
	return p[n:]
}

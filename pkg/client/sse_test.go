package client

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The vectors follow the web platform tests of eventsource/ (format-*.any.js).
var vectors = []struct {
	name   string
	stream string
	want   []string // NAME|ID|DATA
	lastID string
	retry  time.Duration
}{
	{name: "plain", stream: "data: a\n\ndata: b\n\n", want: []string{"message||a", "message||b"}},
	{name: "bom", stream: "\ufeffdata:1\n\n\ufeffdata:2\n\ndata:3\n\n", want: []string{"message||1", "message||3"}},
	{name: "two boms", stream: "\ufeff\ufeffdata:1\n\ndata:2\n\n", want: []string{"message||2"}},
	{name: "part of a bom", stream: "\xef\xbbdata:1\n\ndata:2\n\n", want: []string{"message||2"}},
	{name: "CR", stream: "data: a\r\rdata: b\r\r", want: []string{"message||a", "message||b"}},
	{name: "CRLF", stream: "data: a\r\ndata: b\r\n\r\n", want: []string{"message||a\nb"}},
	{name: "mixed line ends", stream: "data:1\r:\n\ndata:2\n\rdata:3\r\n\n", want: []string{"message||1", "message||2", "message||3"}},
	{name: "comments", stream: "data:1\n:\x00\n:\r\ndata:2\n:" + strings.Repeat("x", 2048) + "\rdata:3\n:data:fail\ndata:4\n\n",
		want: []string{"message||1\n2\n3\n4"}},
	{name: "cut before the empty line", stream: "retry:1000\ndata:test1\n\nid:test\ndata:test2", want: []string{"message||test1"}, retry: time.Second},
	{name: "cut after a line", stream: "data:test1\n\nid:test\ndata:test2\n", want: []string{"message||test1"}},
	{name: "data field", stream: "data:\n\ndata\ndata\n\ndata:test\n\n", want: []string{"message||", "message||\n", "message||test"}},
	{name: "parsing", stream: "data:\x00\ndata:  2\rData:1\ndata\x00:2\ndata:1\r\x00data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n data:32\ndata:4\n\n",
		want: []string{"message||\x00\n 2\n1\n3\n\n4"}},
	{name: "leading space", stream: "data:\ttest\rdata: \ndata:test\n\n", want: []string{"message||\ttest\n\ntest"}},
	{name: "newlines", stream: "data:test\r\ndata\ndata:test\r\n\r\n", want: []string{"message||test\n\ntest"}},
	{name: "unknown field", stream: "data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacommentyay\ndata:test\n\n", want: []string{"message||test\n\ntest"}},
	{name: "null character", stream: "data:\x00\n\n\n\n", want: []string{"message||\x00"}},
	{name: "event", stream: "event:test\ndata:x\n\ndata:x\n\n", want: []string{"test||x", "message||x"}},
	{name: "empty event", stream: "event: \ndata:data\n\n", want: []string{"message||data"}},
	{name: "event without data is forgotten", stream: "event:test\n\ndata:x\n\n", want: []string{"message||x"}},
	{name: "id stays", stream: "id: 1\ndata: a\n\ndata: b\n\n", want: []string{"message|1|a", "message|1|b"}, lastID: "1"},
	{name: "id is reset by an empty one", stream: "id: 1\ndata: a\n\nid\ndata: b\n\n", want: []string{"message|1|a", "message||b"}},
	{name: "id with NUL", stream: "id: 1\ndata: a\n\nid: 2\x003\ndata: b\n\n", want: []string{"message|1|a", "message|1|b"}, lastID: "1"},
	{name: "id alone", stream: "id: 7\n\n", lastID: "7"},
	{name: "id of a cut frame", stream: "id: 7\ndata: a\n\nid: 8\ndata: b\n", want: []string{"message|7|a"}, lastID: "7"},
	{name: "retry", stream: "retry:03000\n\nretry:bogus\n\nretry: 5 \n\nretry\n\nretry:-1\n\n", retry: 3 * time.Second},
	{name: "retry is bounded", stream: "retry:99999999999999999999999\n\n", retry: 24 * time.Hour},
	{name: "utf-8", stream: "data:ok…\n\n", want: []string{"message||ok…"}},
	{name: "nothing"},
}

func read(r io.Reader) (frames []string, reader *SSEReader, err error) {
	reader = NewSSEReader(r)
	for {
		f, err := reader.Next()
		if err != nil {
			return frames, reader, err
		}
		frames = append(frames, fmt.Sprintf("%s|%s|%s", f.Name, f.ID, f.Data))
	}
}

func TestSSEReader(t *testing.T) {
	for _, v := range vectors {
		readers := map[string]io.Reader{
			"whole":        strings.NewReader(v.stream),
			"byte by byte": iotest.OneByteReader(strings.NewReader(v.stream)),
			"data and end": iotest.DataErrReader(strings.NewReader(v.stream)),
		}
		for seed := range uint64(20) {
			readers[fmt.Sprintf("split %d", seed)] = &splitter{strings.NewReader(v.stream), rand.New(rand.NewPCG(seed, 1))}
		}
		for how, r := range readers {
			t.Run(v.name+"/"+how, func(t *testing.T) {
				got, reader, err := read(r)
				if !errors.Is(err, io.EOF) {
					t.Fatalf("ended with %v, want the end of the stream", err)
				}
				if diff := cmp.Diff(v.want, got); diff != "" {
					t.Errorf("frames (-want +got):\n%s", diff)
				}
				if reader.LastID() != v.lastID {
					t.Errorf("last id %q, want %q", reader.LastID(), v.lastID)
				}
				if reader.Retry != v.retry {
					t.Errorf("retry %s, want %s", reader.Retry, v.retry)
				}
			})
		}
	}
}

// splitter reads in random pieces.
type splitter struct {
	r    io.Reader
	rand *rand.Rand
}

func (s *splitter) Read(p []byte) (int, error) {
	return s.r.Read(p[:1+s.rand.IntN(min(len(p), 7))])
}

func TestSSEReader_DoesNotWaitForMore(t *testing.T) {
	r, w := io.Pipe()
	defer func() { _ = w.Close() }()
	reader := NewSSEReader(r)
	got := make(chan string)
	go func() {
		f, _ := reader.Next()
		got <- string(f.Data)
	}()
	go func() { _, _ = w.Write([]byte("data: a\r\r")) }() // A LF might follow; the frame is complete all the same.
	select {
	case data := <-got:
		if data != "a" {
			t.Errorf("got %q", data)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("a complete frame waits for what comes after it")
	}
}

func TestSSEReader_Bounded(t *testing.T) {
	for name, stream := range map[string]io.Reader{
		"one line":   io.MultiReader(strings.NewReader("data: "), endless('x')),
		"many lines": endless([]byte("data: 0123456789\n")...),
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := read(stream); err == nil || errors.Is(err, io.EOF) {
				t.Errorf("ended with %v, want an error that names the bound", err)
			}
		})
	}
}

type endlessReader struct {
	pattern []byte
	at      int
}

func endless(pattern ...byte) io.Reader { return &endlessReader{pattern: pattern} }

func (e *endlessReader) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = e.pattern[e.at%len(e.pattern)]
		e.at++
	}
	return len(p), nil
}

// FuzzSSEReader checks that how the bytes arrive changes nothing.
func FuzzSSEReader(f *testing.F) {
	for _, v := range vectors {
		f.Add([]byte(v.stream), uint64(1))
	}
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64) {
		whole, a, _ := read(strings.NewReader(string(stream)))
		split, b, _ := read(&splitter{strings.NewReader(string(stream)), rand.New(rand.NewPCG(seed, 2))})
		if diff := cmp.Diff(whole, split); diff != "" {
			t.Errorf("read in pieces, the frames differ (-whole +pieces):\n%s", diff)
		}
		if a.LastID() != b.LastID() || a.Retry != b.Retry {
			t.Errorf("read in pieces, the state differs: %q %s, %q %s", a.LastID(), a.Retry, b.LastID(), b.Retry)
		}
	})
}

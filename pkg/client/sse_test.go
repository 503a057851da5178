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

	"daybook/pkg/client/ssetest"
)

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
	for _, v := range ssetest.Vectors {
		readers := map[string]io.Reader{
			"whole":        strings.NewReader(v.Stream),
			"byte by byte": iotest.OneByteReader(strings.NewReader(v.Stream)),
			"data and end": iotest.DataErrReader(strings.NewReader(v.Stream)),
		}
		for seed := range uint64(20) {
			readers[fmt.Sprintf("split %d", seed)] = &splitter{strings.NewReader(v.Stream), rand.New(rand.NewPCG(seed, 1))}
		}
		for how, r := range readers {
			t.Run(v.Name+"/"+how, func(t *testing.T) {
				got, reader, err := read(r)
				if !errors.Is(err, io.EOF) {
					t.Fatalf("ended with %v, want the end of the stream", err)
				}
				if diff := cmp.Diff(v.Want, got); diff != "" {
					t.Errorf("frames (-want +got):\n%s", diff)
				}
				if reader.LastID() != v.LastID {
					t.Errorf("last id %q, want %q", reader.LastID(), v.LastID)
				}
				if reader.Retry != v.Retry {
					t.Errorf("retry %s, want %s", reader.Retry, v.Retry)
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
	for _, v := range ssetest.Vectors {
		f.Add([]byte(v.Stream), uint64(1))
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

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http/httputil"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// The clients of bench stream are a process of their own, so that what they
// cost is not counted as the server's. It is told what to do on its standard
// input, a word a line, and answers each word with a line of JSON.

// streamClients says which clients a process has.
type streamClients struct {
	Addr    string
	Count   int
	Tenants int    // client i reads tenant i modulo so many
	LastID  string // they go on behind it; empty: now
	Sample  int    // of so many each arrival is noted
	Stall   int    // so many others stop to read between "stall" and "go"
}

// streamStats is what the clients have had so far.
type streamStats struct {
	Connected int
	Greeted   int   // clients that have got a first byte
	Events    int64 // of all clients
	Least     int64 // events of the client that has the fewest
	Bytes     int64
	CPU       float64   // seconds that the process has used
	Arrivals  []arrival // of the sampled clients since the last answer
}

// arrival says that an event came at a time, in Unix nanoseconds.
type arrival struct{ Event, At int64 }

func (a *app) benchStreamClientsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "stream-clients SETTINGS", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var settings streamClients
			if err := json.Unmarshal([]byte(args[0]), &settings); err != nil {
				return usagef("the settings can't be read: %v", err)
			}
			return runStreamClients(cmd.Context(), settings, a.stdin, a.stdout)
		},
	}
}

// benchClient is one connection.
type benchClient struct {
	events  atomic.Int64
	greeted atomic.Bool
	sampled bool
	stalls  bool
}

// crowd is all connections of the process.
type crowd struct {
	settings streamClients
	clients  []*benchClient
	bytes    atomic.Int64

	mu       sync.Mutex // guards what follows
	arrivals []arrival
	stalled  chan struct{} // not nil: closed when those that stall may read on
}

func runStreamClients(ctx context.Context, settings streamClients, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := &crowd{settings: settings}
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	var dialing sync.WaitGroup
	places := make(chan struct{}, 64) // A listener's queue is not endless.
	failures := make(chan error, settings.Count)
	for i := range settings.Count {
		client := &benchClient{sampled: i < settings.Sample, stalls: i >= settings.Sample && i < settings.Sample+settings.Stall}
		c.clients = append(c.clients, client)
		places <- struct{}{}
		dialing.Go(func() {
			defer func() { <-places }()
			conn, err := c.dial(ctx, i)
			if err != nil {
				failures <- err
				return
			}
			running.Go(func() {
				defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
				defer func() { _ = conn.Close() }()
				c.read(conn, client)
			})
		})
	}
	dialing.Wait()
	select {
	case err := <-failures:
		return err
	default:
	}
	words, answers := bufio.NewScanner(in), json.NewEncoder(out)
	for words.Scan() {
		switch words.Text() {
		case "stall":
			c.mu.Lock()
			c.stalled = make(chan struct{})
			c.mu.Unlock()
		case "go":
			c.mu.Lock()
			close(c.stalled)
			c.stalled = nil
			c.mu.Unlock()
		}
		if err := answers.Encode(c.stats()); err != nil {
			return err
		}
	}
	return words.Err()
}

// dial connects a client and asks for its stream.
func (c *crowd) dial(ctx context.Context, i int) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", c.settings.Addr)
	if err != nil {
		return nil, err
	}
	request := "GET /api/v1/events/stream HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\nAuthorization: Bearer bench\r\nX-Tenant-Id: " + benchTenantName(i%c.settings.Tenants) + "\r\n"
	if c.settings.LastID != "" {
		request += "Last-Event-ID: " + c.settings.LastID + "\r\n"
	}
	_, err = io.WriteString(conn, request+"\r\n")
	return conn, err
}

func benchTenantName(i int) string { return "t-" + strconv.Itoa(i) }

// benchEventMark begins the JSON of an event; its number follows.
const benchEventMark = `{"eventId":"e-`

// read counts what comes. It does not look at more than it must: its time is
// taken from the server's.
func (c *crowd) read(conn net.Conn, client *benchClient) {
	size := 32 << 10
	if c.settings.Count > 2000 {
		size = 4 << 10
	}
	head := bufio.NewReaderSize(conn, size)
	for { // The header of the answer.
		line, err := head.ReadSlice('\n')
		if err != nil {
			return
		}
		if len(line) <= len("\r\n") {
			break
		}
	}
	body := httputil.NewChunkedReader(head)
	if client.sampled {
		c.note(body, client)
		return
	}
	mark := []byte(benchEventMark)
	buffer := make([]byte, size)
	kept := 0 // bytes of what came before, where a mark may have begun
	for {
		if client.stalls {
			c.mu.Lock()
			wait := c.stalled
			c.mu.Unlock()
			if wait != nil {
				<-wait
			}
		}
		n, err := body.Read(buffer[kept:])
		if err != nil {
			return
		}
		client.greeted.Store(true)
		c.bytes.Add(int64(n))
		text := buffer[:kept+n]
		client.events.Add(int64(bytes.Count(text, mark)))
		kept = copy(buffer, text[max(0, len(text)-len(mark)+1):])
	}
}

// note counts what comes, and when.
func (c *crowd) note(body io.Reader, client *benchClient) {
	lines := bufio.NewReaderSize(body, 64<<10)
	for {
		line, err := lines.ReadSlice('\n')
		if err != nil {
			return
		}
		client.greeted.Store(true)
		c.bytes.Add(int64(len(line)))
		rest, ok := bytes.CutPrefix(line, []byte("data: "+benchEventMark))
		if !ok {
			continue
		}
		digits, _, _ := bytes.Cut(rest, []byte{'"'})
		number, _ := strconv.ParseInt(string(digits), 10, 64) // The benchmark wrote it.
		c.mu.Lock()
		c.arrivals = append(c.arrivals, arrival{number, time.Now().UnixNano()})
		c.mu.Unlock()
		client.events.Add(1)
	}
}

func (c *crowd) stats() streamStats {
	s := streamStats{Connected: len(c.clients), Bytes: c.bytes.Load(), CPU: cpuSeconds(), Least: math.MaxInt64}
	for _, client := range c.clients {
		if client.greeted.Load() {
			s.Greeted++
		}
		n := client.events.Load()
		s.Events += n
		s.Least = min(s.Least, n)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Arrivals, c.arrivals = c.arrivals, nil
	return s
}

// cpuSeconds returns what the process has used of its cores.
func cpuSeconds() float64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return math.NaN()
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()).Seconds()
}

// crowdProcess is a running process of clients.
type crowdProcess struct {
	command *exec.Cmd
	words   io.WriteCloser
	answers *json.Decoder
}

// startCrowd starts clients and returns when all are connected.
func startCrowd(ctx context.Context, settings streamClients) (*crowdProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(settings)
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, self, "bench", "stream-clients", string(text)) //nolint:gosec // It is this program.
	command.Stderr = os.Stderr
	words, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	answers, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start the clients: %w", err)
	}
	return &crowdProcess{command: command, words: words, answers: json.NewDecoder(answers)}, nil
}

// say tells the clients a word and returns what they have had.
func (p *crowdProcess) say(word string) (streamStats, error) {
	var s streamStats
	if _, err := io.WriteString(p.words, word+"\n"); err != nil {
		return s, fmt.Errorf("tell the clients: %w", err)
	}
	if err := p.answers.Decode(&s); err != nil {
		return s, fmt.Errorf("hear from the clients: %w", err)
	}
	return s, nil
}

// await asks until ok, every few milliseconds, for a minute.
func (p *crowdProcess) await(ctx context.Context, what string, ok func(streamStats) bool) (streamStats, error) {
	limit := time.NewTimer(time.Minute)
	defer limit.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var arrivals []arrival
	for {
		s, err := p.say("stats")
		if err != nil {
			return s, err
		}
		arrivals = append(arrivals, s.Arrivals...)
		if s.Arrivals = arrivals; ok(s) {
			return s, nil
		}
		select {
		case <-tick.C:
		case <-limit.C:
			return s, fmt.Errorf("it did not come about within a minute that %s: %d of %d clients greeted, %d events", what, s.Greeted, s.Connected, s.Events)
		case <-ctx.Done():
			return s, ctx.Err()
		}
	}
}

// close ends the clients.
func (p *crowdProcess) close() error {
	return errors.Join(p.words.Close(), p.command.Wait())
}

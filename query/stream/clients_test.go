package stream

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"daybook/pkg/client/ssetest"
)

// The clients of others, which scripts/streamclients.sh fetches.

// needs returns the path of a program, or skips the test; with CI=true in the
// environment it fails instead.
func needs(t *testing.T, program string) string {
	t.Helper()
	file, err := exec.LookPath(program)
	if err != nil {
		skip(t, program+" is not installed: make streamclients")
	}
	return file
}

func skip(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip("SKIP: ", why)
}

// otherClient returns a command that runs one of the clients.
func otherClient(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	folders, err := filepath.Glob(filepath.Join(cache, "daybook", "streamclients", "*", "clients"))
	require.NoError(t, err)
	if len(folders) == 0 {
		skip(t, "the clients are not in the cache: make streamclients")
	}
	newest := slices.MaxFunc(folders, func(a, b string) int { return modified(t, a).Compare(modified(t, b)) })
	if name == "sseclient-py" {
		return exec.CommandContext(t.Context(), needs(t, "python3"), append([]string{"testdata/clients/clients.py", filepath.Join(newest, "python")}, args[1:]...)...)
	}
	if name == "browser" {
		t.Setenv("CHROMIUM", needs(t, "chromium"))
	}
	return exec.CommandContext(t.Context(), needs(t, "node"), append([]string{"testdata/clients/clients.mjs", newest, name}, args...)...)
}

func modified(t *testing.T, file string) time.Time {
	t.Helper()
	info, err := os.Stat(file)
	require.NoError(t, err)
	return info.ModTime()
}

// pieces are the ways in which a vector is sent.
var pieces = map[string]func(n int, dice *rand.Rand) int{
	"whole":    func(n int, _ *rand.Rand) int { return n },
	"by bytes": func(int, *rand.Rand) int { return 1 },
	"split":    func(n int, dice *rand.Rand) int { return 1 + dice.IntN(min(n, 9)) },
}

// deviations are the vectors that a client reads otherwise than the standard
// asks. Ours have nothing of them, lines that end in LF, no BOM, an id in every
// frame that has data, but for one: sseclient-py shows the frame that the end of a
// connection cuts off, so its users must not take a cut line for an event.
var deviations = map[string][]string{
	"browser":     nil,
	"eventsource": {"CR", "id stays", "id with NUL"},
	"parser":      {"CR", "id stays", "id with NUL"},
	"sseclient-py": {
		"bom", "part of a bom", "cut after a line", "cut before the empty line", "id of a cut frame", "id stays", "id with NUL", "mixed line ends",
	},
}

// The browser's EventSource and the clients of others read the vectors as our
// own reader does, but for what is known of them.
func TestClients_Vectors(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(serveVector))
	defer server.Close()
	for name := range deviations {
		t.Run(name, func(t *testing.T) {
			args := []string{"vectors"}
			var want [][]string
			var about []string
			for how := range pieces {
				for i, v := range ssetest.Vectors {
					args = append(args, fmt.Sprintf("%s/%d/%s", server.URL, i, strings.ReplaceAll(how, " ", "%20")))
					want = append(want, v.Want)
					about = append(about, v.Name)
				}
			}
			command := otherClient(t, name, args...)
			var complaints strings.Builder
			command.Stderr = &complaints
			out, err := command.Output()
			require.NoError(t, err, "%s", &complaints)
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			require.Len(t, lines, len(want), "%s", &complaints)
			deviating := map[string]bool{}
			for i, line := range lines {
				var got []string
				require.NoError(t, json.Unmarshal([]byte(line), &got))
				if len(got) == 0 {
					got = nil
				}
				if diff := cmp.Diff(want[i], got); diff != "" {
					deviating[about[i]] = true
					if !slices.Contains(deviations[name], about[i]) {
						t.Errorf("%s (-want +got):\n%s", about[i], diff)
					}
				}
			}
			for _, known := range deviations[name] {
				if !deviating[known] {
					t.Errorf("it reads %q as the standard asks: it is no deviation any more", known)
				}
			}
		})
	}
}

// serveVector sends /INDEX/HOW, and /page.
func serveVector(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(r.URL.Path, "/")
	if len(parts) < 3 {
		w.Header().Set("Content-Type", "text/html")
		return
	}
	i, _ := strconv.Atoi(parts[1]) // The test wrote it.
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	dice := rand.New(rand.NewPCG(uint64(i), 3))
	rc := http.NewResponseController(w)
	for rest := ssetest.Vectors[i].Stream; rest != ""; {
		n := pieces[parts[2]](len(rest), dice)
		_, _ = io.WriteString(w, rest[:n]) // A client that has gone is the test's to notice.
		_ = rc.Flush()
		rest = rest[n:]
	}
}

// Over a connection that is cut at random bytes and a node that restarts, the
// browser's EventSource and npm's bring each event once.
func TestClients_Follow(t *testing.T) {
	for _, name := range []string{"browser", "eventsource"} {
		t.Run(name, func(t *testing.T) {
			s := newStack(t, func(s *stack) {
				s.tune = func(h *Hub) { h.retry = 20 * time.Millisecond }
				s.native = "a"
			})
			front := newCuttingProxy(t, s)
			command := otherClient(t, name, "follow", "http://"+front.address+"/api/v1/events/stream")
			out, err := command.StdoutPipe()
			require.NoError(t, err)
			var complaints strings.Builder
			command.Stderr = &complaints
			command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
			require.NoError(t, command.Start())
			defer func() {
				_ = command.Process.Kill() // It follows for ever.
				_ = command.Wait()
			}()
			lines := make(chan string, 1000)
			go func() {
				defer close(lines)
				for scanner := bufio.NewScanner(out); scanner.Scan(); {
					lines <- scanner.Text()
				}
			}()
			poll(t, "it is connected", func() bool { return metric(t, s.registry, "daybook_stream_clients") > 0 })
			all := names("x", 0, 200)
			var got []string
			for i := 0; i < len(all); i += 20 {
				for p := range 2 {
					s.publish(p, "a", all[i+10*p:i+10*p+10]...)
				}
				for len(got) < i+20 {
					select {
					case line, open := <-lines:
						require.True(t, open, "it ended after %d events: %s", len(got), &complaints)
						var data string
						require.NoError(t, json.Unmarshal([]byte(line), &data))
						require.False(t, strings.HasPrefix(data, "gap") || strings.HasPrefix(data, "resync"), data)
						got = append(got, eventID(t, []byte(data)))
					case <-time.After(30 * time.Second):
						t.Fatalf("it has %d of %d events: %s", len(got), i+20, &complaints)
					}
				}
				if i == 100 {
					s.mu.Lock()
					s.stop()
					s.start()
					s.mu.Unlock()
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(slices.Sorted(slices.Values(all)), got); diff != "" {
				t.Error(diff)
			}
			if front.cuts() < 5 {
				t.Errorf("only %d connections were cut", front.cuts())
			}
		})
	}
}

// cuttingProxy is an address that stays while the node behind it restarts, and
// that cuts every connection after a random number of bytes.
type cuttingProxy struct {
	address string
	mu      sync.Mutex // guards what follows
	dice    *rand.Rand
	count   int
}

func newCuttingProxy(t *testing.T, s *stack) *cuttingProxy {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &cuttingProxy{address: listener.Addr().String(), dice: rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { p.serve(ctx, conn, s) })
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = listener.Close()
		running.Wait()
	})
	return p
}

func (p *cuttingProxy) cuts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count
}

func (p *cuttingProxy) serve(ctx context.Context, conn net.Conn, s *stack) {
	defer func() { _ = conn.Close() }()
	s.mu.Lock()
	address := strings.TrimPrefix(s.url, "http://")
	s.mu.Unlock()
	node, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return // The node is away, so the client finds nobody.
	}
	defer func() { _ = node.Close() }()
	defer context.AfterFunc(ctx, func() {
		_ = conn.Close()
		_ = node.Close()
	})()
	go func() {
		_, _ = io.Copy(node, conn) // It ends with either of them.
		_ = node.Close()
	}()
	p.mu.Lock()
	budget := int64(2000 + p.dice.IntN(9000))
	p.mu.Unlock()
	if n, _ := io.Copy(conn, io.LimitReader(node, budget)); n == budget {
		p.mu.Lock()
		p.count++
		p.mu.Unlock()
	}
}

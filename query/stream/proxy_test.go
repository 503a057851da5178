package stream

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"daybook/pkg/client"
)

var (
	idleLimit = flag.Duration("idle", 2*time.Second, "idle limit of the proxies in TestProxies")
	pause     = flag.Duration("pause", 3*time.Second, "how long the client of TestStream_Pause reads nothing")
)

// Behind nginx as Debian configures it, with gzip for everything, and with a
// limit of idle time, events come at once and a quiet stream stays open.
func TestProxies(t *testing.T) {
	nginx := needs(t, "nginx")
	for name, directives := range map[string]string{
		"default":  "", // It asks by HTTP/1.0.
		"HTTP/1.1": `proxy_http_version 1.1; proxy_set_header Connection "";`,
		"gzip":     "gzip on; gzip_types *; gzip_min_length 1; gzip_proxied any;",
		"idle":     fmt.Sprintf("proxy_read_timeout %ds;", int(idleLimit.Seconds())),
	} {
		t.Run(name, func(t *testing.T) {
			s := newStack(t, heartbeat(*idleLimit/2))
			front := startNginx(t, nginx, s.url, directives)
			r := s.connectAt(front, "a", header("Accept-Encoding", "gzip"))
			if encoding := r.response.Header.Get("Content-Encoding"); encoding != "identity" {
				t.Errorf("the stream comes as %s, which waits until it has enough", encoding)
			}
			r.frame("hello")
			began := time.Now()
			s.publish(0, "a", "first")
			r.events(1)
			if took := time.Since(began); took > time.Second {
				t.Errorf("the first event came after %s", took)
			}
			quiet := time.NewTimer(3 * *idleLimit)
			<-quiet.C
			s.publish(0, "a", "later")
			if got := r.events(1); got[0] != "later" {
				t.Errorf("got %v", got)
			}
		})
	}
}

// startNginx starts nginx before a node and returns its URL.
func startNginx(t *testing.T, nginx, node, directives string) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	dir := t.TempDir()
	file := filepath.Join(dir, "nginx.conf")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, `daemon off; master_process off; pid %[1]s/pid; error_log stderr; events {}
http {
	access_log off; client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
	sendfile on; tcp_nopush on; types_hash_max_size 2048; gzip on; %[2]s
	server { listen %[3]s; location / { proxy_pass %[4]s; } }
}
`, dir, strings.TrimPrefix(directives, "gzip on;"), address, node), 0o600))
	command := exec.CommandContext(t.Context(), nginx, "-c", file, "-e", "stderr")
	var log strings.Builder
	command.Stderr, command.WaitDelay = &log, time.Second
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		_ = command.Process.Kill() // A test's proxy has nothing to finish.
		_ = command.Wait()
		if t.Failed() {
			t.Logf("nginx says: %s", &log)
		}
	})
	poll(t, "nginx listens", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	return "http://" + address
}

// connectAt connects through a proxy.
func (s *stack) connectAt(url, id string, options ...option) *reader {
	s.t.Helper()
	return s.connect(id, append(slices.Clone(options), func(r *http.Request) {
		r.URL.Host = strings.TrimPrefix(url, "http://")
		r.Host = r.URL.Host
	})...)
}

// A client that reads nothing for a while (-pause=1m for the minute that users
// take) at 500 events/s is cut off meanwhile, goes on by its last id, and has
// everything in order.
func TestStream_Pause(t *testing.T) {
	s := newStack(t, smallRing, func(s *stack) { s.config.WriteTimeout = time.Second })
	r := s.connect("a")
	r.frame("hello")
	const perTick = 50
	var published []string
	paused := time.Now()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for time.Since(paused) < *pause {
		<-ticker.C
		batch := names("x", len(published), len(published)+perTick)
		s.publish(0, "a", batch...)
		published = append(published, batch...)
	}
	var got []string
	for len(got) < len(published) {
		timer := time.AfterFunc(30*time.Second, r.cancel)
		f, err := r.sse.Next()
		if !timer.Stop() {
			t.Fatalf("nothing came behind %d of %d events", len(got), len(published))
		}
		if err != nil { // It was cut off when its socket's buffers were full.
			id := r.sse.LastID()
			r.close()
			r = s.connect("a", header("Last-Event-ID", id))
			continue
		}
		got = append(got, eventsIn(t, f)...)
	}
	if diff := cmp.Diff(published, got); diff != "" {
		t.Error(diff)
	}
	t.Logf("%d events after a pause of %s", len(got), *pause)
}

// eventsIn returns the event of a frame, if it is one; what tells of a loss fails
// the test.
func eventsIn(t *testing.T, f client.Frame) []string {
	t.Helper()
	switch f.Name {
	case "message":
		return []string{eventID(t, f.Data)}
	case "gap", "resync", "error":
		t.Fatalf("%s: %s", f.Name, f.Data)
	}
	return nil
}

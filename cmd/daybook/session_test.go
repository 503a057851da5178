package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// session is a browser's, without a browser.
func (s *server) session(t *testing.T, key string) (cookie string) {
	t.Helper()
	return s.signIn(t, `{"key":"`+key+`"}`)
}

// sessionFor is the session of a key of every tenant for one of them.
func (s *server) sessionFor(t *testing.T, key, tenant string) (cookie string) {
	t.Helper()
	return s.signIn(t, `{"key":"`+key+`","tenantId":"`+tenant+`"}`)
}

func (s *server) signIn(t *testing.T, body string) (cookie string) {
	t.Helper()
	answer, err := http.Post(s.url+"/api/v1/session", "application/json", strings.NewReader(body))
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusCreated, answer.StatusCode)
	require.Len(t, answer.Cookies(), 1)
	return answer.Cookies()[0].Name + "=" + answer.Cookies()[0].Value
}

// A stream by cookie ends when its browser signs out, and when the key is
// revoked that it has signed in with, within 5 s and the time between two looks.
func TestServe_SessionsEndTheirStreams(t *testing.T) {
	s := configure(t)
	s.start(t)
	made := runWith(t, "", "keys", "create", "--tenant", "acme", "--scopes", "events:read,events:write")
	require.Equal(t, exitOK, made.code, made.stderr)
	key := strings.TrimSpace(made.stdout)
	mine, another := s.session(t, key), s.session(t, key)

	byKey := s.watch(t, key, "")
	byMine, byAnother := s.watch(t, "", "", "Cookie", mine), s.watch(t, "", "", "Cookie", another)
	streams := []<-chan string{byKey, byMine, byAnother}
	for i, stream := range streams {
		next(t, stream, `"mode":`) // It has begun.
		status, body := s.call(t, "POST", "/api/v1/events", "", fmt.Sprintf(`{"eventType":"a.b","eventId":"e%d"}`, i), "Cookie", mine)
		require.Equal(t, http.StatusAccepted, status, body)
		next(t, stream, fmt.Sprintf(`"eventId":"e%d"`, i))
	}
	for _, parameter := range []string{"key=" + key, "access_token=" + key, "daybook_session=x"} {
		status, body := s.call(t, "GET", "/api/v1/events/stream?"+parameter, "", "", "Cookie", mine)
		require.Equal(t, http.StatusBadRequest, status, body)
		status, _ = s.call(t, "GET", "/api/v1/events/stream?"+parameter, "", "")
		require.Equal(t, http.StatusUnauthorized, status)
	}

	status, body := s.call(t, "DELETE", "/api/v1/session", "", "", "Cookie", mine)
	require.Equal(t, http.StatusNoContent, status, body)
	next(t, byMine, `"reason":"revoked"`)
	for range byMine { // Closed by the node.
	}
	status, _ = s.call(t, "GET", "/api/v1/events/stream", "", "", "Cookie", mine)
	require.Equal(t, http.StatusUnauthorized, status)
	status, body = s.call(t, "POST", "/api/v1/events", "", `{"eventType":"a.b","eventId":"later"}`, "Cookie", another)
	require.Equal(t, http.StatusAccepted, status, body)
	next(t, byAnother, `"eventId":"later"`)
	next(t, byKey, `"eventId":"later"`)

	id := strings.Split(key, "_")[1]
	revoked := runWith(t, "", "keys", "revoke", id) // As from another node: this one learns of it.
	require.Equal(t, exitOK, revoked.code, revoked.stderr)
	listed := runWith(t, "", "keys", "list")
	require.Equal(t, 2, strings.Count(listed.stdout, "\n"), "a title and the key, no sessions:\n%s", listed.stdout)
	next(t, byAnother, `"reason":"revoked"`)
	next(t, byKey, `"reason":"revoked"`)
}

// seen is a line of what the browser says.
type seen struct {
	Status        int
	Frame, Data   string
	Closed        bool
	Who           struct{ TenantID string }
	Visible, Read string
	Left, Cookies int
}

// Chromium's own EventSource is served by its cookie; pages of other origins
// get nothing with it.
func TestServe_BrowsersEventSource(t *testing.T) {
	modules, chromium := browserNeeds(t)
	s := configure(t)
	s.start(t)
	made := runWith(t, "", "keys", "create", "--tenant", "acme", "--scopes", "events:read,events:write")
	require.Equal(t, exitOK, made.code, made.stderr)
	key := strings.TrimSpace(made.stdout)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "text/html") }))
	defer other.Close()

	browser := exec.CommandContext(t.Context(), "node", "testdata/session.mjs", modules, s.url, key)
	browser.Dir = sources
	browser.Env = append(os.Environ(), "CHROMIUM="+chromium)
	var complaints syncBuffer
	browser.Stderr = &complaints
	out, err := browser.StdoutPipe()
	require.NoError(t, err)
	in, err := browser.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, browser.Start())
	lines := make(chan seen, 1000)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			var line seen
			if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
				t.Errorf("the browser says %s", scanner.Text())
			}
			lines <- line
		}
	}()
	until := func(what string, is func(seen) bool) seen {
		t.Helper()
		deadline := time.After(time.Minute)
		for {
			select {
			case line, open := <-lines:
				require.True(t, open, "the browser ended before %s: %s", what, &complaints)
				if is(line) {
					return line
				}
			case <-deadline:
				t.Fatalf("not seen: %s. %s", what, &complaints)
			}
		}
	}
	publish := func(id string) {
		t.Helper()
		status, body := s.call(t, "POST", "/api/v1/events", key, `{"eventType":"a.b","eventId":"`+id+`"}`)
		require.Equal(t, http.StatusAccepted, status, body)
	}

	signedIn := until("signed in", func(l seen) bool { return l.Who.TenantID != "" })
	require.Equal(t, http.StatusCreated, signedIn.Status)
	require.Equal(t, "acme", signedIn.Who.TenantID)
	require.Empty(t, signedIn.Visible, "no script sees the cookie")
	until("the stream began", func(l seen) bool { return l.Frame == "hello" })
	publish("first")
	until("an event", func(l seen) bool { return l.Frame == "message" && strings.Contains(l.Data, `"eventId":"first"`) })

	for _, c := range []struct {
		page    string
		refused int // what reading with the cookie is answered with
	}{
		{other.URL, http.StatusForbidden}, // Another port is the same site: browsers send the cookie.
		{strings.Replace(other.URL, "127.0.0.1", "localhost", 1), http.StatusUnauthorized},
	} {
		before := s.answers(t)
		_, err := io.WriteString(in, "other "+c.page+"\n")
		require.NoError(t, err)
		read, closed := "", false
		until(c.page+" was refused", func(l seen) bool {
			read += l.Read
			closed = closed || l.Frame == "error" && l.Closed
			require.NotEqual(t, "hello", l.Frame, "its stream has begun")
			return read != "" && closed
		})
		require.Contains(t, read, "TypeError", "what it has read")
		want := map[string]int{"POST /api/v1/session 403": 2, "POST /api/v1/session 201": 0} // It has tried to sign in twice.
		for _, call := range []string{"GET /api/v1/events", "GET /api/v1/events/stream"} {
			want[fmt.Sprintf("%s %d", call, c.refused)] = 1
		}
		require.Eventually(t, func() bool { // They are counted after they are answered.
			now := s.answers(t)
			for call, n := range want {
				if now[call]-before[call] != n {
					return false
				}
			}
			return true
		}, 5*time.Second, 10*time.Millisecond, "%s: wanted %v more than %v, got %v", c.page, want, before, s.answers(t))
	}
	publish("second")
	until("its own page goes on", func(l seen) bool { return l.Frame == "message" && strings.Contains(l.Data, `"eventId":"second"`) })

	_, err = io.WriteString(in, "sign out\n")
	require.NoError(t, err)
	left := until("signed out", func(l seen) bool { return l.Left != 0 })
	require.Equal(t, http.StatusNoContent, left.Left)
	require.Zero(t, left.Cookies)
	until("the stream said bye", func(l seen) bool { return l.Frame == "bye" && strings.Contains(l.Data, "revoked") })
	until("it came back, was refused and gave up", func(l seen) bool { return l.Frame == "error" && l.Closed })
	require.NoError(t, in.Close())
	for range lines { // Until the browser has closed.
	}
	require.NoError(t, browser.Wait(), &complaints)
}

var counted = regexp.MustCompile(`(?m)^daybook_http_requests_total{method="(\w+)",route="([^"]+)",status="(\d+)"} (\d+)$`)

// answers counts what the node has answered, by method, route and status.
func (s *server) answers(t *testing.T) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, m := range counted.FindAllStringSubmatch(s.metrics(t), -1) {
		n, err := strconv.Atoi(m[4])
		require.NoError(t, err)
		counts[m[1]+" "+m[2]+" "+m[3]] = n
	}
	return counts
}

// browserNeeds returns where the packages are that drive a browser, and the browser.
func browserNeeds(t *testing.T) (modules, chromium string) {
	t.Helper()
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	folders, err := filepath.Glob(filepath.Join(cache, "daybook", "streamclients", "*", "clients"))
	require.NoError(t, err)
	if len(folders) == 0 {
		missing(t, "the clients are not in the cache: make streamclients")
	}
	if _, err := exec.LookPath("node"); err != nil {
		missing(t, "node is not installed")
	}
	if chromium, err = exec.LookPath("chromium"); err != nil {
		missing(t, "chromium is not installed")
	}
	return slices.MaxFunc(folders, func(a, b string) int { return changed(a).Compare(changed(b)) }), chromium
}

func changed(file string) time.Time {
	info, err := os.Stat(file)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

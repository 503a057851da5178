package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
)

// outcome is what a command line did.
type outcome struct {
	code           int
	stdout, stderr string
}

func runWith(t *testing.T, stdin string, args ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), args, strings.NewReader(stdin), &stdout, &stderr)
	return outcome{code, stdout.String(), stderr.String()}
}

func TestRun_ExitCodes(t *testing.T) {
	t.Chdir(t.TempDir())
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	if err := os.WriteFile(broken, []byte("http: {addr: nowhere}\nhttps: {addr: x}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		args   []string
		code   int
		stderr []string // what it must say, each on a line of its own
	}{
		{"version", []string{"version"}, exitOK, nil},
		{"help", []string{"--help"}, exitOK, nil},
		{"unknown command", []string{"sevre"}, exitUsage, []string{`unknown command "sevre"`}},
		{"unknown flag", []string{"serve", "--nope"}, exitUsage, []string{"unknown flag: --nope"}},
		{"extra argument", []string{"version", "x"}, exitUsage, []string{`unknown command "x"`}},
		{"missing argument", []string{"keys", "revoke"}, exitUsage, []string{"accepts 1 arg"}},
		{"group without a command", []string{"migrate"}, exitUsage, []string{"migrate: say what to do"}},
		{"group with an unknown one", []string{"migrate", "down"}, exitUsage, []string{`unknown command "down"`}},
		{"absent settings file", []string{"serve", "--config", "absent.yaml"}, exitUsage, []string{"absent.yaml"}},
		{"valid settings", []string{"serve", "--validate"}, exitOK, nil},
		{"broken settings", []string{"serve", "--validate", "--config", broken}, exitUsage, []string{
			`daybook: http.addr: "nowhere" is not host:port`, "daybook: https.addr: unknown setting (did you mean http.addr?)",
		}},
		{"broken settings of another command", []string{"migrate", "up", "--config", broken}, exitUsage, []string{"http.addr"}},
		{"unknown role", []string{"serve", "--roles", "ingest,web"}, exitUsage, []string{`"web" is not ingest or api`}},
		{"no role", []string{"serve", "--roles", ""}, exitUsage, []string{"at least one"}},
		{"demo without an API", []string{"serve", "--demo", "--roles", "ingest"}, exitUsage, []string{"--demo needs the role api"}},
		{"key without anything", []string{"keys", "create"}, exitUsage, []string{"a tenant id must not be empty; scopes: at least one"}},
		{"key with an unknown scope", []string{"keys", "create", "--tenant", "a", "--scopes", "root"}, exitUsage, []string{`"root" is not one of`}},
		{"generate without a number", []string{"generate"}, exitUsage, []string{"--events is needed"}},
		{"generate to nowhere", []string{"generate", "--events", "1", "--to", "disk"}, exitUsage, []string{`"disk" is not kafka or stdout`}},
		{"generate days without end", []string{"generate", "--events", "0", "--days", "3"}, exitUsage, []string{"events: needed"}},
		{"publish an absent file", []string{"publish", "absent.ndjson"}, exitUsage, []string{"absent.ndjson"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := runWith(t, "", c.args...)
			if got.code != c.code {
				t.Errorf("exit code %d, want %d; it said: %s", got.code, c.code, got.stderr)
			}
			for _, want := range c.stderr {
				if !strings.Contains(got.stderr, want) {
					t.Errorf("it said %q, want %q", got.stderr, want)
				}
			}
			if c.code != exitOK && !strings.HasPrefix(got.stderr, "daybook: ") || c.code == exitOK && got.stderr != "" {
				t.Errorf("on standard error: %q", got.stderr)
			}
		})
	}
}

// What keeps a command from the server is said with what to do.
func TestRun_Unreachable(t *testing.T) {
	t.Chdir(t.TempDir())
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = zap.NewStdLog(zap.NewNop())
	server.StartTLS()
	defer server.Close()
	for url, hint := range map[string]string{"http://" + free(t): "daybook: nobody listens there: --url", server.URL: "daybook: SSL_CERT_FILE may name"} {
		got := runWith(t, "", "search", "--tenant", "a", "--key", "k", "--url", url)
		require.Equal(t, exitFailed, got.code)
		require.Contains(t, got.stderr, hint)
	}
}

// free returns an address that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func TestRun_EnginesNotRunning(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("DAYBOOK_EMBEDDED_CLICKHOUSE_ADDR", free(t))
	t.Setenv("DAYBOOK_EMBEDDED_KAFKA_ADDR", free(t))
	for _, args := range [][]string{{"keys", "list"}, {"migrate", "status"}, {"migrate", "up"}} {
		got := runWith(t, "", args...)
		if got.code != exitFailed || !strings.Contains(got.stderr, "only run while daybook serve does") {
			t.Errorf("%v: %d %s", args, got.code, got.stderr)
		}
	}
}

func TestRun_ServeAddressTaken(t *testing.T) {
	t.Chdir(t.TempDir())
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	for _, key := range []string{"http.addr", "admin.addr"} {
		t.Run(key, func(t *testing.T) {
			t.Setenv("DAYBOOK_HTTP_ADDR", free(t))
			t.Setenv("DAYBOOK_ADMIN_ADDR", free(t))
			t.Setenv("DAYBOOK_LOG_LEVEL", "error")
			t.Setenv("DAYBOOK_"+strings.ToUpper(strings.ReplaceAll(key, ".", "_")), taken.Addr().String())
			got := runWith(t, "", "serve")
			want := fmt.Sprintf("daybook: %s: %s is in use by another program; stop it, or set another address\n", key, taken.Addr())
			if got.code != exitFailed || got.stderr != want {
				t.Errorf("%d %q, want %q", got.code, got.stderr, want)
			}
			if _, err := os.Stat("data"); err == nil {
				t.Error("a data folder was made although the node could not start")
			}
		})
	}
}

func TestRun_GenerateIsReproducible(t *testing.T) {
	args := []string{"generate", "--events", "500", "--days", "0", "--seed", "7", "--to", "stdout"}
	got := runWith(t, "", args...)
	if lines := strings.Count(got.stdout, "\n"); got.code != exitOK || lines != 500 {
		t.Errorf("%d, %d lines: %s", got.code, lines, got.stderr)
	}
}

func TestEachLine(t *testing.T) {
	long := strings.Repeat("x", 11)
	type call struct {
		number int
		line   string
		fault  bool
	}
	for name, c := range map[string]struct {
		in   string
		want []call
	}{
		"empty":          {"", nil},
		"no end of line": {"a\nb", []call{{1, "a", false}, {2, "b", false}}},
		"blank and CRLF": {"a\r\n\n  \nb\n", []call{{1, "a", false}, {4, "b", false}}},
		"exactly full":   {strings.Repeat("x", 10) + "\nb\n", []call{{1, strings.Repeat("x", 10), false}, {2, "b", false}}},
		"too long":       {"a\n" + strings.Repeat(long, 9) + "\nb\n", []call{{1, "a", false}, {2, "", true}, {3, "b", false}}},
		"too long last":  {strings.Repeat(long, 9), []call{{1, "", true}}},
	} {
		var got []call
		err := eachLine(strings.NewReader(c.in), 10, func(number int, line []byte, fault error) error {
			if fault != nil {
				line = nil
			}
			got = append(got, call{number, string(line), fault != nil})
			return nil
		})
		if err != nil || fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %v %v, want %v", name, got, err, c.want)
		}
	}
	err := eachLine(strings.NewReader("a\nb\n"), 10, func(int, []byte, error) error { return context.Canceled })
	if err != context.Canceled { //nolint:errorlint // Must be passed on as it is.
		t.Errorf("the callback's error became %v", err)
	}
}

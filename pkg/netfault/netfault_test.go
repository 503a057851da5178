package netfault_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"daybook/pkg/netfault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what has to happen; nothing waits so long that passes.
const patience = 20 * time.Second

// server accepts connections and gives each to a function.
func server(t *testing.T, serve func(*net.TCPConn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close()
				serve(conn.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		running.Wait()
	})
	return listener.Addr().String()
}

// echo answers what it gets.
func echo(t *testing.T) string {
	t.Helper()
	return server(t, func(conn *net.TCPConn) { _, _ = io.Copy(conn, conn) })
}

// recorder keeps what it gets on a connection, and how that ended.
type recorder struct {
	met   chan struct{} // a connection began
	got   chan []byte
	ended chan error
}

func record(t *testing.T) (string, recorder) {
	t.Helper()
	r := recorder{make(chan struct{}, 10), make(chan []byte, 10), make(chan error, 10)}
	return server(t, func(conn *net.TCPConn) {
		r.met <- struct{}{}
		got, err := io.ReadAll(conn)
		r.got <- got
		r.ended <- err
	}), r
}

func dial(t *testing.T, p *netfault.Proxy) *net.TCPConn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", p.Addr(), patience)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	return conn.(*net.TCPConn)
}

func say(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	_, err := conn.Write([]byte(text))
	require.NoError(t, err)
}

func hear(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	n, err := io.ReadFull(conn, got)
	require.NoError(t, err, "after %q", got[:n])
	require.Equal(t, want, string(got))
}

// until waits for counts of the proxy.
func until(t *testing.T, p *netfault.Proxy, what string, holds func(netfault.Counts) bool) {
	t.Helper()
	require.Eventually(t, func() bool { return holds(p.Counts()) }, patience, time.Millisecond, what)
}

func isReset(t *testing.T, conn net.Conn) {
	t.Helper()
	_, err := conn.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

func isRefused(t *testing.T, p *netfault.Proxy) {
	t.Helper()
	conn, err := net.Dial("tcp", p.Addr())
	if err == nil { // The reset may come before Dial is done.
		defer conn.Close()
		_, err = conn.Read(make([]byte, 1))
	}
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

func TestProxy_PassesEverything(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			_, _ = w.Write(body)
		}
	}))
	defer web.Close()
	p := netfault.Start(t, web.Listener.Addr().String())
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	body := bytes.Repeat([]byte("0123456789"), 300_000)
	answer, err := client.Post("http://"+p.Addr(), "text/plain", bytes.NewReader(body))
	require.NoError(t, err)
	got, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.True(t, bytes.Equal(body, got))
	require.Greater(t, p.Counts().Requests, int64(len(body)))
}

// The end of one direction leaves the other open, as without a proxy.
func TestProxy_PassesTheEndOfEachDirection(t *testing.T) {
	p := netfault.Start(t, server(t, func(conn *net.TCPConn) {
		got, _ := io.ReadAll(conn)
		_, _ = conn.Write(append(got, "!"...))
	}))
	conn := dial(t, p)
	say(t, conn, "whole")
	require.NoError(t, conn.CloseWrite())
	got, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Equal(t, "whole!", string(got))
	until(t, p, "the connection is over", func(c netfault.Counts) bool { return c.Live == 0 })
}

func TestProxy_PassesAResetOn(t *testing.T) {
	upstream, r := record(t)
	p := netfault.Start(t, upstream)
	conn := dial(t, p)
	say(t, conn, "before")
	until(t, p, "the request is there", func(c netfault.Counts) bool { return c.Requests == 6 })
	require.NoError(t, conn.SetLinger(0))
	require.NoError(t, conn.Close())
	require.Equal(t, "before", string(<-r.got))
	require.ErrorIs(t, <-r.ended, syscall.ECONNRESET)
}

// A client that is gone is a reset for a server that goes on sending to it.
func TestProxy_AServerThatSendsToNobodyIsTold(t *testing.T) {
	ended := make(chan error, 1)
	p := netfault.Start(t, server(t, func(conn *net.TCPConn) {
		_, err := io.ReadAll(conn) // The end of the requests alone is no reason to stop.
		for err == nil {
			_, err = conn.Write(make([]byte, 10_000))
		}
		ended <- err
	}))
	require.NoError(t, dial(t, p).Close())
	select {
	case err := <-ended:
		require.Error(t, err)
	case <-time.After(patience):
		t.Fatal("the server goes on")
	}
}

func TestProxy_NoUpstreamIsAReset(t *testing.T) {
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, gone.Close())
	p := netfault.Start(t, gone.Addr().String())
	isRefused(t, p)

	p.SetUpstream(echo(t))
	conn := dial(t, p)
	say(t, conn, "there")
	hear(t, conn, "there")
}

func TestCut(t *testing.T) {
	upstream, r := record(t)
	p := netfault.Start(t, upstream)
	conn := dial(t, p)
	say(t, conn, "a")
	until(t, p, "the request is there", func(c netfault.Counts) bool { return c.Requests == 1 })
	p.Cut()
	isReset(t, conn)
	require.Equal(t, "a", string(<-r.got))
	require.ErrorIs(t, <-r.ended, syscall.ECONNRESET)

	again := dial(t, p)
	say(t, again, "b")
	require.NoError(t, again.CloseWrite())
	require.Equal(t, "b", string(<-r.got))
	require.NoError(t, <-r.ended)
}

func TestRefuse(t *testing.T) {
	p := netfault.Start(t, echo(t))
	conn := dial(t, p)
	say(t, conn, "a")
	hear(t, conn, "a")
	p.Refuse()
	isReset(t, conn)
	isRefused(t, p)
	p.Heal()
	conn = dial(t, p)
	say(t, conn, "b")
	hear(t, conn, "b")
}

// silent fails the test if anything comes before the counts say that it is held.
func silent(t *testing.T, conn net.Conn) {
	t.Helper()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	n, err := conn.Read(make([]byte, 1))
	require.Zero(t, n)
	timeout, ok := errors.AsType[net.Error](err)
	require.True(t, ok && timeout.Timeout(), "nobody is told: %v", err)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
}

func TestStall_LosesNothing(t *testing.T) {
	upstream, r := record(t)
	p := netfault.Start(t, upstream)
	conn := dial(t, p)
	say(t, conn, "before ")
	until(t, p, "it passes", func(c netfault.Counts) bool { return c.Requests == 7 })
	p.Stall()
	say(t, conn, "during ")
	until(t, p, "it is held", func(c netfault.Counts) bool { return c.Held == 7 })
	hung := dial(t, p)
	say(t, hung, "hung")
	require.NoError(t, hung.CloseWrite())
	until(t, p, "it is accepted", func(c netfault.Counts) bool { return c.Live == 2 })
	require.NoError(t, conn.CloseWrite())
	silent(t, conn)
	silent(t, hung)
	require.Empty(t, r.got, "the end is held, too")
	require.Len(t, r.met, 1, "so is the new connection")
	require.Equal(t, int64(7), p.Counts().Requests)

	p.Heal()
	require.ElementsMatch(t, []string{"before during ", "hung"}, []string{string(<-r.got), string(<-r.got)})
	require.NoError(t, errors.Join(<-r.ended, <-r.ended))
}

// A write that waits for its receiver when the stall begins stops where it is.
func TestStall_StopsInTheMiddleOfAWrite(t *testing.T) {
	const size = 64 << 20 // More than the buffers of the kernel and of the proxy hold.
	p := netfault.Start(t, server(t, func(conn *net.TCPConn) {
		for i := range size >> 20 {
			if _, err := conn.Write(bytes.Repeat([]byte{byte(i)}, 1<<20)); err != nil {
				return
			}
		}
	}))
	conn := dial(t, p)
	var last netfault.Counts
	unchanged := 0
	until(t, p, "every buffer is full", func(c netfault.Counts) bool {
		if unchanged++; c != last {
			unchanged = 0
		}
		last = c
		return c.Held > 0 && unchanged == 50
	})
	p.Stall()
	passed := p.Counts().Answers
	got := make([]byte, size)
	_, err := io.ReadFull(conn, got[:passed])
	require.NoError(t, err)
	silent(t, conn)
	require.Equal(t, passed, p.Counts().Answers)
	p.Heal()
	_, err = io.ReadFull(conn, got[passed:])
	require.NoError(t, err)
	for i := range size >> 20 {
		require.True(t, bytes.Equal(got[i<<20:(i+1)<<20], bytes.Repeat([]byte{byte(i)}, 1<<20)), "at %d MiB", i)
	}
}

func TestStall_CutEndsIt(t *testing.T) {
	p := netfault.Start(t, echo(t))
	p.Stall()
	conn := dial(t, p)
	until(t, p, "it is accepted", func(c netfault.Counts) bool { return c.Live == 1 })
	p.Cut()
	isReset(t, conn)
}

func TestDropResponses(t *testing.T) {
	p := netfault.Start(t, echo(t))
	lost, kept := dial(t, p), dial(t, p)
	for _, conn := range []net.Conn{lost, kept} {
		say(t, conn, "before")
		hear(t, conn, "before")
	}
	p.DropResponses()
	say(t, lost, "request")
	until(t, p, "the answer is swallowed", func(c netfault.Counts) bool { return c.Swallowed == 7 })
	require.Equal(t, int64(2*6+7), p.Counts().Requests, "requests go through")
	require.Equal(t, int64(2*6), p.Counts().Answers)
	silent(t, lost)
	p.Heal()
	isReset(t, lost)
	say(t, kept, "after")
	hear(t, kept, "after")
}

// An answer that was read before the fault began, and not yet passed on, is lost.
func TestDropResponses_OfWhatIsOnItsWay(t *testing.T) {
	answer := make(chan struct{})
	p := netfault.Start(t, server(t, func(conn *net.TCPConn) {
		<-answer
		_, _ = io.Copy(conn, conn)
	}))
	conn := dial(t, p)
	say(t, conn, "1")
	until(t, p, "the request passes", func(c netfault.Counts) bool { return c.Requests == 1 })
	p.Delay(time.Hour, 0)
	close(answer)
	until(t, p, "the answer is held", func(c netfault.Counts) bool { return c.Held == 1 })
	p.DropResponses()
	until(t, p, "the answer is swallowed", func(c netfault.Counts) bool { return c.Swallowed == 1 })
	p.Heal()
	isReset(t, conn)
}

// The end of a connection is a response as well.
func TestDropResponses_OfTheEnd(t *testing.T) {
	hangUp := make(chan struct{})
	p := netfault.Start(t, server(t, func(*net.TCPConn) { <-hangUp }))
	conn := dial(t, p)
	p.DropResponses()
	close(hangUp)
	silent(t, conn)
	p.Heal()
	_, err := conn.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF, "nothing was lost, so it ends in order")
}

func TestMute(t *testing.T) {
	p := netfault.Start(t, echo(t))
	mute := dial(t, p)
	say(t, mute, "before")
	hear(t, mute, "before")
	p.Mute()
	other := dial(t, p)
	say(t, other, "another")
	hear(t, other, "another")
	say(t, mute, "request")
	until(t, p, "the answer is swallowed", func(c netfault.Counts) bool { return c.Swallowed == 7 })
	p.Heal()
	silent(t, mute)
}

func TestDropResponsesTo(t *testing.T) {
	p := netfault.Start(t, echo(t))
	lost, kept := dial(t, p), dial(t, p)
	p.DropResponsesTo(func(request []byte) bool { return bytes.HasPrefix(request, []byte("commit")) })
	for _, conn := range []net.Conn{lost, kept} {
		say(t, conn, "find")
		hear(t, conn, "find")
	}
	say(t, lost, "commit")
	until(t, p, "the answer is swallowed", func(c netfault.Counts) bool { return c.Swallowed == 6 })
	say(t, lost, "more")
	until(t, p, "later ones as well", func(c netfault.Counts) bool { return c.Swallowed == 10 })
	say(t, kept, "more")
	hear(t, kept, "more")
	p.Heal()
	isReset(t, lost)

	say(t, kept, "commit")
	hear(t, kept, "commit")
	p.DropResponsesTo(func([]byte) bool { return false })
	say(t, kept, "commit")
	hear(t, kept, "commit")
}

func TestDelay(t *testing.T) {
	p := netfault.Start(t, echo(t))
	conn := dial(t, p)
	p.Delay(40*time.Millisecond, 20*time.Millisecond)
	start := time.Now()
	for _, word := range []string{"a", "b", "c"} {
		say(t, conn, word)
	}
	hear(t, conn, "abc")
	require.GreaterOrEqual(t, time.Since(start), 80*time.Millisecond)

	p.Delay(time.Hour, 0)
	say(t, conn, "d")
	until(t, p, "it is held", func(c netfault.Counts) bool { return c.Held == 1 })
	p.Heal()
	hear(t, conn, "d")
}

func TestThrottle(t *testing.T) {
	p := netfault.Start(t, echo(t))
	conn := dial(t, p)
	p.Throttle(50_000)
	start := time.Now()
	text := string(bytes.Repeat([]byte("x"), 10_000))
	say(t, conn, text)
	hear(t, conn, text)
	require.GreaterOrEqual(t, time.Since(start), 150*time.Millisecond)

	p.Throttle(1)
	say(t, conn, text)
	until(t, p, "it is held", func(c netfault.Counts) bool { return c.Held > 9000 })
	p.Heal()
	hear(t, conn, text)
}

func TestTruncate(t *testing.T) {
	upstream := make(chan error, 10)
	p := netfault.Start(t, server(t, func(conn *net.TCPConn) {
		_, err := io.Copy(conn, conn)
		upstream <- err
	}))
	conn := dial(t, p)
	say(t, conn, "before")
	hear(t, conn, "before")
	p.Truncate(5)
	say(t, conn, "123")
	hear(t, conn, "123")
	say(t, conn, "456")
	got, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Equal(t, "45", string(got))
	require.ErrorIs(t, <-upstream, syscall.ECONNRESET)
	require.NoError(t, conn.Close())

	conn = dial(t, p) // New connections end there as well.
	say(t, conn, "123456")
	got, err = io.ReadAll(conn)
	require.NoError(t, err)
	require.Equal(t, "12345", string(got))
	require.NoError(t, conn.Close())
	until(t, p, "nothing is left of them", func(c netfault.Counts) bool { return c.Live == 0 })

	p.Heal()
	conn = dial(t, p)
	say(t, conn, "123456")
	hear(t, conn, "123456")
}

func TestTruncateRequests(t *testing.T) {
	upstream, r := record(t)
	p := netfault.Start(t, upstream)
	conn := dial(t, p)
	say(t, conn, "before")
	until(t, p, "it passes", func(c netfault.Counts) bool { return c.Requests == 6 })
	p.TruncateRequests(3)
	say(t, conn, "123456")
	isReset(t, conn)
	require.Equal(t, "before123", string(<-r.got))
	require.NoError(t, <-r.ended)
}

// What the proxy started ends with the test that started it (see TestMain),
// whatever state its connections are in.
func TestProxy_EndsWithItsTest(t *testing.T) {
	for name, fault := range map[string]func(*netfault.Proxy){
		"none": func(*netfault.Proxy) {}, "stall": (*netfault.Proxy).Stall, "refuse": (*netfault.Proxy).Refuse,
		"drop": (*netfault.Proxy).DropResponses, "delay": func(p *netfault.Proxy) { p.Delay(time.Hour, 0) },
		"throttle": func(p *netfault.Proxy) { p.Throttle(1) }, "truncate": func(p *netfault.Proxy) { p.Truncate(1) },
	} {
		var addr string
		t.Run(name, func(t *testing.T) {
			p := netfault.Start(t, echo(t))
			addr = p.Addr()
			conn := dial(t, p)
			say(t, conn, "a")
			hear(t, conn, "a")
			fault(p)
			_, _ = conn.Write([]byte("bcd")) // Refused, it is reset already.
		})
		_, err := net.Dial("tcp", addr)
		require.Error(t, err)
	}
}

// Faults that come and go under load are clean for the race detector, and a
// connection that survives them has lost nothing.
func TestProxy_FaultsUnderLoad(t *testing.T) {
	p := netfault.Start(t, echo(t))
	var running sync.WaitGroup
	for range 4 {
		conn := dial(t, p)
		running.Go(func() {
			text := bytes.Repeat([]byte("0123456789"), 10_000)
			got := make([]byte, len(text))
			for range 50 {
				go func() { _, _ = conn.Write(text) }()
				if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(text, got) {
					t.Errorf("lost bytes: %v", err)
					return
				}
			}
		})
	}
	stop := make(chan struct{})
	var faults sync.WaitGroup
	faults.Go(func() {
		for {
			for _, fault := range []func(){
				p.Stall, p.Heal, func() { p.Delay(time.Millisecond, time.Millisecond) }, p.Stall, func() { p.Throttle(10 << 20) }, p.Heal,
				func() { p.Truncate(1 << 40) }, p.Heal,
			} {
				fault()
				select {
				case <-stop:
					p.Heal()
					return
				default:
				}
			}
		}
	})
	running.Wait()
	close(stop)
	faults.Wait()
}

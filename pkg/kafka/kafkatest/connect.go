package kafkatest

import (
	"cmp"
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	daybookkafka "daybook/pkg/kafka"
)

// Client returns a client for what a test itself asks of the brokers: it goes
// around the proxy of Proxied. It ends with the test.
func Client(t testing.TB, config daybookkafka.Config) *kafka.Client {
	t.Helper()
	client, done := connect(config)
	t.Cleanup(done)
	return client
}

// connect returns a client that goes around proxies, and what ends it.
func connect(config daybookkafka.Config) (*kafka.Client, func()) {
	// The client caches metadata; what a test waits for must not be older than this.
	transport := &kafka.Transport{Dial: dialAround, MetadataTTL: 100 * time.Millisecond}
	return &kafka.Client{Addr: kafka.TCP(config.Brokers...), Transport: patient{transport}, Timeout: 10 * time.Second}, transport.CloseIdleConnections
}

// patient waits for a first answer of the brokers. kafka-go gives metadata no more
// time than they are kept; where a busy broker takes longer, whatever is asked
// fails at once, unsent, until the next metadata come.
type patient struct{ *kafka.Transport }

// RoundTrip implements kafka.RoundTripper.
func (p patient) RoundTrip(ctx context.Context, addr net.Addr, request kafka.Request) (kafka.Response, error) {
	for {
		answer, err := p.Transport.RoundTrip(ctx, addr, request)
		unsent := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, kafka.BrokerNotAvailable)
		if !unsent || ctx.Err() != nil {
			return answer, err
		}
		select {
		case <-ctx.Done():
			return answer, err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// around maps the address of a proxy to what is behind it.
var around sync.Map

// goAround makes this package's clients connect to what is behind a proxy, until
// the test ends. The brokers tell everyone the proxy's address.
func goAround(t testing.TB, proxy, behind string) {
	t.Helper()
	around.Store(proxy, behind)
	t.Cleanup(func() { around.Delete(proxy) })
}

func dialAround(ctx context.Context, network, addr string) (net.Conn, error) {
	behind, _ := around.Load(addr)
	direct, _ := behind.(string)
	return (&net.Dialer{}).DialContext(ctx, network, cmp.Or(direct, addr))
}

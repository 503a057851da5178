package kafkatest

import (
	"cmp"
	"context"
	"net"
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
	// A broker on a busy machine may take its time to say hello.
	transport := &kafka.Transport{Dial: dialAround, DialTimeout: timeout, MetadataTTL: 100 * time.Millisecond}
	return &kafka.Client{Addr: kafka.TCP(config.Brokers...), Transport: transport, Timeout: timeout}, transport.CloseIdleConnections
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

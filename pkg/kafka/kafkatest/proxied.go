package kafkatest

import (
	"context"
	"encoding/binary"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"daybook/pkg/embedded"
	daybookkafka "daybook/pkg/kafka"
	"daybook/pkg/netfault"
)

// Proxied returns settings with topics of the test's own, on a broker that is
// reached through a proxy: it tells its clients the proxy's address, so that the
// proxy's faults meet all of them. What this package does for the test (Produce,
// CreateTopic, Client, …) goes around the proxy, so a test can publish and look
// while a fault holds.
//
// Several tests may use the shared Apache Kafka at once, each through a proxy of
// its own.
func Proxied(t testing.TB, kind Kind) (daybookkafka.Config, *netfault.Proxy) {
	t.Helper()
	if kind == ApacheKafka {
		return sharedApache(t).Proxied(t)
	}
	proxy := netfault.Start(t, "")
	broker := startEmbedded(t, embedded.BrokerConfig{Dir: t.TempDir(), Addr: "127.0.0.1:0", Advertise: proxy.Addr()})
	proxy.SetUpstream(broker.Addr())
	goAround(t, proxy.Addr(), broker.Addr())
	return Fresh(t, proxy.Addr(), 1), proxy
}

// Proxied is the function of that name, on this broker.
func (a *Apache) Proxied(t testing.TB) (daybookkafka.Config, *netfault.Proxy) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	var free slot
	select {
	case free = <-a.slots:
	case <-ctx.Done():
		t.Fatalf("more than %d tests want a proxy to Apache Kafka at once", proxies)
	}
	t.Cleanup(func() { a.slots <- free }) // After the proxy's end.
	proxy := netfault.StartAt(t, free.Advertise, free.Listen)
	goAround(t, free.Advertise, free.Listen)
	config := Fresh(t, proxy.Addr(), 1)
	awaitCoordinator(t, config)
	return config, proxy
}

// Asks tells which requests are of a kind, for netfault's DropResponsesTo: a
// client finds the group's coordinator, say, before each commit, and it is the
// commit whose answer is to be lost.
func Asks(what kmsg.Key) func(request []byte) bool {
	return func(request []byte) bool {
		return len(request) >= 8 && kmsg.Key(binary.BigEndian.Uint16(request[4:])) == what // After the length.
	}
}

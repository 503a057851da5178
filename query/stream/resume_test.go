package stream

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"daybook/pkg/client"
	"daybook/pkg/kafka/kafkatest"
)

// Clients that are cut at random under load, some of them in the middle of a
// frame, see each event once and, within a partition, in order. The ring is
// too small for most returns, and the node restarts on the way.
func TestStream_RandomCutsUnderLoad(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(*stack)
		restart bool
	}{
		{name: "large ring", change: func(*stack) {}},
		{name: "small ring", change: smallRing},
		{name: "restarts", change: smallRing, restart: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			s := newStack(t, c.change)
			var clients []*cutClient
			for i := range 4 {
				tenant := []string{"a", "a", "b", "a"}[i]
				k := &cutClient{stack: s, tenant: tenant, rand: rand.New(rand.NewPCG(seed, uint64(i)))}
				k.begin(t)
				clients = append(clients, k)
			}
			const batches, each = 40, 50
			published := make(chan struct{})
			want := map[string][]string{}
			for i := range batches {
				for _, tenant := range []string{"a", "b"} {
					want[tenant] = append(want[tenant], names(fmt.Sprintf("%s:%d", tenant, i%3), i*each, i*each+each)...)
				}
			}
			go func() {
				defer close(published)
				for i := range batches {
					for _, tenant := range []string{"a", "b"} {
						var messages []kafka.Message
						for _, name := range names(fmt.Sprintf("%s:%d", tenant, i%3), i*each, i*each+each) {
							messages = append(messages, kafka.Message{Value: eventJSON(tenant, name)})
						}
						kafkatest.ProduceTo(t, s.kafka, i%3, messages...)
					}
				}
			}()
			var running sync.WaitGroup
			for _, k := range clients {
				running.Go(func() { k.readAll(t, len(want[k.tenant])) })
			}
			if c.restart {
				<-published
				s.mu.Lock()
				s.stop()
				s.start()
				s.mu.Unlock()
			}
			running.Wait()
			<-published
			for i, k := range clients {
				checkPartitionOrder(t, k.got)
				got := slices.Sorted(slices.Values(k.got))
				if diff := cmp.Diff(slices.Sorted(slices.Values(want[k.tenant])), got); diff != "" {
					t.Errorf("client %d of %s, cut %d times (-want +got):\n%s", i, k.tenant, k.cuts, diff)
				}
			}
		})
	}
}

// cutClient loses its connection after random numbers of bytes.
type cutClient struct {
	stack  *stack
	tenant string
	rand   *rand.Rand
	last   string
	got    []string
	cuts   int
}

func (k *cutClient) begin(t *testing.T) {
	t.Helper()
	r := k.stack.connect(k.tenant)
	r.frame("hello")
	k.last = r.sse.LastID()
	r.close()
}

func (k *cutClient) readAll(t *testing.T, n int) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for len(k.got) < n && time.Now().Before(deadline) {
		k.readSome(t)
	}
}

func (k *cutClient) readSome(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(50+k.rand.IntN(500))*time.Millisecond)
	defer cancel()
	k.stack.mu.Lock()
	response, err := k.stack.request(ctx, k.tenant, header("Last-Event-ID", k.last))
	k.stack.mu.Unlock()
	if err != nil {
		return // The node is restarting, or time is over.
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return
	}
	k.cuts++
	sse := client.NewSSEReader(&limited{response, k.rand.IntN(60_000)})
	for {
		f, err := sse.Next()
		if err != nil {
			return
		}
		k.last = sse.LastID()
		switch f.Name {
		case "message":
			var e struct{ EventID, TenantID string }
			if err := json.Unmarshal(f.Data, &e); err != nil || e.TenantID != k.tenant {
				t.Errorf("%s reads %s (%v)", k.tenant, f.Data, err)
			}
			k.got = append(k.got, e.EventID)
		case "gap", "resync", "error":
			t.Errorf("%s: %s", f.Name, f.Data)
		}
	}
}

// limited ends after so many bytes.
type limited struct {
	response *http.Response
	left     int
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, context.Canceled
	}
	n, err := l.response.Body.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}

// checkPartitionOrder checks names like TENANT:PARTITION-N.
func checkPartitionOrder(t *testing.T, got []string) {
	t.Helper()
	last := map[string]int{}
	for _, name := range got {
		var partition string
		var n int
		if _, err := fmt.Sscanf(name[2:], "%1s-%d", &partition, &n); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if before, ok := last[partition]; ok && before >= n {
			t.Fatalf("%s came after event %d of its partition", name, before)
		}
		last[partition] = n
	}
}

// A client that does not read is served from Kafka when it does again, on the
// same connection, and the others don't notice.
func TestStream_SlowClient(t *testing.T) {
	s := newStack(t, smallRing, func(s *stack) { s.config.WriteTimeout = time.Minute })
	slow, quick := s.connect("a"), s.connect("a")
	slow.frame("hello")
	quick.frame("hello")
	big := make([]byte, 16<<10)
	for i := range big {
		big[i] = 'x'
	}
	const n = 1200 // 20 MB: more than the sockets' buffers and the ring hold.
	for i := range n / 100 {
		var messages []kafka.Message
		for j := range 100 {
			messages = append(messages, kafka.Message{Value: fmt.Appendf(nil,
				`{"eventId":"x-%d","tenantId":"a","eventType":"t","payload":{"big":%q}}`, i*100+j, big)})
		}
		kafkatest.ProduceTo(t, s.kafka, i%3, messages...)
		if got := quick.events(100); len(got) != 100 {
			t.Fatal("the quick client waits")
		}
	}
	lagged := false
	var got []string
	for len(got) < n {
		f := slow.next()
		switch f.Name {
		case "message":
			got = append(got, eventID(t, f.Data))
		case "lag":
			lagged = true
		case "checkpoint":
		default:
			t.Fatalf("%s: %s", f.Name, f.Data)
		}
	}
	if !lagged {
		t.Error("no lag frame told the client that it was behind")
	}
	slices.Sort(got)
	if diff := cmp.Diff(slices.Sorted(slices.Values(names("x", 0, n))), got); diff != "" {
		t.Error(diff)
	}
	s.publish(0, "a", "live-again")
	if got := slow.events(1); got[0] != "live-again" {
		t.Errorf("got %v", got)
	}
}

// What retention has taken is announced once, with its range and count.
func TestStream_GapAfterRetention(t *testing.T) {
	s := newStack(t, func(s *stack) { s.config.Preload = 0 })
	r := s.connect("a")
	r.frame("hello")
	s.publish(0, "a", "first")
	s.publish(1, "a", "other")
	r.events(2)
	r.close()
	s.stop()
	s.publish(0, "a", names("gone", 0, 7)...)
	s.publish(1, "a", names("away", 0, 5)...)
	s.publish(0, "a", "kept")
	s.publish(1, "a", "stays")
	s.deleteRecords(map[int32]int64{0: 8, 1: 6})
	s.start()

	again := s.connect("a", header("Last-Event-ID", r.sse.LastID()))
	gap := again.frame("gap")
	var members struct {
		Reason     string
		Missing    int
		Partitions []struct{ Partition, From, To int }
	}
	if err := json.Unmarshal(gap.Data, &members); err != nil {
		t.Fatal(err)
	}
	if members.Missing != 12 || members.Reason != "retention" || len(members.Partitions) != 2 {
		t.Errorf("gap: %s", gap.Data)
	}
	got := again.events(2)
	slices.Sort(got)
	if diff := cmp.Diff([]string{"kept", "stays"}, got); diff != "" {
		t.Error(diff)
	}
	// The gap's id lies behind the gap: it is not announced again.
	again.close()
	third := s.connect("a", header("Last-Event-ID", gap.ID))
	if got := third.events(2); len(got) != 2 {
		t.Errorf("got %v", got)
	}
}

// deleteRecords makes retention take what lies before an offset.
func (s *stack) deleteRecords(before map[int32]int64) {
	s.t.Helper()
	admin, err := kgo.NewClient(kgo.SeedBrokers(s.kafka.Brokers...))
	if err != nil {
		s.t.Fatal(err)
	}
	defer admin.Close()
	request := kmsg.NewDeleteRecordsRequest()
	topic := kmsg.NewDeleteRecordsRequestTopic()
	topic.Topic = s.kafka.Topic
	for p, offset := range before {
		partition := kmsg.NewDeleteRecordsRequestTopicPartition()
		partition.Partition, partition.Offset = p, offset
		topic.Partitions = append(topic.Partitions, partition)
	}
	request.Topics = append(request.Topics, topic)
	response, err := request.RequestWith(context.Background(), admin)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, p := range response.Topics[0].Partitions {
		if p.ErrorCode != 0 {
			s.t.Fatalf("delete records of partition %d: error %d", p.Partition, p.ErrorCode)
		}
	}
}

// An id whose offsets mean nothing here is never read as "now".
func TestStream_Resync(t *testing.T) {
	s := newStack(t, func(s *stack) { s.config.Preload = 0 })
	r := s.connect("a")
	r.frame("hello")
	s.publish(0, "a", "one")
	r.events(1)
	c := mustParseCursor([]byte(r.sse.LastID()))
	r.close()
	for name, change := range map[string]func(*cursor){
		"unknown epoch":       func(c *cursor) { c.epoch++ },
		"beyond the end":      func(c *cursor) { c.next = vector{1, 0, 99} },
		"too many partitions": func(c *cursor) { c.next = append(c.next.clone(), 3) },
	} {
		t.Run(name, func(t *testing.T) {
			id := c
			id.next = c.next.clone()
			change(&id)
			again := s.connect("a", header("Last-Event-ID", id.String()))
			again.frame("hello")
			resync := again.frame("resync")
			if got := again.events(1); got[0] != "one" {
				t.Errorf("got %v after %s", got, resync.Data)
			}
		})
	}
}

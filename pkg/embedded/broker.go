package embedded

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/zap"

	"daybook/pkg/bytesize"
)

// BrokerConfig says how to run the embedded broker.
type BrokerConfig struct {
	Dir        string // its data folder; created where it is missing
	Addr       string // host:port; port 0 takes a free one
	Advertise  string // host:port that clients are told to use, as behind a port mapping; "": the one that Addr has become
	Partitions int    // of a topic that is created without saying; 0: 8

	// Retention is how long a message is kept after it arrived, at least: whole
	// segments go, by the time of their last message. 0: 7 days.
	Retention time.Duration
	// RetentionBytes is how much is kept of a topic with Partitions partitions;
	// the oldest goes first. 0: 10 GiB.
	RetentionBytes  bytesize.Size
	MaxMessageBytes bytesize.Size // of a batch as a producer sends it; 0: 16 MiB

	Log *zap.Logger // nil: none
}

// Broker is a persistent Kafka broker in this process. It speaks Kafka's
// protocol, consumer groups and transactions included, to any client.
//
// What it has acknowledged, messages and committed offsets with their metadata,
// has been synced to the disk before: it survives kill -9, and the loss of power
// as far as the disk keeps its word. Topics are created on request only.
type Broker struct {
	cluster   *kfake.Cluster
	addr      string
	stop      context.CancelFunc
	retention sync.WaitGroup
	closeOnce sync.Once
}

const (
	segmentBytes      = 32 * bytesize.MiB
	retentionInterval = 5 * time.Minute
	offsetRetention   = 30 * 24 * time.Hour
)

// StartBroker loads what is in the data folder and starts to listen. An error is
// one line for the user; it names the setting where the address is taken.
func StartBroker(config BrokerConfig) (*Broker, error) {
	config = config.withDefaults()
	if _, _, err := net.SplitHostPort(config.Advertise); config.Advertise != "" && err != nil {
		return nil, fmt.Errorf("the embedded broker cannot tell clients to use %q: it is not host:port", config.Advertise)
	}
	if err := os.MkdirAll(config.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("embedded.dir: cannot create the data folder: %w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", config.Addr)
	if err != nil {
		return nil, listenError("embedded.kafka_addr", config.Addr, err)
	}
	addr := reachable(listener.Addr().String())
	advertised := advertisedListener{listener, textAddr(cmp.Or(config.Advertise, addr))}
	id, err := clusterID(config.Dir)
	if err != nil {
		_ = listener.Close()
		return nil, err
	}
	perPartition := max(int64(config.RetentionBytes)/int64(config.Partitions), int64(2*segmentBytes))
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.ListenFn(func(string, string) (net.Listener, error) { return advertised, nil }),
		kfake.ClusterID(id),
		kfake.DataDir(config.Dir),
		kfake.SyncWrites(),
		kfake.DefaultNumPartitions(config.Partitions),
		kfake.WithLogger(brokerLog{config.Log}),
		kfake.BrokerConfigs(map[string]string{
			"default.replication.factor": "1",
			"message.max.bytes":          strconv.FormatInt(int64(config.MaxMessageBytes), 10),
			"log.segment.bytes":          strconv.FormatInt(int64(segmentBytes), 10),
			"log.retention.bytes":        strconv.FormatInt(perPartition, 10),
			// By the messages' own timestamps, so one from a client with a wrong clock
			// would take with it all that came before it. See retention.go.
			"log.retention.ms":          "-1",
			"offsets.retention.minutes": strconv.Itoa(int(offsetRetention.Minutes())),
			// As low as ingest.session_timeout may be.
			"group.min.session.timeout.ms": "1000",
		}),
	)
	if err != nil {
		_ = listener.Close() // NewCluster may have closed it.
		return nil, fmt.Errorf("start the embedded broker on %s: %w", config.Dir, err)
	}
	ctx, stop := context.WithCancel(context.Background())
	b := &Broker{cluster: cluster, addr: addr, stop: stop}
	b.retention.Go(func() { b.keepRetention(ctx, config) })
	return b, nil
}

// clusterID returns the name of the cluster whose data is in the folder, made
// when the folder is new: what remembers positions of a cluster (the ids of the
// live stream) must not take another's for them when the folder was deleted.
func clusterID(dir string) (string, error) {
	path := filepath.Join(dir, "cluster.id")
	text, err := os.ReadFile(path)
	if id := strings.TrimSpace(string(text)); err == nil && id != "" {
		return id, nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("embedded.dir: cannot read the broker's id: %w", err)
	}
	id := "daybook-" + rand.Text()
	if err := os.WriteFile(path, []byte(id+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("embedded.dir: cannot write the broker's id: %w", err)
	}
	return id, nil
}

func (c BrokerConfig) withDefaults() BrokerConfig {
	if c.Log == nil {
		c.Log = zap.NewNop()
	}
	if c.Partitions == 0 {
		c.Partitions = 8
	}
	if c.Retention == 0 {
		c.Retention = 7 * 24 * time.Hour
	}
	if c.RetentionBytes == 0 {
		c.RetentionBytes = 10 * bytesize.GiB
	}
	if c.MaxMessageBytes == 0 {
		c.MaxMessageBytes = 16 * bytesize.MiB
	}
	return c
}

// Addr is where local clients reach the broker.
func (b *Broker) Addr() string { return b.addr }

// Close writes what is needed for a fast start and ends the broker. Connections
// are cut; what was acknowledged is on disk already.
func (b *Broker) Close() error {
	b.closeOnce.Do(func() {
		b.stop()
		b.retention.Wait()
		b.cluster.Close()
	})
	return nil
}

// advertisedListener tells the broker which address to give to its clients: one
// that they can connect to, which that of every interface isn't.
type advertisedListener struct {
	net.Listener
	addr net.Addr
}

func (l advertisedListener) Addr() net.Addr { return l.addr }

type textAddr string

func (textAddr) Network() string  { return "tcp" }
func (a textAddr) String() string { return string(a) }

// brokerLog passes the broker's warnings on. What it says of single requests
// stays out: clients with faults are not ours to report.
type brokerLog struct{ log *zap.Logger }

func (l brokerLog) Logf(level kfake.LogLevel, format string, args ...any) {
	switch level {
	case kfake.LogLevelError:
		l.log.Error("embedded broker", zap.String("says", fmt.Sprintf(format, args...)))
	case kfake.LogLevelWarn:
		l.log.Warn("embedded broker", zap.String("says", fmt.Sprintf(format, args...)))
	case kfake.LogLevelNone, kfake.LogLevelInfo, kfake.LogLevelDebug:
	}
}

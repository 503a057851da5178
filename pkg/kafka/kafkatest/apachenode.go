package kafkatest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"text/template"
	"time"

	"github.com/segmentio/kafka-go"

	"daybook/pkg/loopback"
)

// apacheVersion is the one that scripts/kafka.sh fetches.
const apacheVersion = "4.1.0"

const (
	proxies           = 6 // tests that may stand behind a proxy to one broker at once
	offsetsPartitions = 4 // of the topic of the groups' offsets

	// A start costs seconds of both processors, which other tests want, too.
	startTimeout = 3 * time.Minute
)

// Apache is a node of an Apache Kafka on a data folder: broker and controller
// in one.
type Apache struct {
	id       int
	lib      string // folder of jars
	heap     string // at most
	addr     string
	dir      string    // of its data
	settings string    // file
	slots    chan slot // free ones
	secured  *secured  // nil: everyone may do everything

	mu      sync.Mutex // guards process
	process *process
}

// process is one life of the broker.
type process struct {
	command *exec.Cmd
	output  *lockedBuffer
	exited  chan struct{}
}

// slot is a listener of a broker whose clients are told a proxy's address.
type slot struct{ Name, Listen, Advertise string }

var settings = template.Must(template.New("").Parse(`
process.roles=broker,controller
node.id={{.ID}}
controller.quorum.voters={{.Voters}}
listeners=PLAINTEXT://{{.Addr}},CONTROLLER://{{.Controller}}{{range .Slots}},{{.Name}}://{{.Listen}}{{end}}{{with .Secured}},SECURED://{{.SASL}},MUTUAL://{{.Mutual}}{{end}}
advertised.listeners=PLAINTEXT://{{.Addr}}{{range .Slots}},{{.Name}}://{{.Advertise}}{{end}}{{with .Secured}},SECURED://{{.SASL}},MUTUAL://{{.Mutual}}{{end}}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT{{range .Slots}},{{.Name}}:PLAINTEXT{{end}}{{with .Secured}},SECURED:SASL_SSL,MUTUAL:SSL{{end}}
log.dirs={{.Dir}}
num.partitions=4
auto.create.topics.enable=false
message.max.bytes=16777216
default.replication.factor={{.Replication}}
min.insync.replicas={{.InSync}}
offsets.topic.num.partitions={{.OffsetsPartitions}}
offsets.topic.replication.factor={{.Replication}}
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor={{.Replication}}
transaction.state.log.min.isr={{.InSync}}
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=500
{{- if gt .Replication 1}}
controller.quorum.election.timeout.ms=1000
controller.quorum.fetch.timeout.ms=2000
{{- end}}
{{- with .Secured}}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
ssl.keystore.type=PEM
ssl.keystore.location={{.KeyStore}}
ssl.truststore.type=PEM
ssl.truststore.location={{.TrustStore}}
listener.name.mutual.ssl.client.auth=required
listener.name.mutual.ssl.principal.mapping.rules=RULE:^CN=([^,]*).*$/$1/
listener.name.secured.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.secured.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_{{.User}}="{{.Password}}";
listener.name.secured.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.secured.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
{{- end}}
`))

// newNodes makes the data folders of a cluster's nodes, whose addresses stay
// over restarts and are released by the function that it returns. Where locks is
// given, the nodes have such listeners too, at addresses of their own.
func newNodes(dir, lib string, count int, locks *secured) (_ []*Apache, release func(), err error) {
	slots := 0
	heap := "256m"
	if count == 1 {
		slots, heap = proxies, "512m"
	}
	held, err := loopback.Hold(count*(2+2) + slots*2)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			held.Release()
		}
	}()
	addrs, controllers := held.Take(count), held.Take(count)
	voters := make([]string, count)
	for i, addr := range controllers {
		voters[i] = fmt.Sprintf("%d@%s", i+1, addr)
	}
	nodes := make([]*Apache, count)
	for i := range nodes {
		a := &Apache{
			id: i + 1, lib: lib, heap: heap, addr: addrs[i], slots: make(chan slot, slots),
			dir: filepath.Join(dir, fmt.Sprintf("node%d", i+1)), settings: filepath.Join(dir, fmt.Sprintf("node%d.properties", i+1)),
		}
		var taken []slot
		for j := range slots {
			addrs := held.Take(2)
			taken = append(taken, slot{Name: fmt.Sprintf("PROXY%d", j+1), Listen: addrs[0], Advertise: addrs[1]})
			a.slots <- taken[j]
		}
		if locks != nil {
			addrs := held.Take(2)
			own := *locks
			own.SASL, own.Mutual = addrs[0], addrs[1]
			a.secured = &own
		}
		var text bytes.Buffer
		if err := settings.Execute(&text, map[string]any{
			"ID": a.id, "Voters": strings.Join(voters, ","), "Addr": a.addr, "Controller": controllers[i], "Slots": taken,
			"Dir": a.dir, "Replication": min(count, 3), "InSync": min(count, 2), "OffsetsPartitions": offsetsPartitions, "Secured": a.secured,
		}); err != nil {
			return nil, nil, err
		}
		if err := os.WriteFile(a.settings, text.Bytes(), 0o600); err != nil {
			return nil, nil, err
		}
		if err := a.format(); err != nil {
			return nil, nil, err
		}
		nodes[i] = a
	}
	return nodes, held.Release, nil
}

// Addr is where clients reach the broker, whether it runs or not.
func (a *Apache) Addr() string { return a.addr }

// Start starts the broker and waits until it answers.
func (a *Apache) Start() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.process != nil {
		return errors.New("it runs already")
	}
	return a.start(a.java("-XX:SharedArchiveFile="+classes(a.lib), "kafka.Kafka", a.settings))
}

func (a *Apache) start(command *exec.Cmd) error {
	p := &process{command: command, output: &lockedBuffer{}, exited: make(chan struct{})}
	p.command.Stdout, p.command.Stderr = p.output, p.output
	p.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		// The kernel takes the thread that started the child for its parent, so
		// that thread has to live as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.command.Start()
		started <- err
		if err == nil {
			_ = p.command.Wait() // Killed, as a rule.
			close(p.exited)
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	a.process = p
	if err := a.awaitAnswer(p); err != nil {
		a.kill()
		return fmt.Errorf("%w\n%s", err, p.output.String())
	}
	return nil
}

// awaitAnswer waits until the broker takes part in its cluster, which is later
// than the port.
func (a *Apache) awaitAnswer(p *process) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(a.addr), Transport: transport, Timeout: 5 * time.Second}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		metadata, err := client.Metadata(ctx, &kafka.MetadataRequest{})
		if err == nil && metadata.Controller.Host != "" && slices.ContainsFunc(metadata.Brokers, func(b kafka.Broker) bool { return b.ID == a.id }) {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.exited:
			return errors.New("it has ended")
		case <-ctx.Done():
			return fmt.Errorf("it doesn't answer: %w", errors.Join(err, ctx.Err()))
		}
	}
}

// Kill ends the broker as the loss of its machine would. What it has
// acknowledged is in the page cache, so it comes back with Start.
func (a *Apache) Kill() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.kill()
}

// Signal sends a signal to the broker: SIGSTOP and SIGCONT make it hang and go
// on, SIGTERM shuts it down.
func (a *Apache) Signal(signal syscall.Signal) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.process == nil {
		return errors.New("it doesn't run")
	}
	return a.process.command.Process.Signal(signal)
}

func (a *Apache) kill() {
	if a.process == nil {
		return
	}
	_ = a.process.command.Process.Kill() // It may have ended.
	<-a.process.exited
	a.process = nil
}

// lockedBuffer keeps the first part of what a process says.
type lockedBuffer struct {
	mu   sync.Mutex // guards text
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.text.Len() < 64<<10 {
		b.text.Write(p)
	}
	return len(p), nil
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

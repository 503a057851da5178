package embedded

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"daybook/pkg/bytesize"
)

// ClickHouseConfig says how to run the embedded ClickHouse.
type ClickHouseConfig struct {
	Dir  string // its data folder; created where it is missing
	Addr string // host:port of the native protocol; port 0 takes a free one

	// HTTPAddr is host:port of the HTTP interface; port 0 takes a free one, and
	// empty leaves it closed. There is no password, and a web page can make a
	// browser send requests to loopback, so leave it closed where it isn't needed.
	HTTPAddr string

	Engine     string        // libchdb.so or clickhouse binary; empty: EnginePath()
	Executable string        // has the command `engine` (RunEngine); empty: this very program
	MaxMemory  bytesize.Size // for everything that ClickHouse does; 0: DefaultMaxMemory()
	Backups    string        // the one folder that BACKUP writes to; empty: backups in Dir

	// Clusters become remote_servers: by name, shards of replicas (host:port).
	Clusters map[string][][]string

	// Users may sign in beside default, which has no password and may do everything.
	Users []User

	S3 []S3Place // storage about which ClickHouse must know more than a statement can say

	Log *zap.Logger // nil: none
}

// User is one who may do what grants allow ("SELECT ON daybook.*"), and nothing else.
type User struct {
	Name, Password string
	Grants         []string
}

const defaultUser = "default"

// accounts returns the passwords by the users' names.
func (c ClickHouseConfig) accounts() map[string]string {
	accounts := map[string]string{defaultUser: ""}
	for _, u := range c.Users {
		accounts[u.Name] = u.Password
	}
	return accounts
}

// S3Place is a place in S3-compatible storage.
type S3Place struct {
	URL    string // that the URLs of its objects begin with
	Region string // to sign for; empty: what a host of AWS says, or us-east-1
	KMSKey string // to encrypt objects with that are written; empty: as the bucket's default says
}

// ClickHouse is a running embedded ClickHouse and what keeps it running.
// Its user `default` has no password: whoever reaches Addr may do everything.
type ClickHouse struct {
	config   ClickHouseConfig
	settings string // file to start it with
	native   *gate
	http     *gate // nil: closed

	pid      atomic.Int64
	restarts atomic.Int64

	closing   chan struct{} // closed by Close
	closeOnce sync.Once
	done      chan struct{} // closed when the supervisor has ended
}

const (
	startTimeout = 2 * time.Minute  // loading the tables of a large data folder
	leftBehind   = 20 * time.Second // for the child of a killed process to shut down
)

// StartClickHouse starts ClickHouse and waits until it answers. It is started
// again whenever it dies, until Close. An error is one line for the user; it
// names the setting where an address is taken.
func StartClickHouse(ctx context.Context, config ClickHouseConfig) (*ClickHouse, error) {
	if config.Log == nil {
		config.Log = zap.NewNop()
	}
	if config.MaxMemory == 0 {
		config.MaxMemory = DefaultMaxMemory()
	}
	var err error
	if config.Engine == "" {
		if config.Engine, err = EnginePath(); err != nil { //nolint:contextcheck // It bounds itself to seconds.
			return nil, err
		}
	}
	if config.Executable == "" {
		if config.Executable, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("start the embedded ClickHouse: %w", err)
		}
	}
	if config.Dir, err = filepath.Abs(config.Dir); err != nil {
		return nil, fmt.Errorf("embedded.dir: %w", err)
	}
	if config.Backups == "" {
		config.Backups = filepath.Join(config.Dir, "backups")
	}
	if config.Backups, err = filepath.Abs(config.Backups); err != nil {
		return nil, fmt.Errorf("embedded.dir: %w", err)
	}
	if err := os.MkdirAll(config.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("embedded.dir: cannot create the data folder: %w", err)
	}
	c := &ClickHouse{config: config, closing: make(chan struct{}), done: make(chan struct{})}
	if err := c.openGates(); err != nil { //nolint:contextcheck // They are open until Close.
		return nil, err
	}
	if c.settings, err = config.writeSettings(); err != nil {
		c.closeGates()
		return nil, fmt.Errorf("embedded.dir: write the settings of the embedded ClickHouse: %w", err)
	}
	first, err := c.spawn(ctx)
	if err != nil {
		c.closeGates()
		return nil, fmt.Errorf("start the embedded ClickHouse: %w", err)
	}
	go c.supervise(first) //nolint:contextcheck // Until Close.
	return c, nil
}

// openGates takes the addresses, before anything is started.
func (c *ClickHouse) openGates() (err error) {
	if c.native, err = openGate("embedded.clickhouse_addr", c.config.Addr, c.config.accounts()); err != nil {
		return err
	}
	if c.config.HTTPAddr == "" {
		return nil
	}
	if c.http, err = openGate("the embedded ClickHouse's HTTP address", c.config.HTTPAddr, nil); err != nil {
		c.native.close()
	}
	return err
}

func (c *ClickHouse) gates() []*gate {
	if c.http == nil {
		return []*gate{c.native}
	}
	return []*gate{c.native, c.http}
}

func (c *ClickHouse) closeGates() {
	for _, g := range c.gates() {
		g.close()
	}
}

// Addr is where local clients reach the native protocol.
func (c *ClickHouse) Addr() string { return c.native.addr() }

// HTTPAddr is where local clients reach the HTTP interface; empty when it is closed.
func (c *ClickHouse) HTTPAddr() string {
	if c.http == nil {
		return ""
	}
	return c.http.addr()
}

// Pid is the process id of the running child; 0 while there is none.
func (c *ClickHouse) Pid() int { return int(c.pid.Load()) }

// Restarts counts how often ClickHouse had to be started again.
func (c *ClickHouse) Restarts() int64 { return c.restarts.Load() }

// Close shuts ClickHouse down and waits for its end: first by the end of its
// standard input, which finishes what runs, after a time with force. What has
// been written survives either. Stop what writes to it first.
func (c *ClickHouse) Close() error {
	c.closeOnce.Do(func() { close(c.closing) })
	<-c.done
	return nil
}

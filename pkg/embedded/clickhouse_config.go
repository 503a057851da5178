package embedded

import (
	"bytes"
	_ "embed"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"daybook/pkg/bytesize"
)

//go:embed clickhouse_server.xml
var serverTemplate string

//go:embed clickhouse_users.xml
var usersTemplate string

// Bounds of the default for ClickHouseConfig.MaxMemory.
const (
	leastMemory = 1 * bytesize.GiB
	mostMemory  = 8 * bytesize.GiB
)

// DefaultMaxMemory is 40 % of the memory that this process may use, at least 1
// and at most 8 GiB: 1.6 GiB on a laptop of 4 GB.
func DefaultMaxMemory() bytesize.Size {
	return min(max(usableMemory("/")*2/5, leastMemory), mostMemory)
}

// usableMemory is the machine's memory, or the container's where that is less; 0
// where neither can be told. The root is that of the file system.
func usableMemory(root string) bytesize.Size {
	var usable bytesize.Size
	read := func(path, prefix string, unit bytesize.Size) {
		text, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			return
		}
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(strings.TrimPrefix(line, prefix))
			if !strings.HasPrefix(line, prefix) || len(fields) == 0 {
				continue
			}
			// No limit is "max" in one version of cgroups, and an absurd number in the other.
			n, err := strconv.ParseInt(fields[0], 10, 64)
			if err == nil && n > 0 && n < 1<<50 && (usable == 0 || bytesize.Size(n)*unit < usable) {
				usable = bytesize.Size(n) * unit
			}
			return
		}
	}
	read("proc/meminfo", "MemTotal:", bytesize.KiB)
	read("sys/fs/cgroup/memory.max", "", 1)
	read("sys/fs/cgroup/memory/memory.limit_in_bytes", "", 1)
	return usable
}

// serverSettings is what the two files for ClickHouse are made from.
type serverSettings struct {
	Log       string // file
	Users     string // file
	Accounts  []User
	Backups   string // folder
	Memory    bytesize.Size
	MergePool int
	Clusters  []cluster
	S3        []S3Place
}

type cluster struct {
	Name   string
	Shards [][]hostPort
}

var plainName = regexp.MustCompile(`^[A-Za-z_]\w*$`)

type hostPort struct{ Host, Port string }

// Percent is a share of the memory limit, in bytes.
func (s serverSettings) Percent(n int64) int64 { return int64(s.Memory) * n / 100 }

// writeSettings writes ClickHouse's settings into the data folder and returns
// the file to start it with.
func (c ClickHouseConfig) writeSettings() (string, error) {
	s := serverSettings{
		Log:       filepath.Join(c.Dir, logName),
		Users:     filepath.Join(c.Dir, "users.xml"),
		Backups:   c.Backups,
		Memory:    c.MaxMemory,
		MergePool: max(2, min(runtime.NumCPU()/2, 8)),
		S3:        c.S3,
		Accounts:  c.Users,
	}
	for _, u := range c.Users {
		if !plainName.MatchString(u.Name) {
			return "", fmt.Errorf("user %q: a name is letters, digits and underscores", u.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Clusters)) {
		if !plainName.MatchString(name) {
			return "", fmt.Errorf("cluster %q: a name is letters, digits and underscores", name)
		}
		one := cluster{Name: name}
		for _, shard := range c.Clusters[name] {
			var replicas []hostPort
			for _, addr := range shard {
				host, port, err := net.SplitHostPort(addr)
				if err != nil {
					return "", fmt.Errorf("cluster %s: %w", name, err)
				}
				replicas = append(replicas, hostPort{host, port})
			}
			one.Shards = append(one.Shards, replicas)
		}
		s.Clusters = append(s.Clusters, one)
	}
	server := filepath.Join(c.Dir, "server.xml")
	return server, errors.Join(writeTemplate(server, serverTemplate, s), writeTemplate(s.Users, usersTemplate, s))
}

// writeTemplate writes the file anew, so that a crash leaves the old or the new one.
func writeTemplate(path, text string, data any) error {
	escape := template.FuncMap{"xml": func(text string) (string, error) {
		var out bytes.Buffer
		err := xml.EscapeText(&out, []byte(text))
		return out.String(), err
	}}
	var out bytes.Buffer
	if err := template.Must(template.New(path).Funcs(escape).Parse(text)).Execute(&out, data); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.WriteFile(path+".new", out.Bytes(), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

package kafkatest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
)

func (a *Apache) java(args ...string) *exec.Cmd {
	args = append([]string{"-Xms64m", "-Xmx" + a.heap, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", filepath.Join(a.lib, "*")}, args...)
	return exec.Command("java", args...) //nolint:gosec,noctx // It ends by Kill, or with this process.
}

const clusterID = "ZGF5Ym9vay1pbi10ZXN0cw" // 16 bytes, as Kafka wants them.

// checkpoint is what the storage tool has written beside the first node's
// identity. Every node's is the same, and the tool takes 1.8 s of CPU.
var checkpoint struct {
	sync.Mutex // guards content
	content    []byte
}

// format makes the data folder.
func (a *Apache) format() error {
	checkpoint.Lock()
	defer checkpoint.Unlock()
	file := filepath.Join(a.dir, "bootstrap.checkpoint")
	if checkpoint.content == nil {
		out, err := a.java("kafka.tools.StorageTool", "format", "-t", clusterID, "-c", a.settings).CombinedOutput()
		if err != nil {
			return fmt.Errorf("format the data folder: %w\n%s", err, out)
		}
		checkpoint.content, err = os.ReadFile(file)
		return err
	}
	if err := os.Mkdir(a.dir, 0o700); err != nil {
		return err
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // It never fails.
	id[0] &= 0x7f           // So that it doesn't begin with a dash.
	identity := fmt.Sprintf("version=1\ncluster.id=%s\nnode.id=%d\ndirectory.id=%s\n", clusterID, a.id, base64.RawURLEncoding.EncodeToString(id[:]))
	if err := os.WriteFile(filepath.Join(a.dir, "meta.properties"), []byte(identity), 0o600); err != nil {
		return err
	}
	return os.WriteFile(file, checkpoint.content, 0o600)
}

// classes returns an archive of the classes that a broker loads, with which it
// starts in 2.9 instead of 4.7 s of CPU (JEP 350). The first start of a cache
// makes it; a Java that can't use it starts without.
func classes(lib string) string {
	java, _ := exec.LookPath("java") // It was found before.
	java, _ = filepath.EvalSymlinks(java)
	release, _ := os.ReadFile(filepath.Join(filepath.Dir(java), "..", "release")) // It is the JDK's. Without it the path tells one from another.
	archive := filepath.Join(lib, fmt.Sprintf("classes-%.6x.jsa", sha256.Sum256(append(release, java...))))
	archiving.Do(func() {
		if err := archiveClasses(lib, archive); err != nil {
			fmt.Fprintf(os.Stderr, "kafkatest: Apache Kafka starts slowly, its classes were not archived: %v\n", err)
		}
	})
	return archive
}

var archiving sync.Once

func archiveClasses(lib, archive string) error {
	lock, err := os.OpenFile(archive+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	if _, err := os.Stat(archive); err == nil {
		return nil
	}
	dir, err := os.MkdirTemp("", "daybook-kafkatest-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	nodes, release, err := newNodes(dir, lib, 1, nil)
	if err != nil {
		return err
	}
	defer release()
	broker, unfinished := nodes[0], archive+".unfinished"
	if err := broker.start(broker.java("-XX:ArchiveClassesAtExit="+unfinished, "kafka.Kafka", broker.settings)); err != nil {
		return err
	}
	defer broker.Kill()
	if err := broker.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	<-broker.process.exited
	return os.Rename(unfinished, archive)
}

package httpserver

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"
)

// certificateMaxAge is how often the files are looked at.
const certificateMaxAge = 10 * time.Second

// certificate is the pair in two files, read again when they change, so that
// a renewal needs no restart.
type certificate struct {
	files TLS

	mu      sync.Mutex // guards what follows
	checked time.Time
	changed [2]time.Time // of the files, when they were read
	pair    *tls.Certificate
}

func loadCertificate(files TLS) (*certificate, error) {
	c := &certificate{files: files}
	if err := c.load(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *certificate) load() error {
	var changed [2]time.Time
	for i, name := range []string{c.files.Cert, c.files.Key} {
		info, err := os.Stat(name)
		if err != nil {
			return fmt.Errorf("http.tls: %w", err)
		}
		changed[i] = info.ModTime()
	}
	if changed == c.changed {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.files.Cert, c.files.Key)
	if err != nil {
		return fmt.Errorf("http.tls: %w", err)
	}
	c.pair, c.changed = &pair, changed
	return nil
}

// get returns the pair for a handshake. While the files are being replaced,
// or are broken, the last good pair goes on being used.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.checked) >= certificateMaxAge {
		c.checked = time.Now()
		_ = c.load()
	}
	return c.pair, nil
}

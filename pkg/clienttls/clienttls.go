// Package clienttls reads the settings of an encrypted connection that Daybook
// opens, to Kafka and to ClickHouse alike.
package clienttls

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
)

// Config says whether and how to encrypt a connection.
type Config struct {
	Enabled  bool   `mapstructure:"enabled"`
	CA       string `mapstructure:"ca"`       // PEM file; empty: the system's roots
	Cert     string `mapstructure:"cert"`     // PEM file, with key, for mutual TLS
	Key      string `mapstructure:"key"`      // PEM file
	Insecure bool   `mapstructure:"insecure"` // accept any certificate; for tests only
}

// Load reads the files. It returns nil where TLS is off. Errors begin with the
// key of the faulty setting beneath section, as in kafka.tls.ca.
func (c Config) Load(section string) (*tls.Config, error) {
	if !c.Enabled {
		if c != (Config{}) {
			return nil, fmt.Errorf("%s: enabled is false, but other settings of it are set", section)
		}
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: c.Insecure} //nolint:gosec // Insecure is for tests and says so.
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("%s.ca: %w", section, err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s.ca: %s holds no PEM certificate", section, c.CA)
		}
	}
	if (c.Cert == "") != (c.Key == "") {
		return nil, errors.New(section + ": cert and key go together")
	}
	if c.Cert != "" {
		pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
		if err != nil {
			return nil, fmt.Errorf("%s.cert: %w", section, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// Hint says which setting beneath section to look at, for an error of a connection
// that has to do with TLS; "" for any other.
func Hint(section string, err error) string {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &authority):
		return section + ".ca must name the CA of the server's certificate"
	case errors.As(err, &host):
		return "the address must name the server as its certificate does"
	case errors.As(err, &record):
		return "the server speaks no TLS there, and " + section + ".enabled is true"
	case IsAlert(err) && strings.Contains(err.Error(), "certificate"):
		return "the server wants another certificate of ours: look at " + section + ".cert and " + section + ".key"
	default:
		return ""
	}
}

// IsAlert reports whether the other side has ended a connection with an alert of TLS,
// which crypto/tls has no value for.
func IsAlert(err error) bool { return strings.Contains(err.Error(), "remote error: tls:") }

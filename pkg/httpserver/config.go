package httpserver

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
)

// Config says where the API is served.
type Config struct {
	Addr string `mapstructure:"addr"` // host:port
	TLS  TLS    `mapstructure:"tls"`
}

// TLS names the certificate of the API. Both empty: no encryption.
type TLS struct {
	Cert string `mapstructure:"cert"` // PEM file, the chain included
	Key  string `mapstructure:"key"`  // PEM file
}

// AdminConfig says where health, metrics and profiles are served.
type AdminConfig struct {
	Addr string `mapstructure:"addr"` // host:port; empty: not served
}

// DefaultConfig returns the settings of an installation that changes nothing.
func DefaultConfig() Config { return Config{Addr: "127.0.0.1:8080"} }

// DefaultAdminConfig returns the settings of an installation that changes nothing.
func DefaultAdminConfig() AdminConfig { return AdminConfig{Addr: "127.0.0.1:8081"} }

// Validate returns every fault of the settings.
func (c Config) Validate() error {
	return errors.Join(validateAddr("http.addr", c.Addr), c.TLS.validate())
}

// Validate returns every fault of the settings.
func (c AdminConfig) Validate() error {
	if c.Addr == "" {
		return nil
	}
	return validateAddr("admin.addr", c.Addr)
}

func (t TLS) enabled() bool { return t.Cert != "" || t.Key != "" }

func (t TLS) validate() error {
	switch {
	case !t.enabled():
		return nil
	case t.Cert == "":
		return errors.New("http.tls.cert: must be set where http.tls.key is")
	case t.Key == "":
		return errors.New("http.tls.key: must be set where http.tls.cert is")
	}
	if _, err := tls.LoadX509KeyPair(t.Cert, t.Key); err != nil {
		return fmt.Errorf("http.tls.cert: %w", err)
	}
	return nil
}

func validateAddr(key, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%s: %q is not host:port", key, addr)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%s: %q is not a port", key, port)
	}
	return nil
}

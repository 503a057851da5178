package auth

import (
	"errors"
	"fmt"
	"strings"
)

// Config says how callers are verified.
type Config struct {
	// BootstrapKey is a key that may do everything for every tenant. It is for
	// the first start, until keys are made, and for tests. Empty: none.
	BootstrapKey string `mapstructure:"bootstrap_key"`
}

// minBootstrapKey is the least length of a bootstrap key, in bytes. Keys that
// Daybook makes have 256 random bits; this only refuses the empty gesture.
const minBootstrapKey = 8

// DefaultConfig returns the settings of an installation that changes nothing.
func DefaultConfig() Config { return Config{} }

// Validate returns every fault of the settings. It never repeats the key.
func (c Config) Validate() error {
	var errs []error
	if c.BootstrapKey != "" && len(c.BootstrapKey) < minBootstrapKey {
		errs = append(errs, fmt.Errorf("auth.bootstrap_key: has %d bytes, at least %d are needed", len(c.BootstrapKey), minBootstrapKey))
	}
	if strings.ContainsFunc(c.BootstrapKey, func(r rune) bool { return r <= ' ' || r > '~' }) {
		errs = append(errs, errors.New("auth.bootstrap_key: may only have visible ASCII characters, as it travels in a header"))
	}
	return errors.Join(errs...)
}

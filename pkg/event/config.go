package event

import (
	"errors"
	"fmt"

	"daybook/pkg/bytesize"
)

// Config bounds what is accepted as an event and names categories.
type Config struct {
	// MaxEventBytes is the largest message accepted, in bytes. It must be positive.
	MaxEventBytes bytesize.Size
	// RetentionDays is how far createdAt may lie before the message's own
	// timestamp, in days. It must be positive.
	RetentionDays int
	// Categories extends and overrides the default table: an event type
	// ("order.shipped"), a family ("order.*") or everything else ("*") to one
	// of the seven category names. The longest match wins.
	Categories map[string]string
}

// maxRetentionDays keeps createdAt plus the retention inside what the store
// can compute with.
const maxRetentionDays = 36_500

// DefaultConfig returns 1 MiB, 365 days and the default categories.
func DefaultConfig() Config {
	return Config{MaxEventBytes: bytesize.MiB, RetentionDays: 365}
}

// Validate reports every fault of the configuration.
func (c Config) Validate() error {
	var faults []error
	if c.MaxEventBytes <= 0 {
		faults = append(faults, fmt.Errorf("ingest.max_event_bytes: %d is not positive", c.MaxEventBytes))
	}
	if c.RetentionDays < 1 || c.RetentionDays > maxRetentionDays {
		faults = append(faults, fmt.Errorf("retention.days: %d is not between 1 and %d", c.RetentionDays, maxRetentionDays))
	}
	_, err := NewCategories(c.Categories)
	return errors.Join(append(faults, err)...)
}

package ingest

import (
	"errors"
	"fmt"
	"time"

	"daybook/pkg/bytesize"
)

// Config bounds what ingest holds and how it cuts blocks.
type Config struct {
	MaxRows          int           `mapstructure:"max_rows"`           // messages in one block at most
	MaxBytes         bytesize.Size `mapstructure:"max_bytes"`          // memory of one block at most, or one message
	MaxAge           time.Duration `mapstructure:"max_age"`            // a block is inserted at the latest so long after its first message was read
	MaxBufferedBytes bytesize.Size `mapstructure:"max_buffered_bytes"` // memory of all blocks; fetching waits when it is reached
	MaxEventBytes    bytesize.Size `mapstructure:"max_event_bytes"`    // a larger message is a dead letter
	SessionTimeout   time.Duration `mapstructure:"session_timeout"`    // a node that is silent for so long loses its partitions to the others
}

// maxBlockRows bounds MaxRows, so that a resume from the table knows how far
// back the last block can begin.
const maxBlockRows = 1_000_000

// DefaultConfig returns the settings of an installation that changes nothing.
func DefaultConfig() Config {
	return Config{
		MaxRows: 50_000, MaxBytes: 32 * bytesize.MiB, MaxAge: time.Second,
		MaxBufferedBytes: 256 * bytesize.MiB, MaxEventBytes: bytesize.MiB, SessionTimeout: 10 * time.Second,
	}
}

// Validate returns every fault of the settings.
func (c Config) Validate() error {
	var errs []error
	if c.MaxRows < 1 || c.MaxRows > maxBlockRows {
		errs = append(errs, fmt.Errorf("ingest.max_rows: %d is not between 1 and %d", c.MaxRows, maxBlockRows))
	}
	if c.MaxBytes < 64*bytesize.KiB {
		errs = append(errs, fmt.Errorf("ingest.max_bytes: %s is less than 64KiB", c.MaxBytes))
	}
	if c.MaxAge < 10*time.Millisecond || c.MaxAge > time.Minute {
		errs = append(errs, fmt.Errorf("ingest.max_age: %s is not between 10ms and 1m", c.MaxAge))
	}
	if c.MaxBufferedBytes < c.MaxBytes {
		errs = append(errs, errors.New("ingest.max_buffered_bytes: must not be less than ingest.max_bytes"))
	}
	if c.MaxEventBytes < bytesize.KiB || c.MaxEventBytes > 64*bytesize.MiB {
		errs = append(errs, fmt.Errorf("ingest.max_event_bytes: %s is not between 1KiB and 64MiB", c.MaxEventBytes))
	}
	if c.SessionTimeout < time.Second || c.SessionTimeout > 5*time.Minute {
		errs = append(errs, fmt.Errorf("ingest.session_timeout: %s is not between 1s and 5m", c.SessionTimeout))
	}
	return errors.Join(errs...)
}

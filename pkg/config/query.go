package config

import (
	"errors"
	"fmt"
	"time"

	"daybook/pkg/bytesize"
)

// Query bounds what one query may use.
type Query struct {
	MaxDuration time.Duration `mapstructure:"max_duration"`
	MaxMemory   bytesize.Size `mapstructure:"max_memory"`    // of ClickHouse
	MaxRowsRead int64         `mapstructure:"max_rows_read"` // 0: no limit
	MaxLimit    int           `mapstructure:"max_limit"`     // events in a page of a search
}

func defaultQuery() Query {
	return Query{MaxDuration: 10 * time.Second, MaxMemory: bytesize.GiB, MaxRowsRead: 1_000_000_000, MaxLimit: 1000}
}

// Validate returns every fault of the settings.
func (c Query) Validate() error {
	var errs []error
	if c.MaxDuration < 100*time.Millisecond {
		errs = append(errs, fmt.Errorf("query.max_duration: %s is less than 100ms", c.MaxDuration))
	}
	if c.MaxMemory < 16*bytesize.MiB {
		errs = append(errs, fmt.Errorf("query.max_memory: %s is less than 16MiB", c.MaxMemory))
	}
	if c.MaxRowsRead < 0 {
		errs = append(errs, errors.New("query.max_rows_read: must not be negative"))
	}
	if c.MaxLimit < 1 || c.MaxLimit > 100_000 {
		errs = append(errs, fmt.Errorf("query.max_limit: %d is not between 1 and 100000", c.MaxLimit))
	}
	return errors.Join(errs...)
}

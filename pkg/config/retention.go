package config

import (
	"errors"
	"fmt"
)

// Retention says how long events are kept and shown.
type Retention struct {
	Days int `mapstructure:"days"` // after createdAt; from 1 to 36500
}

// Validate returns every fault of the settings.
func (c Retention) Validate() error {
	if c.Days < 1 || c.Days > 36500 {
		return fmt.Errorf("retention.days: %d is not between 1 and 36500", c.Days)
	}
	return nil
}

// Archive says where closed days are kept beyond the retention.
type Archive struct {
	Enabled   bool   `mapstructure:"enabled"`
	Endpoint  string `mapstructure:"endpoint"` // of the S3 API; empty: AWS
	Bucket    string `mapstructure:"bucket"`
	Prefix    string `mapstructure:"prefix"` // before every object's name
	Region    string `mapstructure:"region"`
	AccessKey string `mapstructure:"access_key"`
	SecretKey string `mapstructure:"secret_key"`
}

// Validate refuses an archive, which this version does not write yet: events
// that somebody believes to be archived must not be purged in silence.
func (c Archive) Validate() error {
	if c.Enabled {
		return errors.New("archive.enabled: this version cannot archive yet; set it to false")
	}
	return nil
}

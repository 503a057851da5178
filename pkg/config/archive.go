package config

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"daybook/pkg/archive"
	"daybook/pkg/tenant"
)

// Archive says where closed days are kept beyond the retention.
type Archive struct {
	Enabled bool `mapstructure:"enabled"`
	// Required holds the purge of what is not archived and verified.
	Required bool `mapstructure:"required"`
	// Delay is how long after its end a day is written. What comes later becomes
	// a further file of the day.
	Delay        time.Duration `mapstructure:"delay"`
	RestoredDays int           `mapstructure:"restored_days"` // how long restored events stay
	// Where the days of every tenant go that has no bucket of its own.
	Endpoint  string          `mapstructure:"endpoint"` // of the S3 API; empty: AWS
	Bucket    string          `mapstructure:"bucket"`
	Prefix    string          `mapstructure:"prefix"` // before every object's name
	Region    string          `mapstructure:"region"`
	AccessKey string          `mapstructure:"access_key"`
	SecretKey string          `mapstructure:"secret_key"`
	SSE       string          `mapstructure:"sse"`     // that each object must have, as the bucket's default: AES256 or aws:kms; empty: any
	KMSKey    string          `mapstructure:"kms_key"` // that it must be, of aws:kms; empty: any
	Tenants   []TenantArchive `mapstructure:"tenants"`
}

// TenantArchive is the place of one tenant. What it leaves empty is as for
// every tenant.
type TenantArchive struct {
	Tenant    tenant.ID `mapstructure:"tenant"`
	Endpoint  string    `mapstructure:"endpoint"`
	Bucket    string    `mapstructure:"bucket"`
	Prefix    string    `mapstructure:"prefix"`
	Region    string    `mapstructure:"region"`
	AccessKey string    `mapstructure:"access_key"`
	SecretKey string    `mapstructure:"secret_key"`
	SSE       string    `mapstructure:"sse"`
	KMSKey    string    `mapstructure:"kms_key"`
}

func defaultArchive() Archive {
	return Archive{Delay: 6 * time.Hour, RestoredDays: 30, Region: archive.DefaultRegion}
}

// Of returns the place of a tenant's days.
func (c Archive) Of(id tenant.ID) TenantArchive {
	of := TenantArchive{
		Tenant: id, Endpoint: c.Endpoint, Bucket: c.Bucket, Prefix: c.Prefix, Region: c.Region,
		AccessKey: c.AccessKey, SecretKey: c.SecretKey, SSE: c.SSE, KMSKey: c.KMSKey,
	}
	for _, t := range c.Tenants {
		if t.Tenant != id {
			continue
		}
		for _, field := range []struct {
			to  *string
			own string
		}{
			{&of.Endpoint, t.Endpoint}, {&of.Bucket, t.Bucket}, {&of.Prefix, t.Prefix}, {&of.Region, t.Region},
			{&of.AccessKey, t.AccessKey}, {&of.SecretKey, t.SecretKey}, {&of.SSE, t.SSE}, {&of.KMSKey, t.KMSKey},
		} {
			if field.own != "" {
				*field.to = field.own
			}
		}
	}
	return of
}

// Places returns where each tenant's days are, as the program's parts use it.
func (c Archive) Places() archive.Places {
	places := archive.Places{All: c.Of("").place()}
	for _, t := range c.Tenants {
		if places.Own == nil {
			places.Own = make(map[tenant.ID]archive.Place, len(c.Tenants))
		}
		places.Own[t.Tenant] = c.Of(t.Tenant).place()
	}
	return places
}

func (t TenantArchive) place() archive.Place {
	return archive.Place{
		Endpoint: t.Endpoint, Bucket: t.Bucket, Prefix: t.Prefix, Region: t.Region,
		AccessKey: t.AccessKey, SecretKey: t.SecretKey, SSE: t.SSE, KMSKey: t.KMSKey,
	}
}

// bucketName is what S3 allows for the name of a bucket.
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// Validate returns every fault of the settings.
func (c Archive) Validate() error {
	if !c.Enabled {
		if c.Required {
			return errors.New("archive.required: nothing would ever be purged while archive.enabled is false")
		}
		return nil
	}
	var errs []error
	if c.Delay < 0 || c.Delay > 30*24*time.Hour {
		errs = append(errs, fmt.Errorf("archive.delay: %s is not between 0s and 720h", c.Delay))
	}
	if c.RestoredDays < 1 || c.RestoredDays > 36500 {
		errs = append(errs, fmt.Errorf("archive.restored_days: %d is not between 1 and 36500", c.RestoredDays))
	}
	errs = append(errs, c.Of("").validate("archive.")...)
	errs = append(errs, eachTenant("archive.tenants", c.Tenants, func(t TenantArchive) tenant.ID { return t.Tenant }, func(key string, t TenantArchive) error {
		return errors.Join(c.Of(t.Tenant).validate(key)...)
	}))
	return errors.Join(errs...)
}

func (t TenantArchive) validate(key string) (errs []error) {
	if !bucketName.MatchString(t.Bucket) {
		errs = append(errs, fmt.Errorf("%sbucket: %q is no name of a bucket", key, t.Bucket))
	}
	if t.Endpoint != "" {
		u, err := url.Parse(t.Endpoint)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.User != nil {
			errs = append(errs, fmt.Errorf("%sendpoint: %q is not like https://s3.example.com", key, t.Endpoint))
		}
	}
	if t.Region == "" {
		errs = append(errs, fmt.Errorf("%sregion: must not be empty", key))
	}
	if strings.ContainsAny(t.Prefix, "{}*?\\") || strings.HasPrefix(t.Prefix, "/") {
		errs = append(errs, fmt.Errorf("%sprefix: %q must not begin with / or hold any of {}*?\\", key, t.Prefix))
	}
	if t.AccessKey == "" || t.SecretKey == "" {
		errs = append(errs, fmt.Errorf("%saccess_key and %ssecret_key: both must be set", key, key))
	}
	switch {
	case t.SSE != "" && t.SSE != "AES256" && t.SSE != "aws:kms":
		errs = append(errs, fmt.Errorf("%ssse: %q is neither AES256 nor aws:kms", key, t.SSE))
	case t.KMSKey != "" && t.SSE != "aws:kms":
		errs = append(errs, fmt.Errorf("%skms_key: is for sse aws:kms only", key))
	}
	return errs
}

// Package archive is what the writer of the archive (ingest/archive) and its
// readers (query) share: places in S3-compatible storage, the names of objects, and
// the manifest that makes a day exist.
package archive

import (
	"fmt"
	"iter"
	"strings"

	"daybook/pkg/clickhouse"
	"daybook/pkg/tenant"
)

// Place is where in S3-compatible storage the days of a tenant are.
type Place struct {
	Endpoint  string // of the S3 API; empty: AWS
	Bucket    string
	Prefix    string // before every object's name
	Region    string
	AccessKey string
	SecretKey string
	SSE       string // AES256 or aws:kms, which objects must have by the bucket's default; empty: not looked at
	KMSKey    string
}

// Places says where each tenant's days are.
type Places struct {
	All Place // of those that are not named
	Own map[tenant.ID]Place
}

// Of returns a tenant's place.
func (p Places) Of(id tenant.ID) Place {
	if own, ok := p.Own[id]; ok {
		return own
	}
	return p.All
}

// Each goes through the places that have a bucket, some of which may be the same.
func (p Places) Each() iter.Seq[Place] {
	return func(yield func(Place) bool) {
		if p.All.Bucket != "" && !yield(p.All) {
			return
		}
		for _, own := range p.Own {
			if own.Bucket != "" && !yield(own) {
				return
			}
		}
	}
}

// DefaultRegion is what ClickHouse signs for unless it knows better.
const DefaultRegion = "us-east-1"

// Advice is what to add to an error of a statement that reads or writes a place; mostly
// empty.
func (p Place) Advice(err error) string {
	if p.Endpoint == "" || p.Region == DefaultRegion || clickhouse.Code(err) != codeS3 {
		return ""
	}
	return fmt.Sprintf(" (where ClickHouse is not embedded, its own settings must say the region: <s3><archive><endpoint>%s</endpoint><region>%s</region></archive></s3>)", p.URL(), p.Region)
}

// codeS3 is ClickHouse's code for what the storage has refused.
const codeS3 = 499

// URL is the address of the place, with its prefix; names of objects follow it.
func (p Place) URL() string { return p.endpoint() + "/" + p.Bucket + "/" + p.Prefix }

func (p Place) endpoint() string {
	if p.Endpoint == "" {
		return "https://s3." + p.Region + ".amazonaws.com"
	}
	return strings.TrimRight(p.Endpoint, "/")
}

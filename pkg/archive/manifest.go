package archive

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"daybook/pkg/tenant"
)

// Day is a manifest: what the archive has of a tenant's UTC day. A day
// exists once it has one; the highest number counts, and has all files.
type Day struct {
	Version   int       `json:"version"` // of the manifest's own form
	Schema    int       `json:"schema"`  // of the files: the columns and their types
	Tenant    tenant.ID `json:"tenant"`
	Day       string    `json:"day"` // 2026-01-31
	Number    int       `json:"number"`
	WrittenAt time.Time `json:"writtenAt"`
	Writer    string    `json:"writer"` // the program and its version
	Totals
	Files []File `json:"files"`
}

// File is one Parquet object.
type File struct {
	Name   string `json:"name"` // within the day's folder
	SHA256 string `json:"sha256"`
	Totals
}

// Totals says how much there is, and what it is.
type Totals struct {
	Rows  uint64    `json:"rows"`
	Bytes uint64    `json:"bytes"`
	First time.Time `json:"first"` // createdAt
	Last  time.Time `json:"last"`
	// IDs is the sum, modulo 2⁶⁴, of ClickHouse's sipHash64 of what identifies each
	// event, and Content of cityHash64 of all its columns: the order of rows does
	// not matter, and those of files add up. SHA-256 is against those who mean harm.
	IDs     Sum `json:"ids"`
	Content Sum `json:"content"`
	// Offsets has, for each Kafka partition, the least and the greatest offset.
	Offsets []Offsets `json:"offsets"`
}

// Offsets is a range of a Kafka partition, both ends included.
type Offsets struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	First     int64  `json:"first"`
	Last      int64  `json:"last"`
}

// Sum is a checksum; sixteen hexadecimal digits in JSON, which has no integers of 64 bits.
type Sum uint64

// MarshalText implements encoding.TextMarshaler.
func (s Sum) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%016x", uint64(s)), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Sum) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 16, 64)
	*s = Sum(n)
	return err
}

// The forms that this program writes, and the newest it reads.
const (
	ManifestVersion = 1
	SchemaVersion   = 1
)

// ParseDay reads a manifest. It refuses one of a later form, and one that does
// not agree with itself.
func ParseDay(text []byte) (*Day, error) {
	var d Day
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("the manifest is not readable: %w", err)
	}
	if d.Version < 1 || d.Version > ManifestVersion || d.Schema < 1 || d.Schema > SchemaVersion {
		return nil, fmt.Errorf("the manifest is of version %d and schema %d; this program knows up to %d and %d", d.Version, d.Schema, ManifestVersion, SchemaVersion)
	}
	if _, err := time.Parse(time.DateOnly, d.Day); err != nil {
		return nil, fmt.Errorf("the manifest's day: %w", err)
	}
	var rows, bytes uint64
	var ids, content Sum
	for _, f := range d.Files {
		rows, bytes, ids, content = rows+f.Rows, bytes+f.Bytes, ids+f.IDs, content+f.Content
	}
	if rows != d.Rows || bytes != d.Bytes || ids != d.IDs || content != d.Content {
		return nil, fmt.Errorf("the manifest says %d rows, its files %d: somebody has altered it", d.Rows, rows)
	}
	return &d, nil
}

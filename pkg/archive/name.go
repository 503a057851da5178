package archive

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"daybook/pkg/tenant"
)

// Folder returns where the objects of a tenant's day are within its place,
// as Hive names partitions, so that DuckDB and Spark know tenant and date
// by it: tenant=acme/date=2026-01-31/.
func Folder(id tenant.ID, day time.Time) string {
	return TenantFolder(id) + "date=" + day.UTC().Format(time.DateOnly) + "/"
}

// TenantFolder returns where all days of a tenant are.
func TenantFolder(id tenant.ID) string { return "tenant=" + escape(string(id)) + "/" }

// Data returns the name of a day's nth file, from 1.
func Data(n int) string { return fmt.Sprintf("events-%04d.parquet", n) }

// NewData returns a name for a day's nth file that no other writer has, as
// events-0002-5f3a9c1e.parquet: two that write at once never write one object.
func NewData(n int) string {
	var unique [4]byte
	_, _ = rand.Read(unique[:]) // It never fails.
	return fmt.Sprintf("events-%04d-%x.parquet", n, unique)
}

// IsData reports whether an object of a day's folder is a file of events.
func IsData(name string) bool {
	return strings.HasPrefix(name, "events-") && strings.HasSuffix(name, ".parquet")
}

// ManifestNumber returns which manifest of its day a name within the folder is of.
func ManifestNumber(name string) (n int, ok bool) {
	text, ok := strings.CutPrefix(name, "_manifest-")
	if !ok {
		return 0, false
	}
	if text, ok = strings.CutSuffix(text, ".json"); !ok {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n > 0
}

// Manifest returns the name of a day's nth manifest, from 1. What begins with
// an underscore, readers of Parquet folders leave out.
func Manifest(n int) string { return fmt.Sprintf("_manifest-%04d.json", n) }

// escape writes what is no letter, digit, - or _ of ASCII as . and two
// hexadecimal digits: no place, pattern or URL gives those a meaning. (A second =
// in a folder's name stops DuckDB.)
func escape(text string) string {
	var out strings.Builder
	for i := range len(text) {
		c := text[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
			out.WriteByte(c)
		default:
			fmt.Fprintf(&out, ".%02X", c)
		}
	}
	return out.String()
}

// unescape is the inverse of escape.
func unescape(text string) (string, error) {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '.' {
			out.WriteByte(text[i])
			continue
		}
		if i+3 > len(text) {
			return "", fmt.Errorf("%q ends in mid-escape", text)
		}
		b, err := hex.DecodeString(text[i+1 : i+3])
		if err != nil {
			return "", fmt.Errorf("%q: %w", text, err)
		}
		out.WriteByte(b[0])
		i += 2
	}
	return out.String(), nil
}

// ParseFolder returns whose day a folder, or an object within it, is of.
func ParseFolder(name string) (id tenant.ID, day time.Time, err error) {
	parts := strings.Split(name, "/")
	if len(parts) < 2 {
		return "", day, fmt.Errorf("%q is no folder of an archive", name)
	}
	escaped, isTenant := strings.CutPrefix(parts[0], "tenant=")
	date, isDate := strings.CutPrefix(parts[1], "date=")
	if !isTenant || !isDate {
		return "", day, fmt.Errorf("%q is no folder of an archive", name)
	}
	text, err := unescape(escaped)
	if err != nil {
		return "", day, err
	}
	day, err = time.Parse(time.DateOnly, date)
	return tenant.ID(text), day, err
}

// Collection is the name of the ClickHouse named collection that has the
// address and the credentials of a place: no text of a query and no log has them.
// A place is known by what it says, so a changed setting is another collection.
func (p Place) Collection() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{p.Endpoint, p.Bucket, p.Prefix, p.Region, p.AccessKey, p.SecretKey, p.SSE, p.KMSKey}, "\x00")))
	return "daybook_archive_" + hex.EncodeToString(sum[:8])
}

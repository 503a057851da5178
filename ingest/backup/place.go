package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/archive"
)

// Place is where backups are: a folder of ClickHouse's own (backups.allowed_path
// of its settings), or S3-compatible storage.
type Place struct {
	// Folder is ClickHouse's folder of backups where this process reaches it too, as
	// with the embedded one; else empty.
	Folder string
	// S3 is storage instead; nil: the folder. With a Folder they are written there
	// first and copied by this process: the embedded engine has no pool for BACKUP TO S3.
	S3 *archive.Place
}

// manifest is the file of a backup that lists it; it is written last.
const manifest = "daybook.json"

// objects is where in a place of S3 backups are.
const objects = "backups/"

// staging begins the names of folders whose backup is, or comes from, elsewhere.
const staging = ".s3-"

// String names the place for people and as the key of the table backups.
func (p Place) String() string {
	switch {
	case p.S3 != nil:
		return strings.TrimSuffix(p.S3.URL(), "/") + "/" + strings.TrimSuffix(objects, "/")
	case p.Folder != "":
		return p.Folder
	}
	return "the server's folder of backups"
}

func (p Place) staged() bool { return p.S3 != nil && p.Folder != "" }

// at returns how statements name a part of a backup. Names have nothing that
// needs to be escaped.
func (p Place) at(name, part string) string {
	switch {
	case p.staged():
		return fmt.Sprintf("File('%s%s/%s')", staging, name, part)
	case p.S3 != nil:
		return fmt.Sprintf("S3(%s, '%s%s/%s')", p.S3.Collection(), objects, name, part)
	}
	return fmt.Sprintf("File('%s/%s')", name, part)
}

// prepare makes what statements name.
func (p Place) prepare(ctx context.Context, conn driver.Conn) error {
	if p.S3 != nil && !p.staged() {
		return archive.EnsureCollection(ctx, conn, *p.S3)
	}
	return nil
}

// taken says whether a backup of that name is there, whole or not; false where
// only ClickHouse can tell.
func (p Place) taken(ctx context.Context, name string) (bool, error) {
	if p.S3 != nil {
		b, err := p.bucket()
		if err != nil {
			return false, err
		}
		return b.any(ctx, objects+name+"/")
	}
	if p.Folder == "" {
		return false, nil
	}
	_, err := os.Stat(filepath.Join(p.Folder, name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// stagingFolder is where a backup is on its way to or from storage.
func (p Place) stagingFolder(name string) string { return filepath.Join(p.Folder, staging+name) }

// seal writes the manifest, which makes the backup whole.
func (p Place) seal(ctx context.Context, b Backup) error {
	text, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return err
	}
	switch {
	case p.S3 != nil:
		bucket, err := p.bucket()
		if err != nil {
			return err
		}
		return bucket.put(ctx, objects+b.Name+"/"+manifest, text)
	case p.Folder != "":
		path := filepath.Join(p.Folder, b.Name, manifest)
		if err := os.WriteFile(path+".new", text, 0o600); err != nil {
			return err
		}
		return os.Rename(path+".new", path)
	}
	return nil
}

// discard removes what a failed backup has written, where it can be reached.
func (p Place) discard(name string) {
	switch {
	case p.staged():
		_ = os.RemoveAll(p.stagingFolder(name)) // What stays is shown as not whole.
	case p.S3 == nil && p.Folder != "":
		_ = os.RemoveAll(filepath.Join(p.Folder, name)) // As above.
	}
}

// List returns the backups of the place, the newest first. conn is asked for
// those of a folder that only ClickHouse reaches; nil elsewhere.
func (p Place) List(ctx context.Context, conn driver.Conn) ([]Backup, error) {
	var out []Backup
	var err error
	switch {
	case p.S3 != nil:
		out, err = p.listBucket(ctx)
	case p.Folder != "":
		out, err = p.listFolder()
	default:
		out, err = known(ctx, conn, p)
	}
	slices.SortFunc(out, func(a, b Backup) int {
		if c := b.At.Compare(a.At); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out, err
}

func (p Place) listFolder() ([]Backup, error) {
	entries, err := os.ReadDir(p.Folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list backups: %w", err)
	}
	var out []Backup
	for _, e := range entries {
		if !e.IsDir() || !validName.MatchString(e.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(p.Folder, e.Name(), manifest))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("list backups: %w", err)
		}
		b := describe(e.Name(), text)
		if info, err := e.Info(); err == nil && b.At.IsZero() {
			b.At = info.ModTime().UTC()
		}
		out = append(out, b)
	}
	return out, nil
}

func (p Place) listBucket(ctx context.Context) ([]Backup, error) {
	bucket, err := p.bucket()
	if err != nil {
		return nil, err
	}
	names, err := bucket.folders(ctx, objects)
	if err != nil {
		return nil, fmt.Errorf("list backups: %w", err)
	}
	var out []Backup
	for _, name := range names {
		text, err := bucket.get(ctx, objects+name+"/"+manifest)
		if err != nil {
			return nil, fmt.Errorf("list backups: %w", err)
		}
		out = append(out, describe(name, text))
	}
	return out, nil
}

// describe reads a manifest; one that is absent or can't be read is of a backup
// that isn't whole.
func describe(name string, text []byte) Backup {
	b := Backup{}
	if json.Unmarshal(text, &b) != nil || b.Name != name {
		return Backup{Name: name, State: NotWhole}
	}
	b.State = Whole
	return b
}

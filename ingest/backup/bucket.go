package backup

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/encrypt"
	"golang.org/x/sync/errgroup"

	"daybook/pkg/archive"
)

// bucket is a place in S3-compatible storage as this process reads and writes it.
type bucket struct {
	client *minio.Client
	place  archive.Place
	sse    encrypt.ServerSide // nil: the bucket's own
}

// copiers is how many files are copied at a time.
const copiers = 4

// lastFile of a part makes it whole for ClickHouse, so it is copied last.
const lastFile = ".backup"

func (p Place) bucket() (*bucket, error) {
	host, options, err := p.S3.Client()
	if err != nil {
		return nil, err
	}
	b := &bucket{place: *p.S3}
	if b.client, err = minio.New(host, options); err != nil {
		return nil, fmt.Errorf("archive.endpoint: %w", err)
	}
	if b.sse, err = p.S3.Encryption(); err != nil {
		return nil, err
	}
	return b, nil
}

// fault names what the settings can cure.
func (b *bucket) fault(err error) error {
	if err == nil {
		return nil
	}
	switch code := minio.ToErrorResponse(err).Code; code {
	case "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch":
		return fmt.Errorf("the storage refuses archive.access_key and archive.secret_key (%s), or what they may do in bucket %s", code, b.place.Bucket)
	case "NoSuchBucket":
		return fmt.Errorf("archive.bucket: the storage at %s has no bucket %s", b.client.EndpointURL(), b.place.Bucket)
	}
	return fmt.Errorf("storage at %s: %w", b.client.EndpointURL(), err)
}

func (b *bucket) any(ctx context.Context, prefix string) (bool, error) {
	ctx, cancel := context.WithCancel(ctx) // Ends the listing.
	defer cancel()
	for o := range b.client.ListObjects(ctx, b.place.Bucket, minio.ListObjectsOptions{Prefix: b.place.Prefix + prefix, Recursive: true, MaxKeys: 1}) {
		return o.Err == nil, b.fault(o.Err)
	}
	return false, nil
}

// folders returns the names of what is directly within a prefix.
func (b *bucket) folders(ctx context.Context, prefix string) ([]string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var names []string
	for o := range b.client.ListObjects(ctx, b.place.Bucket, minio.ListObjectsOptions{Prefix: b.place.Prefix + prefix}) {
		if o.Err != nil {
			return nil, b.fault(o.Err)
		}
		if name, isFolder := strings.CutSuffix(strings.TrimPrefix(o.Key, b.place.Prefix+prefix), "/"); isFolder && validName.MatchString(name) {
			names = append(names, name)
		}
	}
	return names, nil
}

func (b *bucket) put(ctx context.Context, name string, text []byte) error {
	_, err := b.client.PutObject(ctx, b.place.Bucket, b.place.Prefix+name, bytes.NewReader(text), int64(len(text)),
		minio.PutObjectOptions{ContentType: "application/json", ServerSideEncryption: b.sse})
	return b.fault(err)
}

// get returns an object, nil where there is none.
func (b *bucket) get(ctx context.Context, name string) ([]byte, error) {
	object, err := b.client.GetObject(ctx, b.place.Bucket, b.place.Prefix+name, minio.GetObjectOptions{})
	if err != nil {
		return nil, b.fault(err)
	}
	defer func() { _ = object.Close() }()
	text, err := io.ReadAll(object)
	if minio.ToErrorResponse(err).Code == "NoSuchKey" {
		return nil, nil
	}
	return text, b.fault(err)
}

// upload copies a folder, what makes it whole last.
func (b *bucket) upload(ctx context.Context, folder, name string, progress func(done, total uint64)) error {
	var files, last []string
	var total, done atomic.Uint64
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		total.Add(uint64(info.Size()))
		if e.Name() == lastFile {
			last = append(last, path)
		} else {
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, batch := range [][]string{files, last} {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(copiers)
		for _, path := range batch {
			group.Go(func() error {
				within, err := filepath.Rel(folder, path)
				if err != nil {
					return err
				}
				info, err := b.client.FPutObject(ctx, b.place.Bucket, b.place.Prefix+name+"/"+filepath.ToSlash(within), path,
					minio.PutObjectOptions{ContentType: "application/octet-stream", ServerSideEncryption: b.sse})
				progress(done.Add(uint64(info.Size)), total.Load())
				return b.fault(err)
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// download copies objects into a folder. It returns how many there were.
func (b *bucket) download(ctx context.Context, name, folder string, progress func(done, total uint64)) (int, error) {
	type object struct{ key, path string }
	var found []object
	var total uint64
	prefix := b.place.Prefix + name + "/"
	for o := range b.client.ListObjects(ctx, b.place.Bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
		if o.Err != nil {
			return 0, b.fault(o.Err)
		}
		within := strings.TrimPrefix(o.Key, prefix)
		if strings.HasSuffix(within, "/") {
			continue
		}
		if !filepath.IsLocal(filepath.FromSlash(within)) {
			return 0, fmt.Errorf("the bucket has an object %q, which is of no backup", o.Key)
		}
		found = append(found, object{o.Key, filepath.Join(folder, filepath.FromSlash(within))})
		total += uint64(o.Size)
	}
	var done atomic.Uint64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(copiers)
	for _, o := range found {
		group.Go(func() error {
			if err := b.client.FGetObject(ctx, b.place.Bucket, o.key, o.path, minio.GetObjectOptions{}); err != nil {
				return b.fault(err)
			}
			if info, err := os.Stat(o.path); err == nil {
				progress(done.Add(uint64(info.Size())), total)
			}
			return nil
		})
	}
	return len(found), group.Wait()
}

package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"

	layout "daybook/pkg/archive"
)

// bucket is a place as this process sees it: names, manifests and bytes. The
// events themselves go between it and ClickHouse.
type bucket struct {
	place     layout.Place
	core      *minio.Core
	transport *http.Transport
}

// Bounds of what is asked of a bucket.
const (
	answerTime     = 30 * time.Second // until the headers of an answer
	mostOfManifest = 16 << 20         // bytes
	readers        = 4                // objects that are read at once
)

// errExists is for an object that is there already.
var errExists = errors.New("the object exists")

func openBucket(p layout.Place) (*bucket, error) {
	host, options, err := p.Client()
	if err != nil {
		return nil, err
	}
	transport, err := minio.DefaultTransport(options.Secure)
	if err != nil {
		return nil, err
	}
	transport.ResponseHeaderTimeout = answerTime
	options.Transport = transport
	core, err := minio.NewCore(host, options)
	if err != nil {
		return nil, fmt.Errorf("the archive at %s: %w", p.URL(), err)
	}
	return &bucket{place: p, core: core, transport: transport}, nil
}

func (b *bucket) close() { b.transport.CloseIdleConnections() }

// object is one that a listing shows.
type object struct {
	name     string // within the place
	bytes    uint64
	modified time.Time
}

// list returns the objects under a prefix of the place, in the order of names.
func (b *bucket) list(ctx context.Context, prefix string) ([]object, error) {
	var out []object
	ctx, cancel := context.WithCancel(ctx) // What lists ends with it.
	defer cancel()
	for o := range b.core.Client.ListObjects(ctx, b.place.Bucket, minio.ListObjectsOptions{Prefix: b.place.Prefix + prefix, Recursive: true}) {
		if o.Err != nil {
			return nil, b.explain("list", o.Err)
		}
		out = append(out, object{strings.TrimPrefix(o.Key, b.place.Prefix), uint64(o.Size), o.LastModified})
	}
	return out, nil
}

// read returns a small object.
func (b *bucket) read(ctx context.Context, name string) ([]byte, error) {
	body, _, _, err := b.core.GetObject(ctx, b.place.Bucket, b.place.Prefix+name, minio.GetObjectOptions{})
	if err != nil {
		return nil, b.explain("read "+name, err)
	}
	defer func() { _ = body.Close() }()
	data, err := io.ReadAll(io.LimitReader(body, mostOfManifest))
	if err != nil {
		return nil, b.explain("read "+name, err)
	}
	return data, nil
}

// sum returns the SHA-256 of an object and its length, without holding it. It fails
// where the object is not encrypted as the settings say.
func (b *bucket) sum(ctx context.Context, name string) (sum string, length uint64, err error) {
	body, _, header, err := b.core.GetObject(ctx, b.place.Bucket, b.place.Prefix+name, minio.GetObjectOptions{})
	if err != nil {
		return "", 0, b.explain("read "+name, err)
	}
	defer func() { _ = body.Close() }()
	if err := b.encrypted(name, header); err != nil {
		return "", 0, err
	}
	h := sha256.New()
	n, err := io.Copy(h, body)
	if err != nil {
		return "", 0, b.explain("read "+name, err)
	}
	return hex.EncodeToString(h.Sum(nil)), uint64(n), nil
}

// encrypted checks what the storage says of an object. ClickHouse can't ask for
// encryption, see layout.Place.Source.
func (b *bucket) encrypted(name string, header http.Header) error {
	has, key := header.Get("X-Amz-Server-Side-Encryption"), header.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id")
	if b.place.SSE == "" || has == b.place.SSE && strings.HasSuffix(key, b.place.KMSKey) {
		return nil
	}
	return fmt.Errorf("the archive at %s: %s is encrypted with %q and not as archive.sse and archive.kms_key say (%s): make that the bucket's default encryption", b.place.URL(), name, has, b.place.SSE)
}

// create makes an object, or returns errExists.
func (b *bucket) create(ctx context.Context, name string, data []byte) error {
	o := minio.PutObjectOptions{ContentType: "application/json", SendContentMd5: true, DisableMultipart: true}
	o.SetMatchETagExcept("*")
	sse, err := b.place.Encryption()
	if err != nil {
		return err
	}
	o.ServerSideEncryption = sse
	_, err = b.core.Client.PutObject(ctx, b.place.Bucket, b.place.Prefix+name, bytes.NewReader(data), int64(len(data)), o)
	if minio.ToErrorResponse(err).StatusCode == http.StatusPreconditionFailed {
		return errExists
	}
	return b.explain("write "+name, err)
}

func (b *bucket) remove(ctx context.Context, name string) error {
	return b.explain("delete "+name, b.core.RemoveObject(ctx, b.place.Bucket, b.place.Prefix+name, minio.RemoveObjectOptions{}))
}

// abortUploads ends the uploads in parts that were begun before an instant and
// never completed: nothing shows them, and they cost.
func (b *bucket) abortUploads(ctx context.Context, before time.Time) (n int, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for u := range b.core.ListIncompleteUploads(ctx, b.place.Bucket, b.place.Prefix+"tenant=", true) {
		if u.Err != nil {
			return n, b.explain("list incomplete uploads", u.Err)
		}
		if !u.Initiated.Before(before) {
			continue
		}
		if err := b.core.AbortMultipartUpload(ctx, b.place.Bucket, u.Key, u.UploadID); err != nil {
			return n, b.explain("abort the upload of "+u.Key, err)
		}
		n++
	}
	return n, nil
}

// explain says what an error of the storage means and what to do about it.
func (b *bucket) explain(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("the archive at %s: %s: %w%s", b.place.URL(), what, err, advice(minio.ToErrorResponse(err).Code))
}

func advice(code string) string {
	switch strings.ToLower(code) { // Not every storage writes them as AWS does.
	case "signaturedoesnotmatch", "invalidaccesskeyid", "xadminusernotfound", "accessdenied":
		return " (see archive.access_key and archive.secret_key, and what the key may: list, read, write and delete objects)"
	case "nosuchbucket":
		return " (make the bucket, or set archive.bucket)"
	case "permanentredirect", "authorizationheadermalformed", "illegallocationconstraintexception":
		return " (see archive.region and archive.endpoint)"
	}
	return ""
}

// summed is what reading an object whole tells.
type summed struct {
	sha256 string
	bytes  uint64
}

// sums reads objects, a few at once.
func (b *bucket) sums(ctx context.Context, names []string) (map[string]summed, error) {
	out := make([]summed, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for i, name := range names {
		group.Go(func() (err error) {
			out[i].sha256, out[i].bytes, err = b.sum(ctx, name)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	byName := make(map[string]summed, len(names))
	for i, name := range names {
		byName[name] = out[i]
	}
	return byName, nil
}

package archive

import (
	"fmt"
	"net/url"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/encrypt"
)

// retries is how often minio-go asks, where asking again may help.
const retries = 4

// Client returns what a client of the place's storage is made from: the host, and
// the options, which the caller may add to.
func (p Place) Client() (host string, o *minio.Options, err error) {
	u, err := url.Parse(p.endpoint())
	if err != nil {
		return "", nil, fmt.Errorf("archive.endpoint: %w", err)
	}
	return u.Host, &minio.Options{
		Creds: credentials.NewStaticV4(p.AccessKey, p.SecretKey, ""), Secure: u.Scheme == "https", Region: p.Region,
		BucketLookup: minio.BucketLookupPath, MaxRetries: retries,
	}, nil
}

// Encryption returns what objects that are put ask for; nil for the bucket's own.
func (p Place) Encryption() (encrypt.ServerSide, error) {
	switch p.SSE {
	case "":
		return nil, nil
	case "AES256":
		return encrypt.NewSSE(), nil
	}
	kms, err := encrypt.NewSSEKMS(p.KMSKey, nil)
	if err != nil {
		return nil, fmt.Errorf("archive.kms_key: %w", err)
	}
	return kms, nil
}

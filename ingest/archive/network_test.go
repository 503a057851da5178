package archive

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/stretchr/testify/require"

	layout "daybook/pkg/archive"
	"daybook/pkg/archive/archivetest"
	"daybook/pkg/clickhouse"
	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/embedded"
	"daybook/pkg/netfault"
	"daybook/pkg/tenant"
	"daybook/schema/schematest"
)

// answers puts a storage before the gateway that adds a header to its answers, as one
// that encrypts does.
func (l *lab) answers(name, value string) {
	l.Helper()
	u, err := url.Parse(l.place.Endpoint)
	require.NoError(l, err)
	server := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(u); r.Out.Host = r.In.Host },
		ModifyResponse: func(r *http.Response) error { r.Header.Set(name, value); return nil },
	})
	l.Cleanup(server.Close)
	l.place.Endpoint = server.URL
}

// busy puts a storage before the gateway that says 503 when refuses does.
func (l *lab) busy(refuses func(r *http.Request) bool) (asked *atomic.Int64) {
	l.Helper()
	u, err := url.Parse(l.place.Endpoint)
	require.NoError(l, err)
	asked = new(atomic.Int64)
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u); r.Out.Host = r.In.Host }}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if !refuses(r) {
			proxy.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusServiceUnavailable)
		if r.Method != http.MethodHead {
			_, _ = w.Write([]byte(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>`))
		}
	}))
	l.Cleanup(server.Close)
	l.place.Endpoint = server.URL
	return asked
}

// A storage that says 503 to every third request is only slower.
func TestFault_NowAndThen503(t *testing.T) {
	l := newLab(t)
	for n := range 3 {
		l.store("acme", day(n+1), 50)
	}
	right := l.place
	var n atomic.Int64
	l.busy(func(*http.Request) bool { return n.Add(1)%3 == 0 })
	l.archive(l.runner())
	l.place = right
	l.whole()
}

// A storage that refuses one kind of request for good: the run says so, nothing is
// taken for archived, and the next one ends the work.
func TestFault_503(t *testing.T) {
	all := newLab(t)
	for name, refuses := range map[string]func(r *http.Request) bool{
		"all": func(*http.Request) bool { return true },
		"files": func(r *http.Request) bool {
			return r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, ".parquet")
		},
		"reading files": func(r *http.Request) bool {
			return r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, ".parquet")
		},
		"manifests": func(r *http.Request) bool {
			return r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, ".json")
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := all.in(t)
			l.store("acme", day(1), 50)
			l.store("acme", day(2), 50)
			right := l.place
			l.busy(refuses)
			r := l.runner()
			_, err := r.Archive(t.Context(), Range{}, nil)
			require.ErrorContains(t, err, "the archive at "+l.place.URL())
			known, err := r.known(t.Context(), Range{})
			require.NoError(t, err)
			require.Empty(t, known)
			l.place = right
			l.archive(l.runner())
			l.whole()
		})
	}
}

// The connection is cut in the middle of an upload, of a read, of a manifest.
func TestFault_CutInMidUpload(t *testing.T) {
	all := newLab(t)
	for name, cut := range map[string]func(p *netfault.Proxy){
		"20 kB of an upload": func(p *netfault.Proxy) { p.TruncateRequests(20_000) },
		"2 kB of answers":    func(p *netfault.Proxy) { p.Truncate(2_000) },
		"30 kB of answers":   func(p *netfault.Proxy) { p.Truncate(30_000) },
		"no answers":         func(p *netfault.Proxy) { p.Truncate(0) },
	} {
		t.Run(name, func(t *testing.T) {
			l := all.in(t)
			l.store("acme", day(1), 20_000)
			right := l.place
			p := netfault.Start(t, l.gateway.Addr)
			l.place.Endpoint = "http://" + p.Addr()
			cut(p)
			r := l.runner()
			_, err := r.Archive(t.Context(), Range{}, nil)
			require.Error(t, err)
			known, err := r.known(t.Context(), Range{})
			require.NoError(t, err)
			require.Empty(t, known)
			p.Heal()
			l.archive(r)
			r.Close()
			l.place = right
			l.whole()
		})
	}
}

// An upload in parts that nobody completes is aborted once it is a day old.
func TestFault_IncompleteUpload(t *testing.T) {
	l := newLab(t)
	l.store("acme", day(1), 50)
	r := l.runner()
	l.archive(r)
	b, err := r.bucketOf(t.Context(), l.place)
	require.NoError(t, err)
	id, err := b.core.NewMultipartUpload(t.Context(), l.place.Bucket, "tenant=acme/date=2026-04-16/events-0001-00000000.parquet", minio.PutObjectOptions{})
	require.NoError(t, err)
	_, err = b.core.PutObjectPart(t.Context(), l.place.Bucket, "tenant=acme/date=2026-04-16/events-0001-00000000.parquet", id, 1, strings.NewReader("a part"), 6, minio.PutObjectPartOptions{})
	require.NoError(t, err)
	uploads := func() (n int) {
		for u := range b.core.ListIncompleteUploads(context.WithoutCancel(t.Context()), l.place.Bucket, "", true) {
			require.NoError(t, u.Err)
			n++
		}
		return n
	}
	require.Equal(t, 1, uploads())
	l.now = time.Now().Add(time.Hour)
	require.NoError(t, r.sweep(t.Context()))
	require.Equal(t, 1, uploads(), "somebody may be at it")
	l.now = time.Now().Add(25*time.Hour + time.Minute)
	require.NoError(t, l.runner().sweep(t.Context()))
	require.Zero(t, uploads())
	l.whole()
}

// The key may write and not delete, as with a locked bucket: what a run that was cut
// has left stays, and the day is archived all the same.
func TestFault_DeletionRefused(t *testing.T) {
	l := newLab(t)
	l.store("acme", day(1), 50)
	right := l.place
	l.busy(func(r *http.Request) bool { return r.Method == http.MethodDelete || r.Method == http.MethodPost })
	times := 0
	r := l.runner(func(r *Runner) {
		r.step = func(at string) error {
			if at == "written" && times == 0 {
				times++
				l.store("acme", day(1).Add(time.Hour), 5)
			}
			return nil
		}
	})
	l.archive(r)
	l.place = right
	l.whole()
	require.Len(t, l.objects(), 3, "two files, one of them without a manifest")
}

// The encryption that the settings ask for is checked: without it nothing counts as
// archived.
func TestArchive_EncryptionAtRest(t *testing.T) {
	l := newLab(t)
	l.store("acme", day(1), 50)
	l.place.SSE = "AES256"
	_, err := l.runner().Archive(t.Context(), Range{}, nil)
	require.ErrorContains(t, err, "make that the bucket's default encryption")
	known, err := l.runner().known(t.Context(), Range{})
	require.NoError(t, err)
	require.Empty(t, known)
	l.answers("X-Amz-Server-Side-Encryption", "AES256")
	l.archive(l.runner())
	l.whole()
}

// told returns a lab with a ClickHouse of its own, which knows about places.
func told(t *testing.T, g *archivetest.Gateway, about ...embedded.S3Place) *lab {
	t.Helper()
	config := clickhousetest.Config(t, clickhousetest.Server(t, func(c *embedded.ClickHouseConfig) { c.S3 = about }))
	schematest.Up(t, config)
	conn, err := clickhouse.Open(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	l := &lab{TB: t, conn: conn, gateway: g, place: g.Place("the-archive"), now: today}
	l.store("acme", day(1), 50)
	l.store("globex", day(1), 50)
	return l
}

// Storage of a region, which refuses what is signed for another: the embedded ClickHouse
// is told, of another one the error says what to do.
func TestArchive_OtherRegion(t *testing.T) {
	g := archivetest.StartIn(t, "eu-north-1")
	theirs := g.Place("their-archive")
	own := func(r *Runner) { r.Places.Own = map[tenant.ID]layout.Place{"globex": theirs} }

	l := told(t, g)
	_, err := l.runner(own).Archive(t.Context(), Range{}, nil)
	require.ErrorContains(t, err, "<endpoint>"+theirs.Endpoint+"/the-archive/</endpoint><region>eu-north-1</region>")

	l = told(t, g, embedded.S3Place{URL: l.place.URL(), Region: "eu-north-1"}, embedded.S3Place{URL: theirs.URL(), Region: "eu-north-1"})
	r := l.runner(own)
	l.archive(r)
	v, err := r.Verify(t.Context(), Range{}, nil)
	require.NoError(t, err)
	require.Equal(t, 2, v.Days)
	require.Empty(t, v.Faults)
	report, err := r.Restore(t.Context(), Range{}, 0, nil)
	require.NoError(t, err)
	require.EqualValues(t, 100, report.Events)
}

// A tenant's own key: what the embedded ClickHouse writes asks for it, and so does the
// manifest; what is only read does not.
func TestArchive_OwnKey(t *testing.T) {
	g := archivetest.Start(t)
	place := g.Place("the-archive")
	place.Prefix, place.SSE, place.KMSKey = "globex/", "aws:kms", "the-key-of-globex"
	var asked sync.Map // object: the key that it was asked to be encrypted with
	u, err := url.Parse(place.Endpoint)
	require.NoError(t, err)
	server := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(u)
			r.Out.Host = r.In.Host
			if kind := r.In.Header.Get("X-Amz-Server-Side-Encryption"); kind != "" {
				if r.In.Method != http.MethodPut {
					t.Errorf("AWS refuses such a %s", r.In.Method)
				}
				asked.Store(r.In.URL.Path, kind+" "+r.In.Header.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"))
			}
		},
		ModifyResponse: func(r *http.Response) error {
			if key, ok := asked.Load(r.Request.URL.Path); ok && r.Request.Method != http.MethodPut {
				kind, id, _ := strings.Cut(key.(string), " ")
				r.Header.Set("X-Amz-Server-Side-Encryption", kind)
				r.Header.Set("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", id)
			}
			return nil
		},
	})
	t.Cleanup(server.Close)
	place.Endpoint = server.URL
	l := told(t, g, embedded.S3Place{URL: place.URL(), KMSKey: place.KMSKey})
	r := l.runner(func(r *Runner) { r.Places.Own = map[tenant.ID]layout.Place{"globex": place} })
	l.archive(r)
	objects := 0
	asked.Range(func(path, key any) bool {
		objects++
		require.Contains(t, path, "/the-archive/globex/tenant=globex/")
		require.Equal(t, "aws:kms the-key-of-globex", key)
		return true
	})
	require.Equal(t, 2, objects, "a file and its manifest")
}

// A disk that is full: the bucket is a file system of a few pages.
func TestFault_DiskFull(t *testing.T) {
	l := newLab(t)
	dir := l.gateway.File(l.place, "")
	if err := mountTmpfs(t, dir, "256k"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("only root can mount: %v", err)
		}
		t.Skipf("SKIP: only root can mount: %v", err)
	}
	l.store("acme", day(1), 40_000)
	r := l.runner()
	_, err := r.Archive(t.Context(), Range{}, nil)
	require.ErrorContains(t, err, "the archive at "+l.place.URL())
	known, err := r.known(t.Context(), Range{})
	require.NoError(t, err)
	require.Empty(t, known)
	require.NoError(t, remount(dir, "64m"))
	_, statErr := os.Stat(dir)
	require.NoError(t, statErr)
	l.archive(r)
	l.whole()
}

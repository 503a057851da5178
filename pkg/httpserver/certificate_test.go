package httpserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zaptest"
)

// writePair writes a self-signed pair and returns its certificate.
func writePair(t *testing.T, files TLS, serial int64) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "daybook"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(files.Cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(files.Key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	certificate, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return certificate
}

func TestServer_TLS(t *testing.T) {
	dir := t.TempDir()
	files := TLS{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	roots := x509.NewCertPool()
	roots.AddCert(writePair(t, files, 1))
	url := serve(t, Config{Addr: "127.0.0.1:0", TLS: files}, Deps{Log: zaptest.NewLogger(t), Registry: prometheus.NewRegistry(), Keys: testKeys, Ready: NewReadiness()})
	if !strings.HasPrefix(url, "https://") {
		t.Errorf("the server is said to be at %s", url)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Get(url + "/healthz")
	require.NoError(t, err)
	_ = response.Body.Close()
	if response.StatusCode != 200 || response.ProtoMajor != 2 || response.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("%s %s, %v", response.Proto, response.Status, response.Header)
	}
	old := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MaxVersion: tls.VersionTLS11}}
	if response, err := (&http.Client{Transport: old}).Get(url + "/healthz"); err == nil {
		_ = response.Body.Close()
		t.Error("TLS 1.1 is accepted")
	}
}

func TestCertificate_IsReadAgainWhenItChanges(t *testing.T) {
	dir := t.TempDir()
	files := TLS{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	writePair(t, files, 1)
	c, err := loadCertificate(files)
	require.NoError(t, err)
	serial := func() int64 {
		c.checked = time.Time{} // As if the last look at the files were long ago.
		pair, err := c.get(nil)
		require.NoError(t, err)
		leaf, err := x509.ParseCertificate(pair.Certificate[0])
		require.NoError(t, err)
		return leaf.SerialNumber.Int64()
	}
	later := time.Now().Add(time.Minute)
	require.NoError(t, os.WriteFile(files.Cert, []byte("half a certif"), 0o600))
	require.NoError(t, os.Chtimes(files.Cert, later, later))
	if got := serial(); got != 1 {
		t.Errorf("a broken file replaced the pair: %d", got)
	}
	writePair(t, files, 2)
	require.NoError(t, os.Chtimes(files.Cert, later.Add(time.Minute), later.Add(time.Minute)))
	if got := serial(); got != 2 {
		t.Errorf("the renewed pair is not used: %d", got)
	}
}

func TestConfig_Validate(t *testing.T) {
	dir := t.TempDir()
	files := TLS{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	writePair(t, files, 1)
	for name, c := range map[string]struct {
		config Config
		want   string
	}{
		"default":     {DefaultConfig(), ""},
		"any address": {Config{Addr: ":8080"}, ""},
		"TLS":         {Config{Addr: ":8443", TLS: files}, ""},
		"no port":     {Config{Addr: "127.0.0.1"}, "http.addr"},
		"bad port":    {Config{Addr: "127.0.0.1:http"}, "http.addr"},
		"no key":      {Config{Addr: ":1", TLS: TLS{Cert: files.Cert}}, "http.tls.key"},
		"no cert":     {Config{Addr: ":1", TLS: TLS{Key: files.Key}}, "http.tls.cert"},
		"absent":      {Config{Addr: ":1", TLS: TLS{Cert: dir + "/x", Key: files.Key}}, "http.tls.cert"},
		"swapped":     {Config{Addr: ":1", TLS: TLS{Cert: files.Key, Key: files.Cert}}, "http.tls.cert"},
	} {
		err := c.config.Validate()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (AdminConfig{}).Validate(); err != nil {
		t.Errorf("no admin address: %v", err)
	}
}

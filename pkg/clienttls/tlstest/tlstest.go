// Package tlstest makes certificates for tests of encrypted connections.
package tlstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Files are PEM files.
type Files struct {
	CA          string // has signed both certificates
	Stranger    string // a CA that has signed nothing
	Server      Pair   // of 127.0.0.1
	ServerStore string // the server's key and certificate in one file, as Java wants them
	Client      Pair
}

// Pair is a certificate and its key.
type Pair struct{ Cert, Key string }

// Make makes a CA, and of it a server's certificate for 127.0.0.1 and a client's
// whose common name is given. They last for an hour.
func Make(t testing.TB, client string) Files {
	t.Helper()
	m := maker{t, t.TempDir()}
	ca, stranger := m.sign("ca", nil), m.sign("stranger", nil)
	server, of := m.sign("127.0.0.1", ca), m.sign(client, ca)
	f := Files{CA: m.write("ca.pem", ca.cert), Stranger: m.write("stranger.pem", stranger.cert), ServerStore: m.write("store.pem", server.key+server.cert)}
	f.Server = Pair{m.write("server.pem", server.cert), m.write("server.key", server.key)}
	f.Client = Pair{m.write("client.pem", of.cert), m.write("client.key", of.key)}
	return f
}

type maker struct {
	testing.TB

	dir string
}

// signed is a certificate with its key, both also as PEM.
type signed struct {
	template  *x509.Certificate
	private   *ecdsa.PrivateKey
	cert, key string
}

// sign makes a certificate for a name; without an issuer it is its own, a CA's.
func (m maker) sign(name string, by *signed) *signed {
	m.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	m.check(err)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	m.check(err)
	s := &signed{private: private, template: &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		IsCA: by == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}}
	if ip := net.ParseIP(name); ip != nil {
		s.template.IPAddresses = []net.IP{ip}
	}
	if by == nil {
		by = s
	}
	der, err := x509.CreateCertificate(rand.Reader, s.template, by.template, &private.PublicKey, by.private)
	m.check(err)
	key, err := x509.MarshalPKCS8PrivateKey(private)
	m.check(err)
	s.cert = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	s.key = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	return s
}

func (m maker) write(name, text string) string {
	m.Helper()
	path := filepath.Join(m.dir, name)
	m.check(os.WriteFile(path, []byte(text), 0o600))
	return path
}

func (m maker) check(err error) {
	m.Helper()
	if err != nil {
		m.Fatalf("make certificates: %v", err)
	}
}

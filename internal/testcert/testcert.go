// Package testcert makes certificates for tests: an authority, and what it signs.
package testcert

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

// Authority signs certificates. Its name is the same each time, so that two of
// them differ by their keys only.
type Authority struct {
	// File holds the authority's own certificate, in PEM.
	File string

	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority makes an authority, whose file lasts as long as the test.
func NewAuthority(tb testing.TB) *Authority {
	tb.Helper()
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "zkstate test authority"},
		NotBefore:             time.Now().Add(-24 * time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	a := &Authority{File: filepath.Join(tb.TempDir(), "ca.pem")}
	a.key = newKey(tb)
	der := a.sign(tb, template, template, a.key)
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	a.cert = cert
	write(tb, a.File, certPEM(der))
	return a
}

// Leaf says what a certificate is to be for.
type Leaf struct {
	// CommonName is the subject.
	CommonName string
	// Hosts are the names and addresses of the server that it is for. A
	// certificate without any is for a client.
	Hosts []string
	// Expired makes it one that was good until an hour ago.
	Expired bool
}

// Files are a certificate and its key, in PEM.
type Files struct {
	Cert, Key string
	// Both holds the certificate and the key, as a Java server wants them.
	Both string
}

// Issue signs a certificate, whose files last as long as the test.
func (a *Authority) Issue(tb testing.TB, leaf Leaf) Files {
	tb.Helper()
	dir := tb.TempDir()
	files := Files{
		Cert: filepath.Join(dir, "cert.pem"),
		Key:  filepath.Join(dir, "key.pem"),
		Both: filepath.Join(dir, "both.pem"),
	}
	a.Reissue(tb, leaf, files)
	return files
}

// Reissue signs a new certificate with a new key into the files of an old one, as
// a tool does that renews certificates: each file is replaced as a whole.
func (a *Authority) Reissue(tb testing.TB, leaf Leaf, files Files) {
	tb.Helper()
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: leaf.CommonName},
		NotBefore:   time.Now().Add(-2 * time.Hour),
		NotAfter:    time.Now().Add(24 * time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if leaf.Expired {
		template.NotAfter = time.Now().Add(-time.Hour)
	}
	if len(leaf.Hosts) > 0 {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	for _, host := range leaf.Hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	key := newKey(tb)
	cert, secret := certPEM(a.sign(tb, template, a.cert, key)), keyPEM(tb, key)
	write(tb, files.Cert, cert)
	write(tb, files.Key, secret)
	write(tb, files.Both, append(secret, cert...))
}

func (a *Authority) sign(tb testing.TB, template, parent *x509.Certificate, key *ecdsa.PrivateKey) []byte {
	tb.Helper()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		tb.Fatal(err)
	}
	template.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, a.key)
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func certPEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func keyPEM(tb testing.TB, key *ecdsa.PrivateKey) []byte {
	tb.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// write puts the file in place in one step.
func write(tb testing.TB, path string, data []byte) {
	tb.Helper()
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		tb.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		tb.Fatal(err)
	}
}

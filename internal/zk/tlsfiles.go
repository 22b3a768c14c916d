package zk

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// TLSFiles names the PEM files of a client that speaks TLS 1.2 or later. They are read for each new connection, so a
// renewed certificate is used from the next one on; a connection that is there keeps what it began with.
type TLSFiles struct {
	// CA has the authorities that servers' certificates must come from. Without it they are the system's.
	CA string
	// Cert has the client's certificate, and those between it and its authority. Without it the client shows none.
	Cert string
	// Key has the certificate's key, without a passphrase. If it is empty, Cert has the key too.
	Key string
	// ServerName, if it is not empty, is the name that each server's certificate must have, in place of the name
	// or address under which the server is listed.
	ServerName string
}

// Config reads the files and returns what a connection to the server of that host name needs. Whoever wants to know
// early whether the files are good calls it with any host. Errors name the file.
func (f TLSFiles) Config(host string) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: cmp.Or(f.ServerName, host)}
	if f.CA != "" {
		text, err := os.ReadFile(f.CA)
		if err != nil {
			return nil, fmt.Errorf("authorities of TLS: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("authorities of TLS: there is no certificate in PEM in %s", f.CA)
		}
	}
	if f.Cert == "" && f.Key != "" {
		return nil, fmt.Errorf("TLS: the key %s needs a certificate beside it", f.Key)
	}
	if f.Cert != "" {
		pair, err := f.keyPair()
		if err != nil {
			return nil, err
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}

func (f TLSFiles) keyPair() (tls.Certificate, error) {
	cert, err := os.ReadFile(f.Cert)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("certificate of TLS: %w", err)
	}
	name := cmp.Or(f.Key, f.Cert)
	key, err := os.ReadFile(name)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("key of TLS: %w", err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		if bytes.Contains(key, []byte("ENCRYPTED")) {
			err = errors.New("it has a passphrase, which is not supported")
		}
		return tls.Certificate{}, fmt.Errorf("certificate %s with key %s: %w", f.Cert, name, err)
	}
	return pair, nil
}

package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync"
)

// serveCertificates reads the files that serve's TLS needs.
type serveCertificates struct {
	serveFlags
	tokens bool // clients may show a token in place of a certificate
	logger *slog.Logger
}

// config returns what listens with the files as they are at each new connection. While they cannot be used, as between the
// replacement of a certificate and that of its key, the last ones that could be stay in use.
func (s serveCertificates) config() (*tls.Config, error) {
	first, err := s.read()
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	last, failure := first, ""
	listening := first.Clone()
	listening.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		renewed, err := s.read()
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err == nil:
			last, failure = renewed, ""
		case err.Error() != failure: // else it was said
			failure = err.Error()
			s.logger.Warn("zkstate serve: the certificates cannot be used: the last ones stay in use", "error", err)
		}
		return last, nil
	}
	return listening, nil
}

func (s serveCertificates) read() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(s.cert, s.key)
	if err != nil {
		return nil, usageError{fmt.Errorf("--tls-cert and --tls-key: %w", err)}
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"}, MinVersion: tls.VersionTLS12}
	if s.clientCA == "" {
		return cfg, nil
	}
	authorities, err := os.ReadFile(s.clientCA)
	if err != nil {
		return nil, usageError{fmt.Errorf("--client-ca: %w", err)}
	}
	cfg.ClientCAs = x509.NewCertPool()
	if !cfg.ClientCAs.AppendCertsFromPEM(authorities) {
		return nil, usageError{fmt.Errorf("--client-ca: %s has no certificate in PEM", s.clientCA)}
	}
	cfg.ClientAuth = tls.RequireAndVerifyClientCert
	if s.tokens { // one of the two
		cfg.ClientAuth = tls.VerifyClientCertIfGiven
	}
	return cfg, nil
}

// Package server is the HTTP API of a store's documents, for programs in any language and for
// browsers: reading, changing and following them. openapi.yaml describes it.
//
// It is safe by default. A Server serves loopback addresses only, unless it has TLS and asks
// for tokens or certificates; it changes nothing unless that is switched on; and it refuses
// requests that a page of another origin may have caused.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/zkstate/zkstate/internal/guardedlog"
	"github.com/zkstate/zkstate/store"
)

// Config configures a [Server]. Only Store has no default.
type Config struct {
	Store     store.Store
	StoreName string // what clients are told of it; it must hold no secrets
	Version   string // of the program
	Write     bool   // documents may be changed
	Actor     string // who changes documents, in journals, if a request does not say

	// TLS is for the listener. With client certificates that are verified, the common name
	// of one is who the client is.
	TLS *tls.Config
	// Tokens are what a client without a certificate shows. Without tokens none is asked for.
	Tokens []Token
	// Hosts are names by which clients reach the server, beside those of the loopback
	// addresses and those in the certificates of TLS.
	Hosts []string

	// Page is what browsers get at /: index.html and the files beside it. nil is none.
	Page fs.FS

	// Bounds. The defaults are 1,000 streams, 10 s, 200 requests a second and a burst of 1,000,
	// and 30 s.
	MaxStreams   int
	WriteTimeout time.Duration // for a client to read what is sent to it
	Rate         float64       // requests a second for each client
	Burst        int
	Linger       time.Duration // how long a document is followed when its last stream has ended

	Logger *slog.Logger
}

const (
	defaultTimeout = 10 * time.Second // of the work of a request
	maxTimeout     = time.Minute
	maxFollowed    = 2048
	maxWorking     = 128 // requests at once that are no streams
	shutdownBound  = 5 * time.Second
)

// Server serves documents over HTTP. Its methods may be called concurrently.
type Server struct {
	cfg       Config
	store     store.Store
	logger    *slog.Logger
	tokens    []digest
	hosts     []string
	rates     *rates
	followers *followers
	streams   chan struct{} // holds one for each stream
	working   chan struct{} // holds one for each other request
	stopping  chan struct{} // closed when streams have to end
	handler   http.Handler
}

// New makes a server. The store stays the caller's to close, after [Server.Serve] has returned.
// Errors are about reading the page.
func New(cfg Config) (*Server, error) {
	setDefault(&cfg.MaxStreams, 1000)
	setDefault(&cfg.WriteTimeout, 10*time.Second)
	setDefault(&cfg.Rate, 200)
	setDefault(&cfg.Burst, 1000)
	setDefault(&cfg.Linger, 30*time.Second)
	cfg.Logger = guardedlog.Of(cfg.Logger)
	s := &Server{
		cfg: cfg, store: cfg.Store, logger: cfg.Logger, tokens: digests(cfg.Tokens), hosts: hosts(cfg),
		rates:   newRates(cfg.Rate, cfg.Burst),
		streams: make(chan struct{}, cfg.MaxStreams), working: make(chan struct{}, maxWorking),
		stopping: make(chan struct{}),
		followers: &followers{
			store: cfg.Store, logger: cfg.Logger, linger: cfg.Linger, most: maxFollowed, open: make(map[string]*follower),
		},
	}
	page, err := loadPage(cfg.Page)
	if err != nil {
		return nil, fmt.Errorf("read the page: %w", err)
	}
	s.handler = s.guard(s.routes(page))
	return s, nil
}

func setDefault[T int | float64 | time.Duration](value *T, normal T) {
	if *value <= 0 {
		*value = normal
	}
}

// hosts are the names that the server goes by.
func hosts(cfg Config) []string {
	names := []string{"localhost", "127.0.0.1", "::1"}
	for _, name := range cfg.Hosts {
		names = append(names, strings.ToLower(strings.Trim(name, "[]")))
	}
	if cfg.TLS == nil {
		return names
	}
	for _, cert := range cfg.TLS.Certificates {
		if cert.Leaf == nil {
			continue
		}
		names = append(names, cert.Leaf.DNSNames...)
		for _, ip := range cert.Leaf.IPAddresses {
			names = append(names, ip.String())
		}
	}
	return names
}

// ErrUnsafe means that a server would be open to others without protection.
var ErrUnsafe = errors.New("a server on an address that others can reach needs TLS, and tokens or client certificates")

// Check returns [ErrUnsafe] if others could listen or come in there. [Server.Serve] checks it too.
func (c Config) Check(l net.Listener) error {
	if address, ok := l.Addr().(*net.TCPAddr); ok && address.IP.IsLoopback() || l.Addr().Network() == "unix" {
		return nil
	}
	certified := c.TLS != nil && c.TLS.ClientAuth == tls.RequireAndVerifyClientCert
	if c.TLS == nil || len(c.Tokens) == 0 && !certified {
		return ErrUnsafe
	}
	return nil
}

// Serve serves until ctx ends, and then ends in an orderly way: it tells the streams, and
// waits up to 5 s for requests that are being worked on. It closes l. A Server serves once.
// The error is nil if ctx ended it, and [ErrUnsafe] if it refuses to serve there.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	defer l.Close()
	if err := s.cfg.Check(l); err != nil {
		return err
	}
	if s.cfg.TLS != nil {
		config := s.cfg.TLS.Clone()
		config.NextProtos = []string{"h2", "http/1.1"}
		config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
		l = tls.NewListener(l, config)
	}
	srv := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      maxTimeout + 30*time.Second, // each answer, and each event, has a shorter one
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(s.logger.Handler(), slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
	}
	close(s.stopping)
	closing, cancel := context.WithTimeout(context.Background(), shutdownBound)
	defer cancel()
	if srv.Shutdown(closing) != nil {
		srv.Close()
	}
	s.followers.close()
	return err
}

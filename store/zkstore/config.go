package zkstore

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store"
)

// DefaultSessionTimeout is what Config asks for if it does not say. ZooKeeper
// grants between 2 and 20 of its ticks.
const DefaultSessionTimeout = zk.DefaultSessionTimeout

// Config says where ZooKeeper is. Only Servers is needed.
type Config struct {
	// Servers are host:port, the port 2181 if left out. Names are resolved at
	// every connection attempt.
	Servers []string
	// Chroot is put before every path, as in a connect string. It is created
	// when the first document is.
	Chroot string
	// SessionTimeout is how long listener records outlive a crash of this
	// process, and how long a connection may be away without losing them.
	SessionTimeout time.Duration
	// TLS, if not nil, is used on every connection. The servers' certificates are
	// verified against their names in Servers, unless ServerName is set.
	TLS *tls.Config
	// SASL, if not nil, begins an exchange with the server of that host name on each
	// new connection. See DigestMD5.
	SASL func(host string) (Mechanism, error)
	// Auth is shown to every server, before anything is asked of it.
	//
	// What this store creates can be read and written by everybody, unless Auth, SASL
	// or a client's certificate in TLS says who it is: then by holders of the same
	// credentials only.
	Auth []Auth
	// Logger receives what an operator wants to know; nil discards it.
	Logger *slog.Logger
}

// Auth is one set of credentials.
type Auth struct {
	Scheme string // such as digest
	Secret string // for digest "user:password", which goes over the network as it is
}

// Mechanism is the client's side of one SASL exchange. It is used by one goroutine at a
// time.
type Mechanism interface {
	// Next returns the response to a server's challenge; the first call has a nil
	// challenge. With done the exchange has succeeded and the response is not sent. An
	// error ends the connection.
	Next(challenge []byte) (response []byte, done bool, err error)
}

// client starts the client of a store.
func (cfg Config) client(s *Store) (*zk.Client, error) {
	if len(cfg.Servers) == 0 {
		return nil, errors.New("no servers given: name at least one host:port")
	}
	servers, chroot, err := zk.ParseServers(strings.Join(cfg.Servers, ","))
	if err != nil {
		return nil, err
	}
	if chroot != "" {
		return nil, fmt.Errorf("servers %q: the chroot has a field of its own: %w", cfg.Servers, zk.ErrAddress)
	}
	if s.chroot = strings.TrimSuffix(cfg.Chroot, "/"); s.chroot != "" {
		if err := store.CheckPath(s.chroot); err != nil {
			return nil, fmt.Errorf("chroot: %w", err)
		}
	}
	s.acl = zk.WorldACL(zk.PermAll)
	if cfg.identified() {
		s.acl = zk.CreatorACL(zk.PermAll)
	}
	with := zk.Config{
		Servers: servers, SessionTimeout: cfg.SessionTimeout, TLS: cfg.TLS,
		OnEvent: s.onEvent, Logger: cfg.Logger,
	}
	if cfg.SASL != nil {
		with.SASL = func(host string) (zk.Mechanism, error) { return cfg.SASL(host) }
	}
	for _, a := range cfg.Auth {
		with.Auth = append(with.Auth, zk.Auth{Scheme: a.Scheme, Credentials: []byte(a.Secret)})
	}
	return zk.Connect(with)
}

// identified reports whether the servers can know who this is.
func (cfg Config) identified() bool {
	certified := cfg.TLS != nil && (len(cfg.TLS.Certificates) > 0 || cfg.TLS.GetClientCertificate != nil)
	return len(cfg.Auth) > 0 || cfg.SASL != nil || certified
}

package zkstore

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store"
)

// DefaultSessionTimeout is what Config asks for if it does not say. ZooKeeper
// grants between 2 and 20 of its ticks.
const DefaultSessionTimeout = zk.DefaultSessionTimeout

// Config says where ZooKeeper is. Only Servers or SRV is needed.
type Config struct {
	// Servers are host:port, the port 2181 if left out, and 2281 with TLS. Names are
	// resolved at every connection attempt, and all their addresses are tried.
	Servers []string
	// FixedServers keeps to Servers or SRV. Without it the servers that the ensemble's
	// configuration names (/zookeeper/config, where it may be read and says where clients
	// connect) are tried as well, when none of the given ones could be used, so that an
	// ensemble may be changed server by server. With TLS their port is taken to be the one
	// that all Servers have; if they differ, or come from SRV, nothing is learned.
	FixedServers bool
	// SRV, in place of Servers, is a domain: the SRV records of _zookeeper._tcp.DOMAIN
	// name the servers, all alike. One that begins with an underscore is looked up as it
	// is.
	SRV string
	// Chroot is put before every path, as in a connect string. It is created
	// when the first document is.
	Chroot string
	// SessionTimeout is how long listener records outlive a crash of this
	// process, and how long a connection may be away without losing them.
	SessionTimeout time.Duration
	// TLS, if not nil, is called for each new connection with the host under which
	// the server is listed, and says how to secure it. See TLSFiles. Open calls it once
	// with no host, and fails if it does.
	TLS func(host string) (*tls.Config, error)
	// SASL, if not nil, begins an exchange with the server of that host name on each
	// new connection. See DigestMD5.
	SASL func(host string) (Mechanism, error)
	// Auth is shown to every server, before anything is asked of it.
	Auth []Auth
	// ACL is what a document's znodes get when this store creates them, its folders and its
	// listener records included. Those who share a document have to give the same one. The
	// folders above, up to the chroot and with it, can also be looked at and created in by
	// everybody, so that others can have their documents beside. ACLs of znodes that are
	// there are never changed.
	//
	// Nil means CreatorACL for a connection that a server knows by Auth, by SASL, by a
	// client's certificate, be it that of a proxy, or by any other means; and OpenACL where
	// nothing says who it is.
	ACL ACL
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

// DigestMD5 is a Config.SASL that shows a user and password by SASL DIGEST-MD5 without
// sending the password.
func DigestMD5(user, password string) func(host string) (Mechanism, error) {
	digest := zk.DigestMD5(user, password)
	return func(host string) (Mechanism, error) { return digest(host) }
}

// TLSFiles are PEM files, whose Config method is a Config.TLS. They are read for each new
// connection, so a renewed certificate is used from the next one on.
type TLSFiles struct {
	CA         string // the authorities of the servers' certificates; "" means the system's
	Cert       string // the client's certificate; without it the client shows none
	Key        string // the certificate's key; "" means that Cert has it
	ServerName string // the name in the servers' certificates, if it is another than that in Servers
}

// Config reads the files. Errors name the file.
func (f TLSFiles) Config(host string) (*tls.Config, error) { return zk.TLSFiles(f).Config(host) }

// client starts the client of a store.
func (cfg Config) client(s *Store) (*zk.Client, error) {
	servers, err := cfg.servers()
	if err != nil {
		return nil, err
	}
	s.learns = !cfg.FixedServers
	if cfg.TLS != nil && s.learns {
		s.securePort, s.learns = commonPort(servers)
	}
	if s.chroot = strings.TrimSuffix(cfg.Chroot, "/"); s.chroot != "" {
		if err := store.CheckChroot(s.chroot); err != nil {
			return nil, fmt.Errorf("chroot: %w", err)
		}
	}
	if s.authenticated, err = cfg.identified(); err != nil {
		return nil, err
	}
	if s.created.asked, err = cfg.acl(s.authenticated); err != nil {
		return nil, err
	}
	s.tls = cfg.TLS
	with := zk.Config{
		Servers: servers, SessionTimeout: cfg.SessionTimeout, TLS: cfg.TLS,
		OnEvent: s.onEvent, Logger: s.logger,
	}
	if cfg.SASL != nil {
		with.SASL = func(host string) (zk.Mechanism, error) { return cfg.SASL(host) }
	}
	for _, a := range cfg.Auth {
		with.Auth = append(with.Auth, zk.Auth{Scheme: a.Scheme, Credentials: []byte(a.Secret)})
		if a.Scheme == "digest" {
			s.digests = append(s.digests, digestID(a.Secret))
		}
	}
	return zk.Connect(with)
}

func (cfg Config) servers() (zk.Servers, error) {
	if cfg.SRV != "" {
		if len(cfg.Servers) > 0 {
			return nil, errors.New("servers are given and SRV records too: leave one of them out")
		}
		srv, chroot, err := zk.ParseSRV(cfg.SRV)
		if chroot != "" {
			return nil, fmt.Errorf("SRV %q: %w", cfg.SRV, errChroot)
		}
		return srv, err
	}
	if len(cfg.Servers) == 0 {
		return nil, errors.New("no servers given: name at least one host:port")
	}
	port := zk.DefaultPort
	if cfg.TLS != nil {
		port = zk.DefaultSecurePort
	}
	servers, chroot, err := zk.ParseServers(strings.Join(cfg.Servers, ","), port)
	if chroot != "" {
		return nil, fmt.Errorf("servers %q: %w", cfg.Servers, errChroot)
	}
	return servers, err
}

// commonPort returns the port that all servers have, if there is one.
func commonPort(servers zk.Servers) (common string, same bool) {
	hosts, _ := servers.(zk.Hosts)
	for _, host := range hosts {
		_, port, _ := net.SplitHostPort(host)
		if common != "" && port != common {
			return "", false
		}
		common = port
	}
	return common, common != ""
}

var errChroot = fmt.Errorf("the chroot has a field of its own: %w", zk.ErrAddress)

// identified reports whether this handle shows something by which servers can know who it is.
func (cfg Config) identified() (bool, error) {
	if cfg.TLS != nil {
		secure, err := cfg.TLS("")
		if err != nil {
			return false, err
		}
		if len(secure.Certificates) > 0 || secure.GetClientCertificate != nil {
			return true, nil
		}
	}
	return len(cfg.Auth) > 0 || cfg.SASL != nil, nil
}

// acl is that of what is created, nil if only the servers know which is right.
func (cfg Config) acl(identified bool) (ACL, error) {
	switch err := cfg.ACL.check(); {
	case err != nil:
		return nil, err
	case len(cfg.ACL) > 0:
		return slices.Clone(cfg.ACL), nil
	case identified:
		return CreatorACL, nil
	}
	return nil, nil
}

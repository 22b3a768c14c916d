// Package storeurl turns one string into a store, so that a program moves between
// a file, a ZooKeeper ensemble and memory by configuration alone:
//
//	sqlite:path/to/file.db                 a file; several processes of one machine share it
//	zk://h1:2181,h2:2181/chroot            ZooKeeper; port and chroot may be left out
//	zk://h1,h2?session=4s                  the same, asking for a session timeout
//	zk://user:password@h1,h2               the same, with digest credentials
//	zks://h1:2281,h2:2281/chroot           ZooKeeper by TLS; the port is 2281 if left out
//	zk+srv://example.com/chroot            the servers are those of DNS's SRV records of _zookeeper._tcp.example.com
//	zks+srv://example.com/chroot           both
//	mem:                                   a new, empty memory, private to whoever opened it
//
// User, password and chroot are percent-encoded: %40 stands for @, %2F for /, %3F for
// ? and %25 for %. Credentials can be kept out of the URL, see [Environment]. A domain that
// begins with an underscore is looked up as it is, such as
// _client._tcp.zk-headless.default.svc.
//
// With ZooKeeper, these may stand behind the ?, separated by & and percent-encoded:
//
//	session=TIME      the session timeout to ask for, from 1s to 1h
//	sasl_user=NAME    who to be by SASL DIGEST-MD5; the password is among the credentials, see [AuthFile]
//	acl=ACL           the rights on what is created: creator, read, open, or a list, see [zkstore.ParseACL] and
//	                  zkstore.Config.ACL. By default it is creator for whom a server knows, and open for others
//	servers=fixed     only the given servers are used, not those that the ensemble's configuration names
//
// and with TLS:
//
//	cacert=FILE       the authorities that servers' certificates must come from, in place of the system's
//	cert=FILE         the client's certificate
//	key=FILE          its key, if that is not in cert
//	servername=NAME   the name in the servers' certificates, in place of the host in the URL
//
// The files are in PEM and are read anew for each connection. A server's certificate is always
// verified, by name.
//
// It is the only place where the three stores are chosen.
package storeurl

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
	"github.com/zkstate/zkstate/store/sqlitestore"
	"github.com/zkstate/zkstate/store/zkstore"
)

// ErrURL means that a text does not name a store. Errors that match it show at most the
// scheme, the servers and the chroot of the text: the rest may be a password.
var ErrURL = errors.New("not a store URL")

// redacted stands in errors for what may hold a password.
const redacted = "(redacted)"

// Option configures [Open].
type Option func(*config)

type config struct {
	logger      *slog.Logger
	mustExist   bool
	environment bool
	files       zkstore.TLSFiles
	acl         zkstore.ACL
}

// Logger receives what the store does in the background.
func Logger(l *slog.Logger) Option { return func(c *config) { c.logger = l } }

// MustExist makes opening an SQLite file that does not exist fail with
// [store.ErrNotFound] instead of creating it. It has no meaning for other stores.
func MustExist() Option { return func(c *config) { c.mustExist = true } }

// Open opens the store that rawURL names. For ZooKeeper it does not wait for a
// server: the store's calls do, each until its context ends. A path of sqlite: is
// taken as it stands, without escapes, relative to the working directory unless it
// is absolute. Errors: [ErrURL], [ErrAuth], [zkstore.ErrACL], and what opening the store gives. The
// caller closes the store.
func Open(ctx context.Context, rawURL string, opts ...Option) (store.Store, error) {
	var cfg config
	for _, opt := range opts {
		opt(&cfg)
	}
	place, err := parse(rawURL)
	if err != nil {
		return nil, err
	}
	_, servers := zooKeeper[place.scheme]
	if !servers && (cfg.acl != nil || cfg.files != zkstore.TLSFiles{}) {
		return nil, refuse(place.scheme+":"+redacted, "certificates and ACLs are for ZooKeeper only")
	}
	switch place.scheme {
	case "mem":
		return memstore.New(), nil
	case "sqlite":
		s, err := sqlitestore.Open(ctx, place.file, sqlitestore.Config{Logger: cfg.logger, MustExist: cfg.mustExist})
		if err != nil {
			return nil, err // and no *sqlitestore.Store in the interface
		}
		return s, nil
	}
	return openZooKeeper(place.address, cfg)
}

// Public returns rawURL without its credentials, so that it can be shown, logged and
// handed on. Errors: [ErrURL].
func Public(rawURL string) (string, error) {
	place, err := parse(rawURL)
	if err != nil {
		return "", err
	}
	if _, ok := zooKeeper[place.scheme]; !ok {
		return rawURL, nil
	}
	place.address.secret = ""
	return place.address.String(), nil
}

func openZooKeeper(address address, cfg config) (store.Store, error) {
	config := zkstore.Config{
		Servers: address.servers, FixedServers: address.fixed, Chroot: address.chroot, SessionTimeout: address.session, Logger: cfg.logger,
	}
	if address.srv {
		config.Servers, config.SRV = nil, address.servers[0]
	}
	if err := cfg.secure(&config, address); err != nil {
		return nil, err
	}
	if err := cfg.identify(&config, address); err != nil {
		return nil, err
	}
	s, err := zkstore.Open(config)
	if err != nil {
		return nil, fmt.Errorf("%w: %v: %w", ErrURL, address, err)
	}
	return s, nil
}

// secure says how connections are secured.
func (cfg config) secure(to *zkstore.Config, address address) error {
	switch {
	case address.tls:
		files := overlay(cfg.files, address.files)
		if cfg.environment {
			files = overlay(files, environmentFiles())
		}
		to.TLS = files.Config
		if _, err := to.TLS(""); err != nil {
			return fmt.Errorf("%v: %w", address, err)
		}
	case cfg.files != zkstore.TLSFiles{}:
		return refuse(address.String(), "there are certificates, and it is without TLS: write zks:// for zk://, zks+srv:// for zk+srv://")
	}
	return nil
}

// identify says who connects, and who may do what with that which is created.
func (cfg config) identify(to *zkstore.Config, address address) (err error) {
	if address.secret != "" {
		to.Auth = []zkstore.Auth{{Scheme: "digest", Secret: address.secret}}
	}
	to.ACL = cfg.acl
	if to.ACL == nil {
		to.ACL = address.acl
	}
	var all []credentials
	if cfg.environment {
		if all, err = environmentAuth(); err != nil {
			return err
		}
		if to.ACL == nil {
			if to.ACL, err = environmentACL(); err != nil {
				return err
			}
		}
	}
	return show(to, all, address.saslUser)
}

// Default returns the URL of an SQLite file in the user's state directory
// ($XDG_STATE_HOME, else ~/.local/state). It does not create it. Without either there is
// no place that belongs to the user alone, and Default fails.
func Default() (string, error) {
	dir := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(dir) { // the specification has relative ones ignored
		home, err := os.UserHomeDir()
		if err != nil || !filepath.IsAbs(home) {
			return "", errors.New("neither XDG_STATE_HOME nor HOME is an absolute directory, so there is no default store")
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return "sqlite:" + filepath.Join(dir, "zkstate", "state.db"), nil
}

// Package storeurl turns one string into a store, so that a program moves between
// a file, a ZooKeeper ensemble and memory by configuration alone:
//
//	sqlite:path/to/file.db                 a file; several processes of one machine share it
//	zk://h1:2181,h2:2181/chroot            ZooKeeper; port and chroot may be left out
//	zk://h1,h2?session=4s                  the same, asking for a session timeout
//	zk://user:password@h1,h2               the same, with digest credentials
//	zk+tls://h1:2281,h2:2281/chroot        the same by TLS, see below
//	zk+srv://example.com/chroot            the servers are those of DNS's SRV records of _zookeeper._tcp.example.com
//	zk+tls+srv://example.com/chroot        both
//	mem:                                   a new, empty memory, private to whoever opened it
//
// User, password and chroot are percent-encoded: %40 stands for @, %2F for /, %3F for
// ? and %25 for %. Credentials can be kept out of the URL, see [EnvironmentAuth].
//
// With TLS, these may stand behind the ?, separated by &: cafile=FILE has the authorities
// that servers' certificates must come from, in place of the system's; cert=FILE and
// key=FILE have the client's certificate and its key; servername=NAME is the name that
// the servers' certificates must have, in place of the host in the URL. The files are in
// PEM and are read anew for each connection. ZooKeeper has no default port for TLS, so a
// server without one is taken to listen at 2181 too. A domain that begins with an
// underscore is looked up as it is, such as _client._tcp.zk-headless.default.svc.
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
	logger          *slog.Logger
	mustExist       bool
	environmentAuth bool
}

// Logger receives what the store does in the background.
func Logger(l *slog.Logger) Option { return func(c *config) { c.logger = l } }

// MustExist makes opening an SQLite file that does not exist fail with
// [store.ErrNotFound] instead of creating it. It has no meaning for other stores.
func MustExist() Option { return func(c *config) { c.mustExist = true } }

// EnvironmentAuth shows the credentials that [AuthFile] and [AuthVariable] give to
// ZooKeeper, beside those of the URL. It has no meaning for other stores.
func EnvironmentAuth() Option { return func(c *config) { c.environmentAuth = true } }

// Open opens the store that rawURL names. For ZooKeeper it does not wait for a
// server: the store's calls do, each until its context ends. A path of sqlite: is
// taken as it stands, without escapes, relative to the working directory unless it
// is absolute. Errors: [ErrURL], [ErrAuth], and what opening the store gives. The
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
	config := zkstore.Config{Servers: address.servers, Chroot: address.chroot, SessionTimeout: address.session, Logger: cfg.logger}
	if address.srv {
		config.Servers, config.SRV = nil, address.servers[0]
	}
	if address.tls {
		config.TLS = address.files.Config
		if _, err := config.TLS(""); err != nil {
			return nil, fmt.Errorf("%v: %w", address, err)
		}
	}
	if address.secret != "" {
		config.Auth = []zkstore.Auth{{Scheme: "digest", Secret: address.secret}}
	}
	if cfg.environmentAuth {
		if err := environmentAuth(&config); err != nil {
			return nil, err
		}
	}
	s, err := zkstore.Open(config)
	if err != nil {
		return nil, fmt.Errorf("%w: %v: %w", ErrURL, address, err)
	}
	return s, nil
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

// Package storeurl turns one string into a store, so that a program moves between
// a file, a ZooKeeper ensemble and memory by configuration alone:
//
//	sqlite:path/to/file.db                 a file; several processes of one machine share it
//	zk://h1:2181,h2:2181/chroot            ZooKeeper; port and chroot may be left out
//	zk://h1,h2?session=4s                  the same, asking for a session timeout
//	zk://user:password@h1,h2               the same, with digest credentials, percent-encoded
//	mem:                                   a new, empty memory, private to whoever opened it
//
// It is the only place where the three stores are chosen.
package storeurl

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
	"github.com/zkstate/zkstate/store/sqlitestore"
	"github.com/zkstate/zkstate/store/zkstore"
)

// ErrURL means that a text does not name a store.
var ErrURL = errors.New("not a store URL, which is sqlite:FILE, zk://HOST:PORT,HOST:PORT/CHROOT or mem: alone")

// Option configures [Open].
type Option func(*config)

type config struct {
	logger    *slog.Logger
	mustExist bool
}

// Logger receives what the store does in the background.
func Logger(l *slog.Logger) Option { return func(c *config) { c.logger = l } }

// MustExist makes opening an SQLite file that does not exist fail with
// [store.ErrNotFound] instead of creating it. It has no meaning for other stores.
func MustExist() Option { return func(c *config) { c.mustExist = true } }

// Open opens the store that rawURL names. For ZooKeeper it does not wait for a
// server: the store's calls do, each until its context ends. A path of sqlite: is
// taken as it stands, without escapes, relative to the working directory unless it
// is absolute. Errors: [ErrURL], and what opening the store gives. The caller
// closes the store.
func Open(ctx context.Context, rawURL string, opts ...Option) (store.Store, error) {
	var cfg config
	for _, opt := range opts {
		opt(&cfg)
	}
	scheme, rest, ok := strings.Cut(rawURL, ":")
	switch {
	case ok && scheme == "mem" && rest == "":
		return memstore.New(), nil
	case ok && scheme == "sqlite":
		return openFile(ctx, rawURL, rest, cfg)
	case ok && scheme == "zk" && strings.HasPrefix(rest, "//"):
		secret, rest, err := credentials(rest[2:])
		if err != nil {
			return nil, err
		}
		return openZooKeeper("zk://"+rest, rest, secret, cfg)
	}
	return nil, fmt.Errorf("%q: %w", rawURL, ErrURL)
}

func openFile(ctx context.Context, rawURL, file string, cfg config) (store.Store, error) {
	if after, ok := strings.CutPrefix(file, "///"); ok { // sqlite:///absolute, as others write it
		file = "/" + after
	}
	if file == "" || strings.HasPrefix(file, "//") {
		return nil, fmt.Errorf("%q names no file: %w", rawURL, ErrURL)
	}
	s, err := sqlitestore.Open(ctx, file, sqlitestore.Config{Logger: cfg.logger, MustExist: cfg.mustExist})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// credentials splits user:password off, which no error may show.
func credentials(rest string) (secret, hosts string, err error) {
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	at := strings.LastIndexByte(rest[:end], '@')
	if at < 0 {
		return "", rest, nil
	}
	secret, err = url.PathUnescape(rest[:at])
	if user, password, ok := strings.Cut(secret, ":"); err != nil || !ok || user == "" || password == "" {
		return "", "", fmt.Errorf("zk://...@%s: before the @ there must be user:password, percent-encoded: %w", rest[at+1:], ErrURL)
	}
	return secret, rest[at+1:], nil
}

func openZooKeeper(rawURL, rest, secret string, cfg config) (store.Store, error) {
	rest, query, _ := strings.Cut(rest, "?")
	servers, chroot, slash := strings.Cut(rest, "/")
	if slash {
		chroot = "/" + chroot
	}
	params, err := url.ParseQuery(query)
	if err != nil {
		return nil, fmt.Errorf("%q: %w: %w", rawURL, ErrURL, err)
	}
	config := zkstore.Config{Servers: strings.Split(servers, ","), Chroot: chroot, Logger: cfg.logger}
	if secret != "" {
		config.Auth = []zkstore.Auth{{Scheme: "digest", Secret: secret}}
	}
	for name, values := range params {
		if name != "session" {
			return nil, fmt.Errorf("%q: parameter %q is unknown: %w", rawURL, name, ErrURL)
		}
		config.SessionTimeout, err = time.ParseDuration(values[len(values)-1])
		if err != nil || config.SessionTimeout <= 0 {
			return nil, fmt.Errorf("%q: session must be a duration such as 10s: %w", rawURL, ErrURL)
		}
	}
	s, err := zkstore.Open(config)
	if err != nil {
		return nil, fmt.Errorf("%q: %w: %w", rawURL, ErrURL, err)
	}
	return s, nil
}

// Default returns the URL of an SQLite file in the user's state directory
// ($XDG_STATE_HOME, else ~/.local/state). It does not create it.
func Default() string {
	dir := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(dir) { // the specification has relative ones ignored
		home, err := os.UserHomeDir()
		if err != nil {
			home = os.TempDir()
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return "sqlite:" + filepath.Join(dir, "zkstate", "state.db")
}

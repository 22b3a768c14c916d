// Package zkstore keeps documents in ZooKeeper.
//
// A document /a/b is the znode /a/b/payload; its listeners are ephemeral znodes
// under /a/b/listeners, and its exclusive writers queue as ephemeral sequential
// ones under /a/b/write_lock. The entries of its journal, where that is on, are under
// /a/b/history, whose own data says how many are kept. Any tool may read and write
// them.
//
// The package contains github.com/go-zookeeper/zk and lets none of its types out.
// What that client does that would hurt a user is dealt with in wire.go (hangs,
// packet lengths, lost watches), hosts.go (names), conn.go (contexts, closing) and
// errors.go (ambiguous outcomes).
package zkstore

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/zkstate/zkstate/internal/rounds"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/internal/hints"
)

var _ store.Store = (*Store)(nil)

// DefaultSessionTimeout is what Config asks for if it does not say. ZooKeeper
// grants between 2 and 20 of its ticks.
const DefaultSessionTimeout = 10 * time.Second

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
	// Auth is shown to every server. What this store creates can then be read and
	// written by holders of the same credentials only; without, by everybody.
	Auth []Auth
	// Logger receives the client's chatter at debug level; nil discards it.
	Logger *slog.Logger
}

// Auth is one set of credentials.
type Auth struct {
	Scheme string // such as digest
	Secret string // for digest "user:password", which goes over the network as it is
}

// Store is one ZooKeeper session, replaced by a new one when it is lost. One
// process needs one, for any number of documents.
type Store struct {
	conn     *conn
	chroot   string
	acl      []zk.ACL  // of what is created
	hints    hints.Hub // by the path of the payload's znode
	presence *presence
	rounds   rounds.Rounds // of barriers
	sights   sights
	turns    turns // of locks, by queue and id
	ledgers  ledgers
}

// Open starts a session. It does not wait for a server: the calls do, each until
// its context ends. The error is about cfg only.
func Open(cfg Config) (*Store, error) {
	servers, err := parseServers(cfg.Servers)
	if err != nil {
		return nil, fmt.Errorf("zookeeper: %w", err)
	}
	chroot := strings.TrimSuffix(cfg.Chroot, "/")
	if chroot != "" {
		if err := store.CheckPath(chroot); err != nil {
			return nil, fmt.Errorf("zookeeper: chroot: %w", err)
		}
	}
	session := cfg.SessionTimeout
	if session <= 0 {
		session = DefaultSessionTimeout
	}
	logger := cfg.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	s := &Store{chroot: chroot, acl: zk.WorldACL(zk.PermAll)}
	if len(cfg.Auth) > 0 {
		s.acl = zk.AuthACL(zk.PermAll)
	}
	s.presence = newPresence(s)
	s.conn = &conn{
		servers: servers, session0: session, auth: cfg.Auth, logger: logger,
		armed: s.watched, onEvent: s.onEvent,
	}
	if err := connect(s.conn); err != nil {
		return nil, fmt.Errorf("zookeeper: %w", err)
	}
	s.presence.start(logger)
	return s, nil
}

// onEvent is called by the client's goroutines, one event at a time or not, so it
// only signals. A new connection has no watches and may follow lost ones: then
// everybody looks again.
func (s *Store) onEvent(event zk.Event) {
	switch {
	case event.Type != zk.EventSession:
		s.sights.moved(event.Path)
		s.hints.Signal(event.Path)
	case event.State == zk.StateHasSession:
		s.sights.clear()
		s.hints.SignalAll()
		s.presence.reconnected()
	}
}

// Watch implements [store.Store].
func (s *Store) Watch(path string) (<-chan struct{}, func()) {
	return s.hints.Watch(s.payload(path))
}

// Status implements [store.Store]. Connected means that a packet has come from a
// server within half the session timeout; the client pings more often than that.
func (s *Store) Status() store.Status {
	status := store.Status{Connected: s.conn.dialer().heard() && s.conn.ctx.Err() == nil}
	if id := s.conn.session(); id != 0 {
		status.Session = fmt.Sprintf("0x%x", id)
	}
	return status
}

// Close implements [store.Store]. It returns within two seconds. If no server
// answers by then, the listener records go when the session times out.
func (s *Store) Close() error {
	s.conn.close()
	s.presence.stop()
	return nil
}

func (s *Store) folder(path string) string  { return s.chroot + path }
func (s *Store) payload(path string) string { return s.chroot + path + "/payload" }
func (s *Store) records(path string) string { return s.chroot + path + "/listeners" }
func (s *Store) queue(path string) string   { return s.chroot + path + "/write_lock" }
func (s *Store) history(path string) string { return s.chroot + path + "/history" }

// watched reports whether reads of a znode should set a watch: whoever follows a
// document wants to know whether its journal is on, too.
func (s *Store) watched(full string) bool {
	if folder, ok := strings.CutSuffix(full, "/history"); ok && s.hints.Watched(folder+"/payload") {
		return true
	}
	return s.hints.Watched(full)
}

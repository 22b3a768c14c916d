// Package zkstore keeps documents in ZooKeeper.
//
// A document /a/b is the znode /a/b/payload; its listeners are ephemeral znodes
// under /a/b/listeners, with entries in the roster /a/b/listeners_open that outlive their
// session, and its exclusive writers queue as ephemeral sequential
// ones under /a/b/write_lock. The entries of its journal, where that is on, are under
// /a/b/history, whose own data says how many are kept. Any tool may read and write
// them. The payload has a child within the transaction of a commit that somebody waits for
// to be applied, and never otherwise: see [store.Await].
//
// The package speaks of documents, commits, locks and journals in terms of znodes.
// Connections and sessions are internal/zk's.
package zkstore

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zkstate/zkstate/internal/guardedlog"
	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/internal/hints"
)

var _ store.Store = (*Store)(nil)

// retryPause is between two tries of something that goes on until it is done.
const retryPause = 50 * time.Millisecond

// Store is one ZooKeeper session, replaced by a new one when it is lost. One
// process needs one, for any number of documents.
type Store struct {
	client  *zk.Client
	chroot  string
	created createdACL
	learns  bool // of servers beside those that were given
	// securePort is that of all servers for TLS, "" without TLS.
	securePort string

	tls           func(host string) (*tls.Config, error) // nil without TLS
	authenticated bool                                   // this handle shows who it is
	digests       []string                               // who that is in ACLs, where it is by digest credentials

	logger *slog.Logger
	ctx    context.Context // ends when Close begins
	cancel context.CancelFunc

	session  atomic.Pointer[zk.Session] // the newest, lost or not; nil before the first
	conn     atomic.Uint64              // the newest connection's number
	places   hints.Hub                  // by the path of a place in a queue
	watched  watchedCache
	verifier verifier
	folders  folderCache
	barriers barriers
	records  records
	shared   sharedWrites // of records
	turns    turns        // of locks, by queue and id
	counters counters

	listenerFolders listenerFolders // that somebody watches
	configured      chan struct{}   // has a token if the ensemble's configuration is to be looked at

	mu     sync.Mutex // guards closed, and tasks.Go against tasks.Wait
	closed bool
	tasks  sync.WaitGroup // goroutines
}

// Open starts a session. It does not wait for a server: the calls do, each until
// its context ends. The error is about cfg only.
func Open(cfg Config) (*Store, error) {
	s := &Store{
		logger: guardedlog.Of(cfg.Logger), records: newRecords(), verifier: verifier{wake: make(chan struct{}, 1)}, configured: make(chan struct{}, 1),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	client, err := cfg.client(s)
	if err != nil {
		s.cancel()
		return nil, fmt.Errorf("zookeeper: %w", err)
	}
	s.client = client
	s.goOn(s.keepRecords)
	s.goOn(s.forgetLost)
	if s.learns {
		s.goOn(s.learnServers)
	}
	return s, nil
}

// onEvent is called by the client, one event after another, in the order of the wire.
// It only notes and signals. A new connection has no watches and may follow lost ones:
// then the verifier looks at all that is followed.
func (s *Store) onEvent(event zk.Event) {
	switch event.Kind {
	case zk.Connected:
		s.counters.connections.Add(1)
		if s.session.Swap(event.Session) != event.Session {
			s.records.lost()
		}
		s.conn.Store(event.Conn)
		s.watched.clear(event.Conn)
		s.folders.clear() // the servers may have another history, whose numbers are the same
		s.listenerFolders.reconnected()
		s.places.SignalAll()
		s.verifier.wakeUp()
		s.records.wakeKeeper()
		s.wakeLearner()
	case zk.Disconnected:
		s.counters.disconnections.Add(1)
	case zk.SessionLost:
		s.counters.sessionsLost.Add(1)
	case zk.AuthFailed:
		s.counters.authFailures.Add(1)
		s.logger.Error("zkstore: a server refuses the credentials", "error", event.Err)
	case zk.NodeCreated, zk.NodeDeleted, zk.NodeDataChanged:
		if event.Kind == zk.NodeDeleted {
			s.records.ended(event.Path)
		}
		if event.Path == configPath {
			s.wakeLearner()
		}
		s.watched.moved(event.Path)
		s.watched.signal(event.Path)
		s.places.Signal(event.Path)
		s.listenerFolders.event(event.Kind, event.Path)
	case zk.NodeChildrenChanged:
		s.listenerFolders.event(event.Kind, event.Path)
	}
}

// Status implements [store.Store]. Connected means that a server has answered within
// half the session timeout; the client asks more often than that.
func (s *Store) Status() store.Status {
	status := store.Status{LostWatches: int(s.verifier.lost.Load())}
	session := s.session.Load()
	if session == nil {
		return status
	}
	status.Session = fmt.Sprintf("0x%x", session.ID())
	status.Connected = s.ctx.Err() == nil && session.Err() == nil && s.client.Err() == nil && unansweredFor(session) <= session.Timeout()/2
	return status
}

// unansweredFor is how long ago the request was sent that a server answered last. One of the
// two clocks stands still while a machine is suspended.
func unansweredFor(session *zk.Session) time.Duration {
	confirmed, now := session.Confirmed(), time.Now()
	return max(now.Sub(confirmed), now.Round(0).Sub(confirmed.Round(0)))
}

// Close implements [store.Store]. It returns within two and a half seconds: half a second is for the roster. If no server
// answers by then, the listener records go when the session times out.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.withdrawAll()
	s.client.Close()
	s.tasks.Wait()
	return nil
}

// goOn runs f on a goroutine that Close waits for, and reports whether it does: not
// once the store is closed. f ends when the store's context does.
func (s *Store) goOn(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.tasks.Go(f)
	return true
}

// do sends requests back to back in the present session.
func (s *Store) do(ctx context.Context, requests ...zk.Request) ([]zk.Reply, error) {
	session, err := s.client.Session(ctx)
	if err != nil {
		return nil, err
	}
	return session.Do(ctx, requests...)
}

// call sends one request in the present session.
func (s *Store) call(ctx context.Context, request zk.Request) (zk.Reply, error) {
	session, err := s.client.Session(ctx)
	if err != nil {
		return zk.Reply{}, err
	}
	return session.Call(ctx, request)
}

func (s *Store) folder(path string) string      { return s.chroot + path }
func (s *Store) payload(path string) string     { return s.chroot + path + "/payload" }
func (s *Store) awaited(path string) string     { return s.payload(path) + "/awaited" }
func (s *Store) listeners(path string) string   { return s.chroot + path + "/listeners" }
func (s *Store) record(path, id string) string  { return s.listeners(path) + "/" + id }
func (s *Store) roster(path string) string      { return s.chroot + path + "/listeners_open" }
func (s *Store) entryOf(path, id string) string { return s.roster(path) + "/" + id }
func (s *Store) queue(path string) string       { return s.chroot + path + "/write_lock" }
func (s *Store) place(path, name string) string { return s.queue(path) + "/" + name }
func (s *Store) history(path string) string     { return s.chroot + path + "/history" }
func (s *Store) entry(path, name string) string { return s.history(path) + "/" + name }

// pause waits for d, at most until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

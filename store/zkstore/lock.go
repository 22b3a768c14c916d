package zkstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/zkstate/zkstate/store"
)

var _ store.Lock = (*latch)(nil)

// latch is a place in a document's queue of exclusive writers, an ephemeral
// sequential znode.
type latch struct {
	store  *Store
	path   string
	prefix string // of the znode's name
	give   func() // ends the turn of this id

	// Used by acquire, and fixed once it has returned.
	name    string // of the znode, "" if there is none that is known of
	session int64  // that owns it
	astray  bool   // there may be one that is not known of
	waited  bool

	watch sync.Once // starts looking for the loss
	lost  chan struct{}
	gone  chan struct{} // closed when it is given up
	once  sync.Once     // of closing gone
}

// Lock implements [store.Store]. Where a holder's process ends, its place goes
// with its session.
func (s *Store) Lock(ctx context.Context, path, id string) (store.Lock, error) {
	if err := store.CheckPath(path); err != nil {
		return nil, err
	}
	if err := store.CheckID(id); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	l := &latch{
		store: s, path: path, prefix: latchPrefix + id + "-",
		lost: make(chan struct{}), gone: make(chan struct{}),
	}
	var err error
	if l.give, err = s.turns.take(ctx, l.full(id)); err != nil {
		return nil, fmt.Errorf("lock %s: another call with this id has a place: %w", path, err)
	}
	// The goroutine outlives a caller who leaves: it knows what the client was asked
	// for, and leaves no place behind.
	waiting, cancel := context.WithCancel(s.conn.ctx)
	first := make(chan error, 1)
	go func() {
		err := l.acquire(waiting)
		first <- err
		if err != nil {
			l.abandon()
		}
	}()
	select {
	case err := <-first:
		cancel()
		if err != nil {
			return nil, translate("lock", path, err, false)
		}
		return l, nil
	case <-ctx.Done():
	}
	cancel()
	go func() {
		if <-first == nil {
			l.abandon()
		}
	}()
	return nil, fmt.Errorf("lock %s: %w", path, ctx.Err())
}

func (l *latch) full(name string) string { return l.store.queue(l.path) + "/" + name }

// acquire takes a place and waits until it is the first, through lost connections
// and lost sessions.
func (l *latch) acquire(ctx context.Context) error {
	for {
		err := l.join(ctx)
		var ahead string
		if err == nil {
			ahead, err = l.ahead(ctx)
		}
		switch {
		case err == nil && ahead == "":
			return nil
		case l.store.conn.ctx.Err() != nil:
			return store.ErrClosed
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			l.waited = true
			l.await(ctx, ahead)
		case classify(err) == refused && !errors.Is(err, zk.ErrSessionExpired) && !errors.Is(err, zk.ErrSessionMoved), errors.Is(err, store.ErrClosed):
			return err
		default:
			pause(ctx, inquiryPause)
		}
	}
}

// abandon removes the place, however often the server must be asked, and then ends
// the turn. A place of a session that was lost goes with it.
func (l *latch) abandon() {
	l.once.Do(func() { close(l.gone) })
	defer l.give()
	ctx := l.store.conn.ctx
	for ctx.Err() == nil {
		var err error
		switch {
		case l.astray:
			err = l.sweep(ctx)
		case l.name != "" && l.store.conn.session() == l.session:
			err = l.store.remove(ctx, l.full(l.name))
		}
		if err == nil || errors.Is(err, zk.ErrNoAuth) {
			return
		}
		pause(ctx, inquiryPause)
	}
}

// given notes that the place went with a commit.
func (l *latch) given() {
	l.once.Do(func() { close(l.gone) })
	l.give()
}

// held returns the znode of a lock that this store's session holds.
func (s *Store) held(lock store.Lock) (string, error) {
	l, ours := lock.(*latch)
	if ours && l.store == s && l.session == s.conn.session() {
		select {
		case <-l.gone:
		default:
			return l.full(l.name), nil
		}
	}
	return "", fmt.Errorf("commit %s: %w", lock.Path(), store.ErrLockLost)
}

// Path implements [store.Lock].
func (l *latch) Path() string { return l.path }

// Waited implements [store.Lock].
func (l *latch) Waited() bool { return l.waited }

// Unlock implements [store.Lock].
func (l *latch) Unlock(ctx context.Context) error {
	select {
	case <-l.gone:
		return nil
	default:
	}
	removed := make(chan struct{})
	go func() {
		l.abandon()
		close(removed)
	}()
	select {
	case <-removed:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("unlock %s: going on in the background: %w", l.path, ctx.Err())
	}
}

// Lost implements [store.Lock]. A lock counts as lost when no server has been heard
// of for two thirds of the session timeout, before any of them can have given it to
// somebody else.
func (l *latch) Lost() <-chan struct{} {
	l.watch.Do(func() {
		go func() {
			if l.awaitLoss() {
				close(l.lost)
			}
		}()
	})
	return l.lost
}

// awaitLoss returns true when the place is lost and false when it was given up.
func (l *latch) awaitLoss() bool {
	conn := l.store.conn
	hints, stop := l.store.hints.Watch(l.full(l.name))
	defer stop()
	tick := time.NewTicker(conn.dialer().granted() / 20)
	defer tick.Stop()
	l.store.hints.Signal(l.full(l.name)) // the first look sets the watch
	for {
		select {
		case <-l.gone:
			return false
		case <-conn.ctx.Done():
			return true
		case <-tick.C:
			if conn.session() != l.session || conn.dialer().silence() > conn.dialer().granted()*2/3 {
				return true
			}
		case <-hints:
			ctx, cancel := context.WithTimeout(conn.ctx, conn.dialer().granted()/3)
			found, err := l.store.exists(ctx, l.full(l.name))
			cancel()
			if err == nil && (found.stat == nil || found.stat.EphemeralOwner != l.session) {
				select {
				case <-l.gone:
					return false
				default:
					return true
				}
			}
		}
	}
}

// pause waits for d, at most until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

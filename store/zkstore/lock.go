package zkstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store"
)

var _ store.Lock = (*latch)(nil)

// latch is a place in a document's queue of exclusive writers, an ephemeral
// sequential znode.
type latch struct {
	store  *Store
	path   string
	id     string
	prefix string // of the znode's name
	give   func() // ends the turn of this id

	// Used by acquire, and fixed once it has returned.
	session *zk.Session // that owns the znode
	name    string      // of the znode, "" if there is none that is known of
	unsure  bool        // there may be one that is not known of
	waited  bool

	watch     sync.Once // starts looking for the loss
	lost      chan struct{}
	gone      chan struct{} // closed when it is given up
	once      sync.Once     // of closing gone
	releasing atomic.Int32  // commits under way that give it up
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
		store: s, path: path, id: id, prefix: latchPrefix + id + "-",
		lost: make(chan struct{}), gone: make(chan struct{}),
	}
	var err error
	if l.give, err = s.turns.take(ctx, s.place(path, id)); err != nil {
		return nil, fmt.Errorf("lock %s: another call with this id has a place: %w", path, err)
	}
	if err := l.acquire(ctx); err != nil {
		l.abandonInBackground()
		return nil, s.translate("lock", path, err, false)
	}
	return l, nil
}

// acquire takes a place and waits until it is the first, through lost connections
// and lost sessions.
func (l *latch) acquire(ctx context.Context) error {
	for {
		ahead, lost, err := l.step(ctx)
		switch {
		case err == nil && ahead == "" && !lost:
			return nil
		case l.store.ctx.Err() != nil:
			return zk.ErrClosed
		case ctx.Err() != nil && (ahead != "" || l.waited && errors.Is(err, ctx.Err()) && !errors.Is(err, zk.ErrUnreachable)):
			return fmt.Errorf("%w: %w", store.ErrLocked, ctx.Err()) // only ctx kept it from waiting on
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil && !lost:
			l.waited = true
			if l.await(ctx, ahead); ctx.Err() != nil {
				return fmt.Errorf("%w: %w", store.ErrLocked, ctx.Err())
			}
		case refused(err) && !passes(err):
			return err
		case errors.Is(err, zk.ErrTooLarge):
			return err
		case err != nil:
			pause(ctx, retryPause)
		}
	}
}

// step sees to it that there is a place in the present session, and returns the one
// before it.
func (l *latch) step(ctx context.Context) (ahead string, lost bool, err error) {
	session, err := l.store.client.Session(ctx)
	if err != nil {
		return "", false, err
	}
	if l.session != session { // with the old one its place is gone
		l.session, l.name, l.unsure = session, "", false
	}
	if err := l.join(ctx); err != nil {
		return "", false, err
	}
	return l.ahead(ctx)
}

// abandon removes the place, however often the server must be asked, and then ends
// the turn. A place of a session that was lost goes with it.
func (l *latch) abandon() {
	l.once.Do(func() { close(l.gone) })
	defer l.give()
	ctx := l.store.ctx
	for ctx.Err() == nil && l.session != nil && l.session.Err() == nil {
		err := l.remove(ctx)
		if err == nil || errors.Is(err, zk.ErrNoAuth) {
			return
		}
		pause(ctx, retryPause)
	}
}

func (l *latch) remove(ctx context.Context) error {
	if l.unsure {
		if err := l.find(ctx); err != nil {
			return err
		}
		l.unsure = false
	}
	if l.name == "" {
		return nil
	}
	_, err := l.session.Call(ctx, zk.Delete{Path: l.store.place(l.path, l.name), Version: zk.AnyVersion})
	if errors.Is(err, zk.ErrNoNode) {
		return nil
	}
	return err
}

// abandonInBackground returns a channel that is closed when the place is gone.
func (l *latch) abandonInBackground() (removed <-chan struct{}) {
	done := make(chan struct{})
	if !l.store.goOn(func() { defer close(done); l.abandon() }) { // it goes with the session
		l.once.Do(func() { close(l.gone) })
		l.give()
		close(done)
	}
	return done
}

// given notes that the place went with a commit.
func (l *latch) given() {
	l.once.Do(func() { close(l.gone) })
	l.give()
}

// released notes the end of a commit that would give the place up. If it did not, who
// looks for the loss looks once more.
func (l *latch) released() {
	l.releasing.Add(-1)
	l.store.places.Signal(l.store.place(l.path, l.name))
}

// held returns the znode of a lock that the session of this attempt holds.
func (c *commit) held(lock store.Lock) (string, error) {
	l, ours := lock.(*latch)
	if ours && l.store == c.store && l.session == c.session {
		select {
		case <-l.gone:
		default:
			return c.store.place(l.path, l.name), nil
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
	select {
	case <-l.abandonInBackground():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("unlock %s: going on in the background: %w", l.path, ctx.Err())
	}
}

// Lost implements [store.Lock]. A lock counts as lost when no server has been heard
// of for two thirds of the session timeout, before any of them can have given it to
// somebody else. A server that is cut off from its leader is heard of all the same for
// some ticks; a commit that holds the lock fails then.
func (l *latch) Lost() <-chan struct{} {
	l.watch.Do(func() {
		if !l.store.goOn(l.watchLoss) {
			close(l.lost)
		}
	})
	return l.lost
}

// watchLoss closes lost if the place is, and returns when it is or was given up.
func (l *latch) watchLoss() {
	full := l.store.place(l.path, l.name)
	hints, stop := l.store.places.Channel(full)
	defer stop()
	tick := time.NewTicker(l.session.Timeout() / 20)
	defer tick.Stop()
	l.store.places.Signal(full) // the first look sets the watch
	for lost := false; !lost; {
		select {
		case <-l.gone:
			return
		case <-l.store.ctx.Done():
			lost = true
		case <-l.session.Lost():
			lost = true
		case <-tick.C:
			lost = unansweredFor(l.session) > l.session.Timeout()*2/3
		case <-hints:
			lost = l.removed(full)
		}
	}
	select {
	case <-l.gone:
	default:
		close(l.lost)
	}
}

// removed reports whether somebody else removed the place.
func (l *latch) removed(full string) bool {
	ctx, cancel := context.WithTimeout(l.store.ctx, l.session.Timeout()/3)
	defer cancel()
	_, err := l.session.Call(ctx, zk.Exists{Path: full, Watch: true})
	// A commit that gives the place up signals when it is through.
	return errors.Is(err, zk.ErrNoNode) && l.releasing.Load() == 0
}

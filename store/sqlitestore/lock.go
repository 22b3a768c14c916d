package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/internal/hints"
)

var _ store.Lock = (*lock)(nil)

const (
	// headPoll is how often who waits looks whether the holder's process lives:
	// of its end there is no notice.
	headPoll = 25 * time.Millisecond
	// placePoll is how often a holder who wants to know looks for its own place.
	placePoll = 100 * time.Millisecond
)

// queuePrefix makes the key under which a queue is watched of a document's path,
// which it cannot be confused with: paths begin with a slash.
const queuePrefix = "writers of "

func queueOf(path string) string { return queuePrefix + path }

// lock is a place in a document's queue of exclusive writers, at its head once
// Lock has returned it.
type lock struct {
	store  *Store
	path   string
	call   int64 // when it was asked for; with the session, what is in the table
	waited bool

	watch sync.Once // starts looking for the loss
	lost  chan struct{}
	given chan struct{} // closed once it was given up
	once  sync.Once     // of giving it up

	releasing atomic.Bool // a commit is under way that gives it up
}

// Lock implements [store.Store]. The place of a process that ended, however it
// ended, is passed over within a few milliseconds.
func (s *Store) Lock(ctx context.Context, path, id string) (store.Lock, error) {
	if err := store.CheckPath(path); err != nil {
		return nil, err
	}
	if err := store.CheckID(id); err != nil {
		return nil, err
	}
	l, err := s.queue(ctx, path, id)
	if err != nil {
		return nil, s.fail("lock", path, err)
	}
	return l, nil
}

func (s *Store) queue(ctx context.Context, path, id string) (*lock, error) {
	ctx, done, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	moved := make(chan struct{}, 1)
	_, stop := s.watch.add(queueOf(path), hints.Into(moved))
	defer stop()
	s.startFollowing()
	l := &lock{store: s, path: path, call: s.session.nextCall(), lost: make(chan struct{}), given: make(chan struct{})}
	timer := time.NewTimer(headPoll)
	defer timer.Stop()
	for {
		first, err := l.advance(ctx, id)
		if first {
			return l, nil
		}
		if err != nil {
			l.abandon()
			if l.waited && errors.Is(err, ctx.Err()) && !isBusy(err) { // only ctx kept it from seeing once more who is ahead
				err = fmt.Errorf("%w: %w", store.ErrLocked, ctx.Err())
			}
			return nil, err
		}
		l.waited = true
		timer.Reset(headPoll)
		select {
		case <-moved:
		case <-timer.C:
		case <-ctx.Done():
			l.abandon()
			return nil, fmt.Errorf("%w: %w", store.ErrLocked, ctx.Err())
		}
	}
}

// advance takes a place if there is none yet, or none any more, and reports
// whether it is the first one. Places of the dead before it are removed.
func (l *lock) advance(ctx context.Context, id string) (first bool, err error) {
	head, joined, err := l.head(ctx)
	switch {
	case err != nil || l.isAt(head):
		return err == nil, err
	case joined && head.place != 0 && l.store.alive(head.session):
		return false, nil // the common case of those who wait: nothing is written
	}
	err = l.store.write(ctx, passing, func(t *tx) error {
		own, err := l.store.ownSession(ctx, t)
		if err != nil {
			return err
		}
		if err := t.exec("INSERT OR IGNORE INTO writers (path, id, session, call) VALUES (?, ?, ?, ?)", l.path, id, own, l.call); err != nil {
			return err
		}
		head, err = t.firstLiving(l.path, l.store.alive)
		return err
	})
	return err == nil && l.isAt(head), err
}

// seat is a row of the table.
type seat struct {
	place   int64 // 0: the queue is empty
	session string
	call    int64
}

const headQuery = "SELECT place, session, call FROM writers WHERE path = ? ORDER BY place LIMIT 1"

func (l *lock) isAt(s seat) bool {
	own := l.store.session.Load()
	return own != nil && s.session == own.id && s.call == l.call
}

// head returns the first place of the queue, and whether this lock has a place.
func (l *lock) head(ctx context.Context) (s seat, joined bool, err error) {
	var session string
	if own := l.store.session.Load(); own != nil {
		session = own.id
	}
	err = retry(ctx, func() error {
		return l.store.readers.QueryRowContext(ctx, `SELECT place, session, call,
			EXISTS (SELECT 1 FROM writers WHERE session = ? AND call = ?)
			FROM writers WHERE path = ? ORDER BY place LIMIT 1`, session, l.call, l.path).Scan(&s.place, &s.session, &s.call, &joined)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return seat{}, false, nil
	}
	return s, joined, err
}

// firstLiving returns the head of a queue after removing the dead before it.
func (t *tx) firstLiving(path string, alive func(string) bool) (s seat, err error) {
	for {
		if err := t.scan(headQuery, []any{path}, &s.place, &s.session, &s.call); err != nil || alive(s.session) {
			return s, err
		}
		if err := t.exec("DELETE FROM writers WHERE session = ?", s.session); err != nil {
			return s, err
		}
	}
}

// leave removes the place.
func (l *lock) leave(t *tx) error {
	own := l.store.session.Load()
	if own == nil {
		return nil
	}
	return t.exec("DELETE FROM writers WHERE session = ? AND call = ?", own.id, l.call)
}

// checkHeld refuses a lock that is not at the head of its queue.
func (s *Store) checkHeld(t *tx, held store.Lock) error {
	l, ours := held.(*lock)
	if !ours || l.store != s {
		return fmt.Errorf("lock of another handle: %w", store.ErrLockLost)
	}
	var head seat
	err := t.scan(headQuery, []any{l.path}, &head.place, &head.session, &head.call)
	if err == nil && !l.isAt(head) || errors.Is(err, sql.ErrNoRows) {
		return store.ErrLockLost
	}
	return err
}

// Path implements [store.Lock].
func (l *lock) Path() string { return l.path }

// Waited implements [store.Lock].
func (l *lock) Waited() bool { return l.waited }

// Lost implements [store.Lock]. A place is lost if the handle is closed, or if
// somebody removed it, or its lock file, by hand.
func (l *lock) Lost() <-chan struct{} {
	l.watch.Do(func() {
		if l.store.register() != nil {
			close(l.lost)
			return
		}
		go func() {
			defer l.store.calls.Done()
			if l.awaitLoss() {
				close(l.lost)
			}
		}()
	})
	return l.lost
}

// awaitLoss returns true when the place is lost and false when it was given up.
func (l *lock) awaitLoss() bool {
	tick := time.NewTicker(placePoll)
	defer tick.Stop()
	for {
		select {
		case <-l.given:
			return false
		case <-l.store.closing.Done():
			return true
		case <-tick.C:
		}
		if head, _, err := l.head(l.store.closing); err == nil && !l.isAt(head) {
			select {
			case <-l.given:
				return false
			default:
				if !l.releasing.Load() {
					return true
				}
			}
		}
	}
}

// released notes how a commit ended that would give the lock up.
func (l *lock) released(applied bool) {
	if applied {
		l.once.Do(func() { close(l.given) })
	}
	l.releasing.Store(false)
}

// Unlock implements [store.Lock].
func (l *lock) Unlock(ctx context.Context) error {
	l.once.Do(func() { close(l.given) })
	err := l.release(ctx)
	if err == nil || errors.Is(err, store.ErrClosed) {
		return nil // with the handle everything of it went
	}
	l.abandon()
	return l.store.fail("unlock", l.path, err)
}

func (l *lock) release(ctx context.Context) error {
	ctx, done, err := l.store.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	if err := l.store.write(ctx, passing, func(t *tx) error { return l.leave(t) }); err != nil {
		return err
	}
	l.store.watch.hub.Signal(queueOf(l.path))
	return nil
}

// abandon removes the place, if one was taken, without keeping anybody waiting.
func (l *lock) abandon() {
	l.store.inBackground(func() error { return l.release(l.store.closing) })
}

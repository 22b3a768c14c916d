package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/zkstate/zkstate/store"
)

// sweepEvery is how often a handle that has announced something looks for what
// dead processes left. Nothing depends on it: their records are not shown.
const sweepEvery = 5 * time.Second

func (s *Store) sessions() string { return s.file + ".sessions" }

// alive reports whether a record's session lives.
func (s *Store) alive(id string) bool {
	if own := s.session.Load(); own != nil && own.id == id {
		return true
	}
	return alive(s.sessions(), id)
}

// Announce implements [store.Store]. The record is gone in the moment in which
// this process ends, and its id is free for others then.
func (s *Store) Announce(ctx context.Context, path, id string, data []byte) error {
	if err := store.CheckPath(path); err != nil {
		return err
	}
	if err := store.CheckID(id); err != nil {
		return err
	}
	if err := s.announce(ctx, path, id, data); err != nil {
		return s.fail("announce "+id+" at", path, err)
	}
	return nil
}

func (s *Store) announce(ctx context.Context, path, id string, data []byte) error {
	ctx, done, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	err = s.write(ctx, func(t *tx) error { return s.announceIn(ctx, t, path, id, data) })
	if err == nil {
		s.sweep(ctx)
	}
	return err
}

// announceIn writes a record within a transaction.
func (s *Store) announceIn(ctx context.Context, t *tx, path, id string, data []byte) error {
	own, err := s.ownSession(ctx, t)
	if err != nil {
		return err
	}
	s.leaving.Delete(recordKey{path, id})
	var owner string
	err = t.scan("SELECT session FROM listeners WHERE path = ? AND id = ?", []any{path, id}, &owner)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if err == nil && owner != own && s.alive(owner) {
		return fmt.Errorf("listener %s: %w", id, store.ErrTaken)
	}
	return t.exec("INSERT OR REPLACE INTO listeners (path, id, session, body) VALUES (?, ?, ?, ?)",
		path, id, own, blob(data))
}

// ownSession returns the id of this handle's session, and makes one if there is
// none, or if its lock file was removed by hand. The caller holds the writer's
// connection, so there is one caller at a time.
func (s *Store) ownSession(ctx context.Context, t *tx) (string, error) {
	old := s.session.Load()
	if old != nil && old.inPlace() {
		return old.id, nil
	}
	info, err := os.Stat(s.file) // its permissions may have changed since it was opened
	if err != nil {
		return "", err
	}
	own, err := newSession(ctx, s.sessions(), info)
	if errors.Is(err, fs.ErrPermission) {
		return "", fmt.Errorf("%w: %w: give the directory %s the permissions and the group of the file", store.ErrDenied, err, s.sessions())
	}
	if err != nil {
		return "", err
	}
	s.session.Store(own)
	if old == nil {
		return own.id, nil
	}
	s.log.Warn("lock file was removed, made another", "removed", old.file, "made", own.file)
	old.release()
	for _, table := range []string{"listeners", "writers"} {
		if err := t.exec("UPDATE "+table+" SET session = ? WHERE session = ?", own.id, old.id); err != nil {
			return "", err
		}
	}
	return own.id, nil
}

// Withdraw implements [store.Store].
func (s *Store) Withdraw(ctx context.Context, path, id string) error {
	if err := store.CheckPath(path); err != nil {
		return err
	}
	if err := store.CheckID(id); err != nil {
		return err
	}
	record := recordKey{path, id}
	s.leaving.Store(record, nil)
	err := s.withdraw(ctx, record)
	if err == nil {
		return nil
	}
	s.inBackground(func() error { return s.withdraw(s.closing, record) })
	return s.fail("withdraw "+id+" at", path, fmt.Errorf("going on in the background: %w", err))
}

// recordKey names a listener record.
type recordKey struct{ path, id string }

// withdraw removes a record, unless it was announced again meanwhile.
func (s *Store) withdraw(ctx context.Context, record recordKey) error {
	ctx, done, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	if s.session.Load() == nil { // this handle has never announced anything
		return ctx.Err()
	}
	err = s.write(ctx, func(t *tx) error {
		own := s.session.Load()
		if _, leaving := s.leaving.Load(record); !leaving || own == nil {
			return nil
		}
		return t.exec("DELETE FROM listeners WHERE path = ? AND id = ? AND session = ?", record.path, record.id, own.id)
	})
	if err == nil {
		s.leaving.Delete(record)
	}
	return err
}

// inBackground repeats f until it succeeds or the Store is closed.
func (s *Store) inBackground(f func() error) {
	if s.register() != nil {
		return
	}
	go func() {
		defer s.calls.Done()
		for s.closing.Err() == nil && f() != nil {
			select {
			case <-time.After(headPoll):
			case <-s.closing.Done():
			}
		}
	}()
}

// Listeners implements [store.Store]. It writes nothing.
func (s *Store) Listeners(ctx context.Context, path string) ([]store.Listener, error) {
	if err := store.CheckPath(path); err != nil {
		return nil, err
	}
	found, err := s.listeners(ctx, path)
	if err != nil {
		return nil, s.fail("list listeners of", path, err)
	}
	return found, nil
}

func (s *Store) listeners(ctx context.Context, path string) (found []store.Listener, err error) {
	ctx, done, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	var owners []string
	err = retry(ctx, func() error {
		found, owners = nil, nil
		return s.each(ctx, func(rows *sql.Rows) error {
			var l store.Listener
			var owner string
			var size int64
			if err := rows.Scan(&l.ID, &owner, &size, &l.Data); err != nil {
				return err
			}
			l.Data, l.Err = readable(l.Data, size)
			found, owners = append(found, l), append(owners, owner)
			return nil
		}, "SELECT id, session, "+boundedBody+" FROM listeners WHERE path = ? ORDER BY id", path)
	})
	if err != nil {
		return nil, err
	}
	living := make(map[string]bool)
	for _, owner := range owners {
		if _, asked := living[owner]; !asked {
			living[owner] = s.alive(owner)
		}
	}
	next := 0
	return slices.DeleteFunc(found, func(store.Listener) bool {
		next++
		return !living[owners[next-1]]
	}), nil
}

// boundedBody selects a body's size, and the body if it is not too large to be read.
var boundedBody = fmt.Sprintf("length(CAST(body AS BLOB)), CASE WHEN length(CAST(body AS BLOB)) <= %d THEN CAST(body AS BLOB) END", maxBody)

// maxBody bounds what is read of a listener record or a journal entry. This package
// writes no larger ones, other tools may.
const maxBody = 4 << 20

// readable returns a body that boundedBody selected, or why it was not read.
func readable(body []byte, size int64) ([]byte, error) {
	if size > maxBody {
		return nil, fmt.Errorf("%d bytes, the limit is %d: %w", size, maxBody, store.ErrTooLarge)
	}
	return blob(body), nil
}

// Absent implements [store.Store]. A record is there for as long as its process lives.
func (s *Store) Absent(ctx context.Context, path string, _ []string) ([]store.Listener, error) {
	_, err := s.Listeners(ctx, path)
	return nil, err
}

// Forget implements [store.Store].
func (s *Store) Forget(ctx context.Context, path string, _ store.Listener) error {
	_, err := s.Listeners(ctx, path)
	return err
}

// each calls scan for every row of a query.
func (s *Store) each(ctx context.Context, scan func(*sql.Rows) error, query string, args ...any) error {
	rows, err := s.readers.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// sweep removes what dead processes left, if a few seconds have passed since it
// last did. A handle that never announced anything leaves it to others. What
// fails is left for the next time.
func (s *Store) sweep(ctx context.Context) {
	last, now := s.session.swept.Load(), time.Now().UnixNano()
	if s.session.Load() == nil || now-last < int64(sweepEvery) || !s.session.swept.CompareAndSwap(last, now) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	if err := s.removeDead(ctx); err != nil && ctx.Err() == nil {
		s.log.Warn("remove dead listeners", "file", s.file, "error", err)
	}
}

func (s *Store) removeDead(ctx context.Context) error {
	var dead []string
	err := s.each(ctx, func(rows *sql.Rows) error {
		var owner string
		if err := rows.Scan(&owner); err != nil {
			return err
		}
		if !s.alive(owner) {
			dead = append(dead, owner)
		}
		return nil
	}, "SELECT session FROM listeners UNION SELECT session FROM writers")
	if err == nil && len(dead) > 0 {
		err = s.write(ctx, func(t *tx) error {
			for _, owner := range dead {
				if err := t.forget(owner); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		return err
	}
	for _, id := range lockFiles(s.sessions()) {
		if own := s.session.Load(); own == nil || own.id != id {
			removeSession(s.sessions(), id)
		}
	}
	return nil
}

// forget removes what a session owned.
func (t *tx) forget(session string) error {
	if err := t.exec("DELETE FROM listeners WHERE session = ?", session); err != nil {
		return err
	}
	return t.exec("DELETE FROM writers WHERE session = ?", session)
}

// endSession withdraws everything on Close. Giving up the lock does it, even if
// the database is locked; the rows are removed for tidiness.
func (s *Store) endSession() {
	own := s.session.Swap(nil)
	if own == nil {
		return
	}
	own.release()
	ctx, cancel := context.WithTimeout(context.Background(), closeRows)
	defer cancel()
	err := s.write(ctx, func(t *tx) error { return t.forget(own.id) })
	if err != nil {
		s.log.Info("listener records left for others to remove", "file", s.file, "error", err)
	}
}

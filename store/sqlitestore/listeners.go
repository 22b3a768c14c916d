package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
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
	own, err := newSession(ctx, s.sessions(), s.info.Mode().Perm())
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
	ctx, done, err := s.begin(ctx)
	if err == nil {
		defer done()
		err = ctx.Err()
	}
	if own := s.session.Load(); err == nil && own != nil {
		err = s.write(ctx, func(t *tx) error {
			return t.exec("DELETE FROM listeners WHERE path = ? AND id = ? AND session = ?", path, id, own.id)
		})
	}
	if err != nil {
		return s.fail("withdraw "+id+" at", path, err)
	}
	return nil
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
			if err := rows.Scan(&l.ID, &owner, &l.Data); err != nil {
				return err
			}
			l.Data = blob(l.Data)
			found, owners = append(found, l), append(owners, owner)
			return nil
		}, "SELECT id, session, body FROM listeners WHERE path = ? ORDER BY id", path)
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
	if err := s.buryDead(ctx); err != nil && ctx.Err() == nil {
		s.log.Warn("remove dead listeners", "file", s.file, "error", err)
	}
}

func (s *Store) buryDead(ctx context.Context) error {
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
			bury(s.sessions(), id)
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

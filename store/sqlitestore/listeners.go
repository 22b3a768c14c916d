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

// sessionTables hold what goes with a session.
var sessionTables = []string{"listeners", "writers", "roster"}

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
	err = s.write(ctx, passing, func(t *tx) error { return s.announceIn(ctx, t, path, id, data) })
	if err == nil {
		s.startFollowing()
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
	key := recordKey{path, id}
	s.leaving.Delete(key)
	owners, err := t.owners(key)
	if err != nil {
		return err
	}
	for _, owner := range owners {
		if owner != own && s.alive(owner) {
			return fmt.Errorf("listener %s: %w", id, store.ErrTaken)
		}
	}
	if _, known := s.records.get(key); !known {
		if err := t.enroll(key, own, data); err != nil {
			return err
		}
	}
	t.afterwards(func() { s.records.set(key, data) })
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
	s.log.Warn("sqlitestore: the lock file was removed, made another", "file", s.file, "session", own.id, "previous", old.id)
	old.release()
	for _, table := range sessionTables {
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
	err = s.write(ctx, passing, func(t *tx) error {
		own := s.session.Load()
		if _, leaving := s.leaving.Load(record); !leaving || own == nil {
			return nil
		}
		t.afterwards(func() {
			s.records.drop(record)
			s.leaving.Delete(record)
		})
		for _, table := range []string{"listeners", "roster"} {
			if err := t.exec("DELETE FROM "+table+" WHERE path = ? AND id = ? AND session = ?", record.path, record.id, own.id); err != nil {
				return err
			}
		}
		return nil
	})
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
	err := s.write(ctx, passing, func(t *tx) error { return t.forget(own.id) })
	if err != nil {
		s.log.Info("sqlitestore: listener records left for others to remove", "file", s.file, "error", err)
	}
}

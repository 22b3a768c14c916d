package sqlitestore

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"

	"github.com/zkstate/zkstate/store"
)

// The roster has who has announced itself and not withdrawn. A record that somebody removes
// from the table of listeners is missed by it, and its handle puts the record back.
const rosterSchema = `
CREATE TABLE IF NOT EXISTS roster (
	path    TEXT NOT NULL,
	id      TEXT NOT NULL,
	session TEXT NOT NULL,
	returns INTEGER NOT NULL DEFAULT 0, -- how often the record was put back
	body    BLOB NOT NULL, -- of the first announcement
	PRIMARY KEY (path, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS roster_of ON roster (session);
`

// restShare bounds how much of its time a handle spends on looking for its records: one part
// of so many.
const restShare = 20

// recordKey names a listener record.
type recordKey struct{ path, id string }

// records are what a handle has announced and not withdrawn.
type records struct {
	mu     sync.Mutex // guards bodies
	bodies map[recordKey][]byte
}

func (r *records) get(key recordKey) ([]byte, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	body, ok := r.bodies[key]
	return body, ok
}

func (r *records) set(key recordKey, body []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bodies == nil {
		r.bodies = make(map[recordKey][]byte)
	}
	r.bodies[key] = bytes.Clone(body)
}

func (r *records) drop(key recordKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.bodies, key)
}

func (r *records) keys() []recordKey {
	r.mu.Lock()
	defer r.mu.Unlock()
	keys := make([]recordKey, 0, len(r.bodies))
	for key := range r.bodies {
		keys = append(keys, key)
	}
	return keys
}

func (r *records) len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.bodies)
}

// enroll puts a record on the roster.
func (t *tx) enroll(key recordKey, session string, body []byte) error {
	return t.exec(`INSERT INTO roster (path, id, session, body) VALUES (?, ?, ?, ?)
		ON CONFLICT (path, id) DO UPDATE SET session = excluded.session, body = excluded.body, returns = returns + 1`,
		key.path, key.id, session, blob(body))
}

// owners returns the sessions that have a record, or had one that they did not withdraw.
func (t *tx) owners(key recordKey) (sessions []string, err error) {
	rows, err := t.conn.QueryContext(t.ctx, `SELECT session FROM listeners WHERE path = ?1 AND id = ?2
		UNION SELECT session FROM roster WHERE path = ?1 AND id = ?2`, key.path, key.id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var session string
		if err := rows.Scan(&session); err != nil {
			return nil, err
		}
		sessions = append(sessions, session)
	}
	return sessions, rows.Err()
}

// putBack looks whether this handle's records are there, after somebody committed, and
// makes those again that were removed by hand, or with the history that a backup replaced.
func (p *poller) putBack(ctx context.Context) {
	s := p.store
	own, n, begun := s.session.Load(), s.records.len(), time.Now()
	if !p.moved || own == nil || n == 0 || begun.Before(p.checkAt) {
		return
	}
	p.moved = false
	var enrolled, listed int
	err := s.readers.QueryRowContext(ctx, `SELECT count(*), count(l.id) FROM roster AS r
		LEFT JOIN listeners AS l ON l.path = r.path AND l.id = r.id AND l.session = r.session
		WHERE r.session = ?`, own.id).Scan(&enrolled, &listed)
	if err != nil || enrolled != n || listed != n {
		for _, key := range s.records.keys() {
			if err = s.putBackOne(ctx, key); err != nil {
				break
			}
		}
	}
	if err != nil {
		p.moved = true // it is tried again
		s.noteFailure(err)
		if !isBusy(err) && ctx.Err() == nil {
			s.log.Warn("sqlitestore: listener records are not right yet", "file", s.file, "error", err)
		}
	}
	p.checkAt = begun.Add(max(s.poll, restShare*time.Since(begun)))
}

// putBackOne makes a record again if it is not there. Another handle may have taken the id.
func (s *Store) putBackOne(ctx context.Context, key recordKey) error {
	ctx, cancel := context.WithTimeout(ctx, s.poll)
	defer cancel()
	err := s.write(ctx, passing, func(t *tx) error {
		body, ours := s.records.get(key)
		if _, leaving := s.leaving.Load(key); leaving || !ours {
			return nil
		}
		own := s.session.Load()
		if own == nil {
			return nil
		}
		var there int
		err := t.scan("SELECT count(*) FROM listeners JOIN roster USING (path, id, session) WHERE path = ? AND id = ? AND session = ?",
			[]any{key.path, key.id, own.id}, &there)
		if err != nil || there > 0 {
			return err
		}
		if err := s.announceIn(ctx, t, key.path, key.id, body); err != nil {
			return err
		}
		t.afterwards(func() {
			s.log.Warn("sqlitestore: a listener record was removed, made it again", "file", s.file, "path", key.path, "listener", key.id)
		})
		return t.enroll(key, own.id, body)
	})
	if errors.Is(err, store.ErrTaken) {
		s.records.drop(key)
		s.log.Warn("sqlitestore: a listener record was removed, and another handle has the id now", "file", s.file, "path", key.path, "listener", key.id)
		return nil
	}
	return err
}

// Absent implements [store.Store]. A record goes with its process, and is absent only if
// somebody removed it by hand.
func (s *Store) Absent(ctx context.Context, path string, present []string) ([]store.Listener, error) {
	if err := store.CheckPath(path); err != nil {
		return nil, err
	}
	found, err := s.absent(ctx, path, present)
	if err != nil {
		return nil, s.fail("list absent listeners of", path, err)
	}
	return found, nil
}

func (s *Store) absent(ctx context.Context, path string, present []string) (found []store.Listener, err error) {
	ctx, done, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	there := make(map[string]bool, len(present))
	for _, id := range present {
		there[id] = true
	}
	err = retry(ctx, func() error {
		found = nil
		var enrolled int
		err := s.readers.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master WHERE name = 'roster'").Scan(&enrolled)
		if err != nil || enrolled == 0 { // nobody has written to the file since there is a roster
			return err
		}
		return s.each(ctx, func(rows *sql.Rows) error {
			var l store.Listener
			var owner string
			var size int64
			if err := rows.Scan(&l.ID, &owner, &l.Returns, &size, &l.Data); err != nil {
				return err
			}
			if !there[l.ID] && s.alive(owner) {
				l.Data, l.Err = readable(l.Data, size)
				found = append(found, l)
			}
			return nil
		}, "SELECT id, session, returns, "+boundedBody+" FROM roster WHERE path = ? ORDER BY id", path)
	})
	return found, err
}

// Forget implements [store.Store].
func (s *Store) Forget(ctx context.Context, path string, lost store.Listener) error {
	if err := store.CheckPath(path); err != nil {
		return err
	}
	if err := s.forgetLost(ctx, path, lost); err != nil {
		return s.fail("forget "+lost.ID+" at", path, err)
	}
	return nil
}

func (s *Store) forgetLost(ctx context.Context, path string, lost store.Listener) error {
	ctx, done, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	return s.write(ctx, passing, func(t *tx) error {
		return t.exec(`DELETE FROM roster WHERE path = ?1 AND id = ?2 AND returns = ?3
			AND NOT EXISTS (SELECT 1 FROM listeners WHERE path = ?1 AND id = ?2)`, path, lost.ID, lost.Returns)
	})
}

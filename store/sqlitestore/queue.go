package sqlitestore

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/zkstate/zkstate/store"
)

// Queue implements [store.Store]. Places of processes that have ended are not
// shown. It writes nothing.
func (s *Store) Queue(ctx context.Context, path string) ([]store.Waiter, error) {
	if err := store.CheckPath(path); err != nil {
		return nil, err
	}
	found, err := s.lockQueue(ctx, path)
	if err != nil {
		return nil, s.fail("read the lock queue of", path, err)
	}
	return found, nil
}

func (s *Store) lockQueue(ctx context.Context, path string) (found []store.Waiter, err error) {
	ctx, done, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	host, _ := os.Hostname() // an unknown host is an empty one
	err = retry(ctx, func() error {
		found = nil
		return s.each(ctx, func(rows *sql.Rows) error {
			var place, call int64
			p := store.Waiter{Host: host}
			if err := rows.Scan(&place, &p.ID, &p.Session, &call); err != nil {
				return err
			}
			if s.alive(p.Session) {
				p.Key, p.Since, p.PID = strconv.FormatInt(place, 10), time.Unix(0, call), sessionPID(p.Session)
				found = append(found, p)
			}
			return nil
		}, "SELECT place, id, session, call FROM writers WHERE path = ? ORDER BY place", path)
	})
	return found, err
}

// BreakLock implements [store.Store].
func (s *Store) BreakLock(ctx context.Context, path, key string) error {
	if err := store.CheckPath(path); err != nil {
		return err
	}
	if err := s.breakLock(ctx, path, key); err != nil {
		return s.fail("break the lock of", path, err)
	}
	return nil
}

func (s *Store) breakLock(ctx context.Context, path, key string) error {
	ctx, done, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	absent := fmt.Errorf("place %q: %w", key, store.ErrNotFound)
	place, err := strconv.ParseInt(key, 10, 64)
	if err != nil {
		return absent
	}
	err = s.write(ctx, passing, func(t *tx) error {
		var removed int
		if err := t.scan("SELECT count(*) FROM writers WHERE path = ? AND place = ?", []any{path, place}, &removed); err != nil {
			return err
		}
		if removed == 0 {
			return absent
		}
		return t.exec("DELETE FROM writers WHERE place = ?", place)
	})
	if err == nil {
		s.watch.hub.Signal(queueOf(path))
	}
	return err
}

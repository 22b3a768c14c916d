package sqlitestore

import (
	"context"
	"database/sql"
	"time"
)

// sweepEvery is how often a handle that has announced something looks for what
// dead processes left. Nothing depends on it: their records are not shown.
const sweepEvery = 5 * time.Second

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
		s.noteFailure(err)
		s.log.Warn("sqlitestore: dead listeners are not removed yet", "file", s.file, "error", err)
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
	}, "SELECT session FROM listeners UNION SELECT session FROM writers UNION SELECT session FROM roster")
	if err == nil && len(dead) > 0 {
		err = s.write(ctx, passing, func(t *tx) error {
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
	for _, table := range sessionTables {
		if err := t.exec("DELETE FROM "+table+" WHERE session = ?", session); err != nil {
			return err
		}
	}
	return nil
}

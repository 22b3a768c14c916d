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

// SetJournal implements [store.Store].
func (s *Store) SetJournal(ctx context.Context, path string, keep int) error {
	if err := store.CheckPath(path); err != nil {
		return err
	}
	if err := s.setJournal(ctx, path, keep); err != nil {
		return s.fail("switch the journal of", path, err)
	}
	return nil
}

func (s *Store) setJournal(ctx context.Context, path string, keep int) error {
	ctx, done, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	return s.write(ctx, func(t *tx) error {
		if keep > 0 {
			return t.exec("INSERT OR REPLACE INTO journals (path, keep) VALUES (?, ?)", path, keep)
		}
		if err := t.exec("DELETE FROM history WHERE path = ?", path); err != nil {
			return err
		}
		return t.exec("DELETE FROM journals WHERE path = ?", path)
	})
}

// Journal implements [store.Store].
func (s *Store) Journal(ctx context.Context, path string, newest int) (int, []store.Entry, error) {
	if err := store.CheckPath(path); err != nil {
		return 0, nil, err
	}
	keep, entries, err := s.journal(ctx, path, newest)
	if err != nil {
		return 0, nil, s.fail("read the journal of", path, err)
	}
	return keep, entries, nil
}

func (s *Store) journal(ctx context.Context, path string, newest int) (keep int, entries []store.Entry, err error) {
	ctx, done, err := s.begin(ctx)
	if err != nil {
		return 0, nil, err
	}
	defer done()
	err = retry(ctx, func() error {
		return s.readers.QueryRowContext(ctx, "SELECT keep FROM journals WHERE path = ?", path).Scan(&keep)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil, nil
	}
	if err != nil || newest <= 0 {
		return keep, nil, err
	}
	err = retry(ctx, func() error {
		entries = nil
		tag, err := s.tagColumn(ctx, s.readers)
		if err != nil {
			return err
		}
		return s.each(ctx, func(rows *sql.Rows) error {
			var entry store.Entry
			var mtime, size int64
			err := rows.Scan(&entry.Order, &entry.Tag, &mtime, &size, &entry.Data)
			entry.Time = time.Unix(0, mtime)
			entry.Data, entry.Err = readable(entry.Data, size)
			entries = append(entries, entry)
			return err
		}, "SELECT CAST(changed AS INTEGER), CAST("+tag+" AS INTEGER), CAST(mtime AS INTEGER), "+boundedBody+" FROM history WHERE path = ? ORDER BY sequence DESC LIMIT ?", path, newest)
	})
	slices.Reverse(entries)
	return keep, entries, err
}

// checkJournaled refuses a change of a journaled document that goes without an
// entry.
func (t *tx) checkJournaled(op store.Op, ops []store.Op) error {
	if !store.ChangesDocument(op) || store.Appends(ops, op.Target()) {
		return nil
	}
	var on int
	if err := t.scan("SELECT count(*) FROM journals WHERE path = ?", []any{op.Target()}, &on); err != nil || on == 0 {
		return err
	}
	return fmt.Errorf("%s: %w", op.Target(), store.ErrJournal)
}

func (t *tx) append(op store.Append, at stamp) error {
	var keep int
	err := t.scan("SELECT keep FROM journals WHERE path = ?", []any{op.Path}, &keep)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err == nil {
		err = t.exec("INSERT INTO history (path, changed, tag, mtime, body) VALUES (?, ?, ?, ?, ?)", op.Path, at.sequence, at.tag, at.now.UnixNano(), blob(op.Data))
	}
	if err != nil {
		return err
	}
	return t.exec(`DELETE FROM history WHERE path = ? AND sequence <=
		(SELECT sequence FROM history WHERE path = ? ORDER BY sequence DESC LIMIT 1 OFFSET ?)`, op.Path, op.Path, keep)
}

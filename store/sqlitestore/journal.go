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
	if err := store.CheckJournal(path, keep); err != nil {
		return err
	}
	if err := s.setJournal(ctx, path, keep); err != nil {
		return s.fail("switch the journal of", path, err)
	}
	return nil
}

// trimStep bounds how many entries one transaction removes, so that others' commits
// come in between.
const trimStep = 1000

// setJournal sets the number to keep and removes what is more, in steps. A journal that
// is switched off goes with its last entries. What an end of ctx leaves is removed by the
// commits, or by the next call.
func (s *Store) setJournal(ctx context.Context, path string, keep int) error {
	ctx, done, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	if keep > 0 {
		err = s.write(ctx, durable, func(t *tx) error {
			return t.exec("INSERT OR REPLACE INTO journals (path, keep) VALUES (?, ?)", path, keep)
		})
	}
	for more := true; more && err == nil; {
		err = s.write(ctx, durable, func(t *tx) (err error) {
			more, err = t.trim(path, keep, trimStep)
			if err == nil && !more && keep <= 0 {
				err = t.exec("DELETE FROM journals WHERE path = ?", path)
			}
			return err
		})
	}
	return err
}

// trim removes the oldest entries of a journal until there are no more than keep, at
// most so many, and reports whether there may be more of them.
func (t *tx) trim(path string, keep, most int) (more bool, err error) {
	result, err := t.conn.ExecContext(t.ctx, `DELETE FROM history WHERE sequence IN (
		SELECT sequence FROM history WHERE path = ? AND sequence <=
			(SELECT sequence FROM history WHERE path = ? ORDER BY sequence DESC LIMIT 1 OFFSET ?)
		ORDER BY sequence LIMIT ?)`, path, path, max(0, keep), most)
	if err != nil {
		return false, err
	}
	removed, err := result.RowsAffected()
	return removed == int64(most), err
}

// Journal implements [store.Store].
func (s *Store) Journal(ctx context.Context, path string, newest int) (int, []store.Entry, error) {
	keep, entries, err := s.journal(ctx, path, "ORDER BY sequence DESC LIMIT ?", max(0, newest))
	slices.Reverse(entries)
	return keep, entries, err
}

// JournalAround implements [store.Store].
func (s *Store) JournalAround(ctx context.Context, path string, order int64) (int, []store.Entry, error) {
	keep, entries, err := s.journal(ctx, path, `AND sequence >= ifnull((SELECT sequence FROM history
		WHERE path = ? AND changed < ? ORDER BY sequence DESC LIMIT 1), 0) ORDER BY sequence LIMIT 3`, path, order)
	return keep, store.EntriesAround(entries, order), err
}

// journal reads the entries that the rest of a query chooses.
func (s *Store) journal(ctx context.Context, path, which string, args ...any) (keep int, entries []store.Entry, err error) {
	if err := store.CheckPath(path); err != nil {
		return 0, nil, err
	}
	keep, entries, err = s.readJournal(ctx, path, which, args)
	if err != nil {
		return 0, nil, s.fail("read the journal of", path, err)
	}
	return keep, entries, nil
}

func (s *Store) readJournal(ctx context.Context, path, which string, args []any) (keep int, entries []store.Entry, err error) {
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
	if err != nil {
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
		}, "SELECT CAST(changed AS INTEGER), CAST("+tag+" AS INTEGER), CAST(mtime AS INTEGER), "+boundedBody+" FROM history WHERE path = ? "+which, append([]any{path}, args...)...)
	})
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
	_, err = t.trim(op.Path, keep, trimStep)
	return err
}

package sqlitestore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"math/rand/v2"
	"time"
)

// The pause between two tries for a lock that another process holds. SQLite has
// no queue for it, so who looks more often gets it sooner; a try costs some 10 µs.
const (
	pauseMin = 500 * time.Microsecond
	pauseMax = 4 * time.Millisecond
)

// tx runs statements on one connection. Their context never ends: a statement
// that was interrupted would leave open what it did.
type tx struct {
	conn *sql.Conn
	ctx  context.Context
	tag  string // the SQL for a document's tag

	committed []func() // see afterwards
}

// afterwards has f called when the transaction is committed, before the next one begins.
func (t *tx) afterwards(f func()) { t.committed = append(t.committed, f) }

func (t *tx) exec(query string, args ...any) error {
	_, err := t.conn.ExecContext(t.ctx, query, args...)
	return err
}

// scan reads the one row that query gives.
func (t *tx) scan(query string, args []any, dest ...any) error {
	return t.conn.QueryRowContext(t.ctx, query, args...).Scan(dest...)
}

// commitError is what COMMIT itself returned, as opposed to the statements
// before it.
type commitError struct{ error }

func (e commitError) Unwrap() error { return e.error }

// durability says when a commit has to be on the disk.
type durability string

const (
	// durable is before it is acknowledged.
	durable durability = "FULL"
	// passing is some time later, for what goes with a session: when the machine loses power,
	// no session is left. A durable commit writes those before it, too.
	passing durability = "NORMAL"
)

// write runs fn in a write transaction, which is committed if fn returns nil
// and undone otherwise. It waits for the write lock until ctx ends; from then
// on it goes through. A failure of the COMMIT is a commitError.
func (s *Store) write(ctx context.Context, d durability, fn func(*tx) error) error {
	conn, err := s.connect(ctx, s.writer)
	if err != nil {
		return err
	}
	defer conn.Close()
	t := &tx{conn: conn, ctx: context.WithoutCancel(ctx), tag: "tag"}
	if err := t.exec("PRAGMA synchronous = " + string(d)); err != nil {
		return err
	}
	err = t.run(ctx, "BEGIN IMMEDIATE", func() error {
		if !s.tagged.Load() {
			if err := t.migrate(); err != nil {
				return err
			}
		}
		return fn(t)
	})
	switch {
	case err == nil:
		s.tagged.Store(true)
		for _, f := range t.committed {
			f()
		}
	case isDamage(err):
		intact := s.checkFile() == nil // else readers have connections to what was replaced
		t.discard()
		if intact {
			s.forgetLogs()
		}
	case isBusy(err):
		if writer := writerOf(s.file); writer != "" {
			return fmt.Errorf("%s is in a transaction on the file, let it go on or end it: %w", writer, err)
		}
	}
	return err
}

// run is write on a connection that the caller holds.
func (t *tx) run(ctx context.Context, begin string, fn func() error) error {
	if err := retry(ctx, func() error { return t.exec(begin) }); err != nil {
		return err
	}
	err := fn()
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		if err = t.exec("COMMIT"); err == nil {
			return nil
		}
		err = commitError{err}
	}
	// After some errors SQLite has rolled back by itself; then this one fails,
	// and the connection is as it should be. Whatever remains open in spite of
	// it ends with the connection.
	if t.exec("ROLLBACK") != nil && t.exec("BEGIN; ROLLBACK") != nil {
		t.discard()
	}
	return err
}

// discard makes the pool close the connection instead of keeping it.
func (t *tx) discard() {
	_ = t.conn.Raw(func(any) error { return driver.ErrBadConn })
}

// connect takes a connection out of a pool, and waits for one until ctx ends.
func (s *Store) connect(ctx context.Context, pool *sql.DB) (conn *sql.Conn, err error) {
	err = retry(ctx, func() error {
		conn, err = pool.Conn(ctx)
		return err
	})
	return conn, err
}

// retry repeats f while another connection is in its way, until ctx ends. It
// does not use SQLite's own waiting, whose pauses grow to 100 ms.
func retry(ctx context.Context, f func() error) error {
	for limit := pauseMin; ; limit = min(2*limit, pauseMax) {
		err := f()
		if err == nil || !isBusy(err) {
			return err
		}
		pause := time.NewTimer(limit/4 + rand.N(limit))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return fmt.Errorf("%w while waiting: %w", ctx.Err(), err)
		}
	}
}

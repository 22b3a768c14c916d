package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/zkstate/zkstate/store"
)

// Load implements [store.Store]. One statement is one read transaction, which
// sees every commit that finished before it began, whoever made it: both modes
// are linearizable, and no answer is torn.
func (s *Store) Load(ctx context.Context, path string, known store.Version, _ store.Consistency) (store.Record, error) {
	if err := store.CheckPath(path); err != nil {
		return store.Record{}, err
	}
	rec, err := s.load(ctx, path, known)
	if err != nil {
		return store.Record{AsOf: rec.AsOf}, s.fail("load", path, err)
	}
	return rec, nil
}

func (s *Store) load(ctx context.Context, path string, known store.Version) (store.Record, error) {
	ctx, done, err := s.begin(ctx)
	if err != nil {
		return store.Record{}, err
	}
	defer done()
	var sequence int64
	var created, changed, tag, mtime sql.NullInt64 // null: there is no such document
	var counter sql.NullInt32
	var body []byte
	var awaited int64
	err = retry(ctx, func() error {
		column, err := s.tagColumn(ctx, s.readers)
		if err != nil {
			return err
		}
		return s.readers.QueryRowContext(ctx, `SELECT sequence, created, changed, counter, `+column+`, mtime,
			CASE WHEN created = ? AND changed = ? AND counter = ? AND `+column+` = ? THEN NULL ELSE body END, `+awaitedOrder+`
			FROM meta LEFT JOIN documents ON path = ?`, known.Created(), known.Order(), known.Counter(), known.Tag(), awaitedOf(path), path).
			Scan(&sequence, &created, &changed, &counter, &tag, &mtime, &body, &awaited)
	})
	if err != nil {
		return store.Record{}, err
	}
	if !changed.Valid {
		return store.Record{AsOf: sequence}, fmt.Errorf("document %w", store.ErrNotFound)
	}
	rec := store.Record{
		AsOf:    sequence,
		Version: store.NewVersion(created.Int64, changed.Int64, counter.Int32).WithTag(tag.Int64),
		Time:    time.Unix(0, mtime.Int64),
	}
	if awaited >= created.Int64 { // else it is about a document that was deleted
		rec.Awaited = awaited
	}
	if rec.Version != known {
		rec.Data = blob(body)
	}
	return rec, nil
}

// Commit implements [store.Store]. It waits for the write lock until ctx ends;
// once it has begun, it goes through whatever becomes of ctx, so that its
// outcome is known. [store.ErrUnknownOutcome] remains for one case: the disk
// failed to confirm the commit, and then failed again to overwrite it.
func (s *Store) Commit(ctx context.Context, ops ...store.Op) (versions []store.Version, err error) {
	if err := store.CheckCommit(ops); err != nil {
		return nil, err
	}
	for _, op := range ops {
		if release, ok := op.(store.Release); ok {
			if l, ours := release.Lock.(*lock); ours {
				l.releasing.Store(true)
				defer func() { l.released(err == nil) }()
			}
		}
	}
	versions, err = s.commit(ctx, ops)
	if err != nil {
		return nil, s.fail("commit", ops[0].Target(), err)
	}
	return versions, nil
}

func (s *Store) commit(ctx context.Context, ops []store.Op) ([]store.Version, error) {
	ctx, done, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	versions := make([]store.Version, len(ops))
	var at stamp
	err = s.write(ctx, durable, func(t *tx) error {
		err := t.scan("UPDATE meta SET sequence = sequence + 1 RETURNING sequence", nil, &at.sequence)
		at.tag, at.now = newTag(), time.Now()
		for i := 0; i < len(ops) && err == nil; i++ {
			if err = t.checkJournaled(ops[i], ops); err != nil {
				break
			}
			versions[i], err = s.apply(ctx, t, ops[i], at)
		}
		return err
	})
	if failed, ok := errors.AsType[commitError](err); ok && !neverApplied(failed) {
		return nil, s.settle(ctx, at.sequence, failed)
	}
	if err != nil {
		return nil, err
	}
	s.hint(ops, versions, at.sequence)
	return versions, nil
}

// stamp is what a commit leaves in all that it writes.
type stamp struct {
	sequence, tag int64
	now           time.Time
}

// hint tells this handle's watchers of its commit. Each deletion took a further
// number, see the schema's triggers.
func (s *Store) hint(ops []store.Op, versions []store.Version, sequence int64) {
	last := sequence
	for _, op := range ops {
		if _, ok := op.(store.Delete); ok {
			last++
		}
	}
	for i, op := range ops {
		switch op.(type) {
		case store.Create, store.Put:
			s.watch.hint(op.Target(), versions[i])
		case store.Delete:
			s.watch.hint(op.Target(), markOf(last))
		case store.Release:
			s.watch.hub.Signal(queueOf(op.Target()))
		}
	}
}

// apply checks one op and carries it out.
func (s *Store) apply(ctx context.Context, t *tx, op store.Op, at stamp) (store.Version, error) {
	switch op := op.(type) {
	case store.Receipt:
		return store.Version{}, s.announceIn(ctx, t, op.Path, op.ID, op.Data)
	case store.Await:
		return store.Version{}, s.await(ctx, t, op.Path, at.sequence)
	case store.Append:
		return store.Version{}, t.append(op, at)
	case store.Hold:
		return store.Version{}, s.checkHeld(t, op.Lock)
	case store.Release:
		if err := s.checkHeld(t, op.Lock); err != nil {
			return store.Version{}, err
		}
		return store.Version{}, op.Lock.(*lock).leave(t)
	}
	return t.applyTo(op, at)
}

// applyTo changes a document.
func (t *tx) applyTo(op store.Op, at stamp) (store.Version, error) {
	current, err := t.version(op.Target())
	if err != nil {
		return store.Version{}, err
	}
	switch op := op.(type) {
	case store.Create:
		if !current.IsZero() {
			return store.Version{}, fmt.Errorf("create %s: document %w", op.Path, store.ErrExists)
		}
		return store.NewVersion(at.sequence, at.sequence, 0).WithTag(at.tag), t.exec(
			"INSERT INTO documents (path, created, changed, counter, tag, mtime, body) VALUES (?, ?, ?, 0, ?, ?, ?)",
			op.Path, at.sequence, at.sequence, at.tag, at.now.UnixNano(), blob(op.Data))
	case store.Put:
		if err := checkBase(op.Path, op.Base, current); err != nil {
			return store.Version{}, err
		}
		counter := current.Counter()
		if counter < math.MaxInt32 { // it only counts; changed tells versions apart
			counter++
		}
		return store.NewVersion(current.Created(), at.sequence, counter).WithTag(at.tag), t.exec(
			"UPDATE documents SET changed = ?, counter = ?, tag = ?, mtime = ?, body = ? WHERE path = ?",
			at.sequence, counter, at.tag, at.now.UnixNano(), blob(op.Data), op.Path)
	case store.Delete:
		if err := checkBase(op.Path, op.Base, current); err != nil {
			return store.Version{}, err
		}
		return store.Version{}, t.exec("DELETE FROM documents WHERE path = ?", op.Path)
	default:
		return store.Version{}, fmt.Errorf("unknown operation %T: %w", op, store.ErrConflict)
	}
}

func checkBase(path string, base, current store.Version) error {
	switch {
	case current.IsZero():
		return fmt.Errorf("%s: document %w", path, store.ErrNotFound)
	case current != base:
		return fmt.Errorf("%s at %v: %w to %v", path, base, store.ErrConflict, current)
	}
	return nil
}

// version returns the version of the document at path, zero if there is none.
func (t *tx) version(path string) (store.Version, error) {
	var created, changed, tag int64
	var counter int32
	err := t.scan("SELECT created, changed, counter, "+t.tag+" FROM documents WHERE path = ?", []any{path},
		&created, &changed, &counter, &tag)
	if errors.Is(err, sql.ErrNoRows) {
		return store.Version{}, nil
	}
	return store.NewVersion(created, changed, counter).WithTag(tag), err
}

// settle finds out what became of a commit that the disk did not confirm. Its
// frames may lie complete in the write-ahead log, where SQLite ignores them but
// a recovery after a crash would not. The next commit is written over them:
// when that one succeeds, and sees the state before, the first is gone for good.
func (s *Store) settle(ctx context.Context, sequence int64, failed error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeRows)
	defer cancel()
	err := s.write(ctx, durable, func(t *tx) error {
		var current int64
		if err := t.scan("SELECT sequence FROM meta", nil, &current); err != nil {
			return err
		}
		if current >= sequence {
			return fmt.Errorf("a commit with its number is there")
		}
		return t.exec("UPDATE meta SET sequence = ?", sequence)
	})
	if err != nil {
		return fmt.Errorf("%w: %w; then: %w", store.ErrUnknownOutcome, failed, err)
	}
	return failed
}

// blob makes nil empty: SQL would take it for NULL.
func blob(data []byte) []byte {
	if data == nil {
		return []byte{}
	}
	return data
}

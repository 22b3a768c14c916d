package zkstore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store"
)

// maxRecord bounds a record in bytes: it is written together with its entry in the roster.
const maxRecord = store.MaxCommit/2 - 4096

// Announce implements [store.Store].
func (s *Store) Announce(ctx context.Context, path, id string, data []byte) error {
	if err := store.CheckPath(path); err != nil {
		return err
	}
	if err := store.CheckID(id); err != nil {
		return err
	}
	if len(data) > maxRecord {
		return fmt.Errorf("announce %s at %s: record of %d bytes: %w", id, path, len(data), store.ErrTooLarge)
	}
	// It can be done again without harm, so a lost answer is no unknown outcome.
	return s.translate("announce "+id+" at", path, s.announce(ctx, s.recordOf(path, id), data), false)
}

func (s *Store) announce(ctx context.Context, rec *record, data []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := rec.take(ctx); err != nil {
		return err
	}
	defer rec.give()
	session, err := s.client.Session(ctx)
	if err != nil {
		return err
	}
	if err := s.writeRecord(ctx, session, rec, data); err != nil {
		return err
	}
	s.records.set(rec, data)
	return nil
}

// Withdraw implements [store.Store].
func (s *Store) Withdraw(ctx context.Context, path, id string) error {
	rec := s.records.withdraw(s.record(path, id))
	if rec == nil {
		return nil
	}
	err := ctx.Err()
	if err == nil {
		err = s.withdraw(ctx, rec)
	}
	if err == nil {
		return nil
	}
	s.records.wakeKeeper()
	return fmt.Errorf("%w: going on in the background", s.translate("withdraw "+id+" at", path, err, false))
}

func (s *Store) withdraw(ctx context.Context, rec *record) error {
	if err := rec.take(ctx); err != nil { // after a write that is under way
		return err
	}
	defer rec.give()
	if !s.records.isLeaving(rec) { // somebody announced it again
		return nil
	}
	return s.removeRecord(ctx, rec)
}

// Listeners implements [store.Store]. The answer is linearizable.
func (s *Store) Listeners(ctx context.Context, path string) ([]store.Listener, error) {
	if err := store.CheckPath(path); err != nil {
		return nil, err
	}
	found, err := s.readListeners(ctx, path)
	if err != nil {
		return nil, s.translate("list listeners of", path, err, false)
	}
	return found, nil
}

func (s *Store) readListeners(ctx context.Context, path string) ([]store.Listener, error) {
	session, replies, err := s.ordered(ctx, path, zk.Children{Path: s.listeners(path)})
	if err == nil {
		err = replies[0].Err
	}
	if errors.Is(err, zk.ErrNoNode) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	ids := replies[0].Children
	slices.Sort(ids)
	found := make([]store.Listener, 0, len(ids))
	for batch := range slices.Chunk(ids, readBatch) {
		requests := make([]zk.Request, len(batch))
		for i, id := range batch {
			requests[i] = zk.Get{Path: s.record(path, id)}
		}
		answers, _ := session.Do(ctx, requests...) // each reply has its own error
		for i, id := range batch {
			switch err := answers[i].Err; {
			case err == nil:
				found = append(found, store.Listener{ID: id, Data: append([]byte{}, answers[i].Data...)})
			case errors.Is(err, zk.ErrNoNode): // it left meanwhile
			case refused(err) || errors.Is(err, zk.ErrTooLarge):
				found = append(found, store.Listener{ID: id, Err: s.translate("read the record of listener "+id+" of", path, err, false)})
			default:
				return nil, err
			}
		}
	}
	return found, nil
}

package memstore

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/zkstate/zkstate/store"
)

// journal is that of one document.
type journal struct {
	keep    int
	entries []store.Entry
}

// SetJournal implements [store.Store].
func (s *Store) SetJournal(ctx context.Context, path string, keep int) error {
	if err := store.CheckPath(path); err != nil {
		return err
	}
	if err := store.CheckJournal(path, keep); err != nil {
		return err
	}
	if err := s.lock(ctx, "switch the journal of", path); err != nil {
		return err
	}
	defer s.memory.mu.Unlock()
	if keep <= 0 {
		delete(s.memory.journals, path)
		return nil
	}
	if s.memory.journals[path] == nil {
		s.memory.journals[path] = &journal{}
	}
	s.memory.journals[path].keep = keep
	s.memory.journals[path].trim()
	return nil
}

// Journal implements [store.Store].
func (s *Store) Journal(ctx context.Context, path string, newest int) (int, []store.Entry, error) {
	return s.readJournal(ctx, path, func(all []store.Entry) []store.Entry { return all[len(all)-min(len(all), max(0, newest)):] })
}

// JournalAround implements [store.Store].
func (s *Store) JournalAround(ctx context.Context, path string, order int64) (int, []store.Entry, error) {
	return s.readJournal(ctx, path, func(all []store.Entry) []store.Entry { return store.EntriesAround(all, order) })
}

func (s *Store) readJournal(ctx context.Context, path string, choose func([]store.Entry) []store.Entry) (int, []store.Entry, error) {
	if err := store.CheckPath(path); err != nil {
		return 0, nil, err
	}
	if err := s.lock(ctx, "read the journal of", path); err != nil {
		return 0, nil, err
	}
	defer s.memory.mu.Unlock()
	j := s.memory.journals[path]
	if j == nil {
		return 0, nil, nil
	}
	entries := slices.Clone(choose(j.entries))
	for i := range entries {
		entries[i].Data = clone(entries[i].Data)
	}
	return j.keep, entries, nil
}

// checkJournaledLocked refuses a change of a journaled document that goes without
// an entry.
func (m *memory) checkJournaledLocked(op store.Op, ops []store.Op) error {
	if m.journals[op.Target()] == nil || !store.ChangesDocument(op) || store.Appends(ops, op.Target()) {
		return nil
	}
	return fmt.Errorf("commit %s: %w", op.Target(), store.ErrJournal)
}

func (m *memory) appendLocked(op store.Append, now time.Time) {
	j := m.journals[op.Path]
	if j == nil {
		return
	}
	j.entries = append(j.entries, store.Entry{Order: m.order, Tag: m.tag, Time: now, Data: clone(op.Data)})
	j.trim()
}

func (j *journal) trim() { j.entries = slices.Clone(j.entries[max(0, len(j.entries)-j.keep):]) }

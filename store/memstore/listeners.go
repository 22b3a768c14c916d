package memstore

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/internal/relist"
)

// Announce implements [store.Store].
func (s *Store) Announce(ctx context.Context, path, id string, data []byte) error {
	if err := store.CheckPath(path); err != nil {
		return err
	}
	if err := store.CheckID(id); err != nil {
		return err
	}
	if err := s.lock(ctx, "announce "+id+" at", path); err != nil {
		return err
	}
	defer s.memory.mu.Unlock()
	if err := s.checkOwnerLocked(path, id); err != nil {
		return fmt.Errorf("announce %s at %s: %w", id, path, err)
	}
	s.announceLocked(path, id, data)
	return nil
}

func (s *Store) checkOwnerLocked(path, id string) error {
	if found, ok := s.memory.listeners[path][id]; ok && found.owner != s {
		return store.ErrTaken
	}
	return nil
}

func (s *Store) announceLocked(path, id string, data []byte) {
	records := s.memory.listeners[path]
	if records == nil {
		records = make(map[string]listener)
		s.memory.listeners[path] = records
	}
	records[id] = listener{owner: s, data: clone(data)}
	s.memory.signalListenersLocked(path)
}

func (m *memory) signalListenersLocked(path string) {
	for handle := range m.handles {
		handle.listeners.Signal(path)
	}
}

// Withdraw implements [store.Store]. It never waits, so it is done even if ctx has
// ended.
func (s *Store) Withdraw(ctx context.Context, path, id string) error {
	if err := s.lock(context.WithoutCancel(ctx), "withdraw "+id+" at", path); err != nil {
		return err
	}
	defer s.memory.mu.Unlock()
	if s.memory.listeners[path][id].owner == s {
		delete(s.memory.listeners[path], id)
		s.memory.signalListenersLocked(path)
	}
	return nil
}

// Listeners implements [store.Store].
func (s *Store) Listeners(ctx context.Context, path string) ([]store.Listener, error) {
	if err := store.CheckPath(path); err != nil {
		return nil, err
	}
	if err := s.lock(ctx, "list listeners of", path); err != nil {
		return nil, err
	}
	defer s.memory.mu.Unlock()
	var found []store.Listener
	for id, record := range s.memory.listeners[path] {
		found = append(found, store.Listener{ID: id, Data: clone(record.data)})
	}
	slices.SortFunc(found, func(a, b store.Listener) int { return strings.Compare(a.ID, b.ID) })
	return found, nil
}

// WatchListeners implements [store.Store].
func (s *Store) WatchListeners(path string) store.ListenerWatcher {
	hints, stop := s.listeners.Channel(path)
	list := func(ctx context.Context) ([]store.Listener, error) { return s.Listeners(ctx, path) }
	return relist.New(list, hints, stop)
}

// Absent implements [store.Store]. No record is lost here.
func (s *Store) Absent(ctx context.Context, path string, _ []string) ([]store.Listener, error) {
	_, err := s.Listeners(ctx, path)
	return nil, err
}

// Forget implements [store.Store].
func (s *Store) Forget(ctx context.Context, path string, _ store.Listener) error {
	_, err := s.Listeners(ctx, path)
	return err
}

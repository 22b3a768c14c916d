package memstore

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zkstate/zkstate/store"
)

// Stat implements [store.Store].
func (s *Store) Stat(ctx context.Context, path string, _ store.Consistency) (store.Place, error) {
	if err := store.CheckPath(path); err != nil {
		return store.Place{}, err
	}
	if err := s.lock(ctx, "stat", path); err != nil {
		return store.Place{}, err
	}
	defer s.memory.mu.Unlock()
	if _, ok := s.memory.documents[path]; !ok {
		return store.Place{}, fmt.Errorf("stat %s: document %w", path, store.ErrNotFound)
	}
	return s.memory.placeLocked(path), nil
}

// List implements [store.Store].
func (s *Store) List(ctx context.Context, folder string, _ store.Consistency) ([]store.Place, error) {
	if err := store.CheckFolder(folder); err != nil {
		return nil, err
	}
	if err := s.lock(ctx, "list", folder); err != nil {
		return nil, err
	}
	defer s.memory.mu.Unlock()
	below := make(map[string]bool) // by path, whether it is a folder
	for path := range s.memory.documents {
		rest, ok := strings.CutPrefix(path, store.Child(folder, ""))
		if !ok {
			continue
		}
		name, _, deeper := strings.Cut(rest, "/")
		child := store.Child(folder, name)
		below[child] = below[child] || deeper
	}
	places := make([]store.Place, 0, len(below))
	for child, isFolder := range below {
		place := s.memory.placeLocked(child)
		place.Folder = isFolder
		places = append(places, place)
	}
	slices.SortFunc(places, func(a, b store.Place) int { return strings.Compare(a.Path, b.Path) })
	return places, nil
}

// placeLocked describes a path, but for whether it is a folder.
func (m *memory) placeLocked(path string) store.Place {
	place := store.Place{Path: path, Listeners: len(m.listeners[path])}
	if doc, ok := m.documents[path]; ok {
		place.Version, place.Size = doc.version, int64(len(doc.data))
		place.Created, place.Modified = doc.created, doc.time
	}
	return place
}

// Ping implements [store.Store].
func (s *Store) Ping(ctx context.Context) (store.Pong, error) {
	sent := time.Now()
	if err := s.lock(ctx, "ping", "the store"); err != nil {
		return store.Pong{}, err
	}
	defer s.memory.mu.Unlock()
	return store.Pong{Server: "memory", Latency: time.Since(sent)}, nil
}

package zkstore

import (
	"context"

	"github.com/zkstate/zkstate/store"
)

// Absent implements [store.Store].
func (s *Store) Absent(context.Context, string, []string) ([]store.Listener, error) {
	return nil, nil
}

// Forget implements [store.Store].
func (s *Store) Forget(context.Context, string, store.Listener) error { return nil }

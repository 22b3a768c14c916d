package memstore

import (
	"context"
	"fmt"
	"slices"

	"github.com/zkstate/zkstate/store"
)

var _ store.Lock = (*place)(nil)

// place is one place in a document's queue of exclusive writers.
type place struct {
	store  *Store
	path   string
	waited bool
	first  chan struct{} // closed when it comes to the head
	lost   chan struct{} // closed when its handle closes
}

// Lock implements [store.Store].
func (s *Store) Lock(ctx context.Context, path, id string) (store.Lock, error) {
	if err := store.CheckPath(path); err != nil {
		return nil, err
	}
	if err := store.CheckID(id); err != nil {
		return nil, err
	}
	if err := s.lock(ctx, "lock", path); err != nil {
		return nil, err
	}
	m := s.memory
	p := &place{store: s, path: path, first: make(chan struct{}), lost: make(chan struct{})}
	m.queues[path] = append(m.queues[path], p)
	p.waited = len(m.queues[path]) > 1
	m.promoteLocked(path)
	m.mu.Unlock()
	select {
	case <-p.first:
		return p, nil
	case <-p.lost:
		return nil, fmt.Errorf("lock %s: store %w", path, store.ErrClosed)
	case <-ctx.Done():
		m.mu.Lock()
		defer m.mu.Unlock()
		m.leaveLocked(p)
		return nil, fmt.Errorf("lock %s: %w", path, ctx.Err())
	}
}

// promoteLocked lets the head of a queue know.
func (m *memory) promoteLocked(path string) {
	if queue := m.queues[path]; len(queue) > 0 {
		select {
		case <-queue[0].first:
		default:
			close(queue[0].first)
		}
	}
}

func (m *memory) leaveLocked(p *place) {
	m.queues[p.path] = slices.DeleteFunc(m.queues[p.path], func(q *place) bool { return q == p })
	if len(m.queues[p.path]) == 0 {
		delete(m.queues, p.path)
	}
	m.promoteLocked(p.path)
}

// evictLocked takes a closing handle out of all queues.
func (m *memory) evictLocked(s *Store) {
	for _, queue := range m.queues {
		for _, p := range slices.Clone(queue) {
			if p.store == s {
				close(p.lost)
				m.leaveLocked(p)
			}
		}
	}
}

// checkHeldLocked refuses a lock that is not at the head of its queue.
func (s *Store) checkHeldLocked(lock store.Lock) error {
	p, ours := lock.(*place)
	if !ours || p.store != s || len(s.memory.queues[p.path]) == 0 || s.memory.queues[p.path][0] != p {
		return fmt.Errorf("commit %s: %w", lock.Path(), store.ErrLockLost)
	}
	return nil
}

// Path implements [store.Lock].
func (p *place) Path() string { return p.path }

// Waited implements [store.Lock].
func (p *place) Waited() bool { return p.waited }

// Lost implements [store.Lock].
func (p *place) Lost() <-chan struct{} { return p.lost }

// Unlock implements [store.Lock]. It never waits.
func (p *place) Unlock(context.Context) error {
	m := p.store.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	m.leaveLocked(p)
	return nil
}

package memstore

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/zkstate/zkstate/store"
)

var _ store.Lock = (*place)(nil)

// place is one place in a document's queue of exclusive writers.
type place struct {
	store  *Store
	path   string
	key    string
	id     string
	since  time.Time
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
	m.places++
	p := &place{store: s, path: path, key: strconv.Itoa(m.places), id: id, since: time.Now(), first: make(chan struct{}), lost: make(chan struct{})}
	m.queues[path] = append(m.queues[path], p)
	p.waited = len(m.queues[path]) > 1
	m.promoteLocked(path)
	m.mu.Unlock()
	select {
	case <-p.first:
		return p, nil
	case <-p.lost:
		if !s.Status().Connected {
			return nil, fmt.Errorf("lock %s: store %w", path, store.ErrClosed)
		}
		return s.Lock(ctx, path, id) // somebody removed the place: take another one
	case <-ctx.Done():
		m.mu.Lock()
		defer m.mu.Unlock()
		m.leaveLocked(p)
		return nil, fmt.Errorf("lock %s: %w: %w", path, store.ErrLocked, ctx.Err())
	}
}

// Queue implements [store.Store].
func (s *Store) Queue(ctx context.Context, path string) ([]store.Waiter, error) {
	if err := store.CheckPath(path); err != nil {
		return nil, err
	}
	if err := s.lock(ctx, "read the lock queue of", path); err != nil {
		return nil, err
	}
	defer s.memory.mu.Unlock()
	var places []store.Waiter
	for _, p := range s.memory.queues[path] {
		places = append(places, store.Waiter{Key: p.key, ID: p.id, PID: os.Getpid(), Since: p.since, Session: fmt.Sprintf("%p", p.store)})
	}
	return places, nil
}

// BreakLock implements [store.Store].
func (s *Store) BreakLock(ctx context.Context, path, key string) error {
	if err := store.CheckPath(path); err != nil {
		return err
	}
	if err := s.lock(ctx, "break the lock of", path); err != nil {
		return err
	}
	defer s.memory.mu.Unlock()
	for _, p := range s.memory.queues[path] {
		if p.key == key {
			s.memory.evictLocked(p)
			return nil
		}
	}
	return fmt.Errorf("break the lock of %s: place %q: %w", path, key, store.ErrNotFound)
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

// evictLocked takes a place out of its queue against its owner's will.
func (m *memory) evictLocked(p *place) {
	close(p.lost)
	m.leaveLocked(p)
}

// evictAllLocked takes a closing handle out of all queues.
func (m *memory) evictAllLocked(s *Store) {
	for _, queue := range m.queues {
		for _, p := range slices.Clone(queue) {
			if p.store == s {
				m.evictLocked(p)
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

// Package memstore keeps documents in memory, for unit tests.
//
// It starts no goroutine and reads no clock but time.Now, so that programs built
// on it run under testing/synctest's fake clock.
package memstore

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/internal/hints"
)

var _ store.Store = (*Store)(nil)

// Store is one handle on a memory. Handles made by [Store.Attach] share the
// documents and the listeners, as processes share a server, and differ in what
// they own: closing one withdraws only its listener records.
type Store struct {
	memory    *memory
	hints     hints.Hub
	listeners hints.Hub // of those who watch a document's listeners
}

// memory is what the handles share.
type memory struct {
	mu        sync.Mutex // guards all below
	order     int64
	tag       int64 // of the newest commit
	documents map[string]document
	listeners map[string]map[string]listener // by path, then id
	queues    map[string][]*place            // of exclusive writers, by path; the first holds
	places    int                            // how many were taken in queues
	journals  map[string]*journal            // by path, those that are on
	handles   map[*Store]struct{}            // the open ones
}

type document struct {
	version store.Version
	data    []byte
	created time.Time
	time    time.Time // of version
	awaited int64     // see store.Record
}

type listener struct {
	owner *Store
	data  []byte
}

// New returns a handle on a new, empty memory.
func New() *Store {
	m := &memory{
		order:     1, // 0 is what a backend says that does not know it
		documents: make(map[string]document),
		listeners: make(map[string]map[string]listener),
		queues:    make(map[string][]*place),
		journals:  make(map[string]*journal),
		handles:   make(map[*Store]struct{}),
	}
	return m.attach()
}

// Attach returns another handle on the same memory. It works on a closed handle
// too: the memory lives as long as anybody refers to it.
func (s *Store) Attach() *Store { return s.memory.attach() }

func (m *memory) attach() *Store {
	s := &Store{memory: m}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.handles[s] = struct{}{}
	return s
}

// lock takes the memory's lock if ctx has not ended and s is open. The caller
// unlocks when, and only when, it returns nil.
func (s *Store) lock(ctx context.Context, verb, path string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s %s: %w", verb, path, err)
	}
	s.memory.mu.Lock()
	if _, open := s.memory.handles[s]; !open {
		s.memory.mu.Unlock()
		return fmt.Errorf("%s %s: store %w", verb, path, store.ErrClosed)
	}
	return nil
}

// Load implements [store.Store]. Every answer is linearizable.
func (s *Store) Load(ctx context.Context, path string, known store.Version, _ store.Consistency) (store.Record, error) {
	if err := store.CheckPath(path); err != nil {
		return store.Record{}, err
	}
	if err := s.lock(ctx, "load", path); err != nil {
		return store.Record{}, err
	}
	defer s.memory.mu.Unlock()
	doc, ok := s.memory.documents[path]
	if !ok {
		return store.Record{AsOf: s.memory.order}, fmt.Errorf("load %s: document %w", path, store.ErrNotFound)
	}
	rec := store.Record{AsOf: s.memory.order, Version: doc.version, Time: doc.time, Awaited: doc.awaited}
	if doc.version != known {
		rec.Data = clone(doc.data)
	}
	return rec, nil
}

// Commit implements [store.Store]. Its outcome is always known.
func (s *Store) Commit(ctx context.Context, ops ...store.Op) ([]store.Version, error) {
	if err := store.CheckCommit(ops); err != nil {
		return nil, err
	}
	versions, handles, err := s.commit(ctx, ops)
	for _, handle := range handles {
		for _, op := range ops {
			handle.hints.Signal(op.Target())
		}
	}
	return versions, err
}

// commit also returns the handles that are to be told.
func (s *Store) commit(ctx context.Context, ops []store.Op) ([]store.Version, []*Store, error) {
	if err := s.lock(ctx, "commit", ops[0].Target()); err != nil {
		return nil, nil, err
	}
	m := s.memory
	defer m.mu.Unlock()
	for _, op := range ops {
		err := s.checkLocked(op)
		if err == nil {
			err = m.checkJournaledLocked(op, ops)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	versions := make([]store.Version, len(ops))
	m.order++
	m.tag = 1 + rand.Int64N(1<<48)
	for i, op := range ops {
		versions[i] = s.applyLocked(op)
	}
	return versions, slices.Collect(maps.Keys(m.handles)), nil
}

// checkLocked says why op cannot be applied now.
func (s *Store) checkLocked(op store.Op) error {
	doc, exists := s.memory.documents[op.Target()]
	var base store.Version
	switch op := op.(type) {
	case store.Create:
		if exists {
			return fmt.Errorf("create %s: document %w", op.Path, store.ErrExists)
		}
		return nil
	case store.Receipt:
		return s.checkOwnerLocked(op.Path, op.ID)
	case store.Append, store.Await:
		return nil
	case store.Hold:
		return s.checkHeldLocked(op.Lock)
	case store.Release:
		return s.checkHeldLocked(op.Lock)
	case store.Put:
		base = op.Base
	case store.Delete:
		base = op.Base
	}
	if !exists {
		return fmt.Errorf("commit %s: document %w", op.Target(), store.ErrNotFound)
	}
	if base != doc.version {
		return fmt.Errorf("commit %s at %v: %w to %v", op.Target(), base, store.ErrConflict, doc.version)
	}
	return nil
}

// applyLocked carries out what checkLocked let pass.
func (s *Store) applyLocked(op store.Op) store.Version {
	m := s.memory
	next := document{time: time.Now()}
	switch op := op.(type) {
	case store.Create:
		next.version = store.NewVersion(m.order, m.order, 0).WithTag(m.tag)
		next.created = next.time
		next.data = clone(op.Data)
	case store.Put:
		next.version = store.NewVersion(op.Base.Created(), m.order, op.Base.Counter()+1).WithTag(m.tag)
		next.created, next.awaited = m.documents[op.Path].created, m.documents[op.Path].awaited
		next.data = clone(op.Data)
	case store.Delete:
		delete(m.documents, op.Path)
		return store.Version{}
	case store.Receipt:
		s.announceLocked(op.Path, op.ID, op.Data)
		return store.Version{}
	case store.Await:
		m.awaitLocked(op.Path)
		return store.Version{}
	case store.Append:
		m.appendLocked(op, next.time)
		return store.Version{}
	case store.Release:
		m.leaveLocked(op.Lock.(*place))
		return store.Version{}
	default:
		return store.Version{}
	}
	m.documents[op.Target()] = next
	return next.version
}

// awaitLocked marks a document, if the commit has not deleted it. Its order is that of
// the commit.
func (m *memory) awaitLocked(path string) {
	if doc, exists := m.documents[path]; exists {
		doc.awaited = m.order
		m.documents[path] = doc
	}
}

// Status implements [store.Store].
func (s *Store) Status() store.Status {
	s.memory.mu.Lock()
	defer s.memory.mu.Unlock()
	_, open := s.memory.handles[s]
	return store.Status{Connected: open}
}

// Close implements [store.Store]. It never waits.
func (s *Store) Close() error {
	m := s.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.handles, s)
	m.evictAllLocked(s)
	for path, records := range m.listeners {
		for id, record := range records {
			if record.owner == s {
				delete(records, id)
				m.signalListenersLocked(path)
			}
		}
	}
	s.listeners.SignalAll() // they find the handle closed
	return nil
}

// clone copies, and never returns nil: an empty document is a document.
func clone(b []byte) []byte { return append([]byte{}, b...) }

// Package reorder is a store for tests, between a State and a real store, that holds
// calls, answers and hints back, so that they overtake each other, and loses some.
//
// What becomes of the nth load, commit or hint of a handle follows from the seed alone.
// So a failure can be tried again: the same seed meets the same delays and losses. On
// memstore under testing/synctest that is the same history again but for the scheduling of
// what happens at the same moment.
package reorder

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zkstate/zkstate/store"
)

var _ store.Store = (*Store)(nil)

// Config says what happens to calls.
type Config struct {
	Seed uint64        // of this handle; each should have its own
	Hold time.Duration // is the longest that a call or an answer is held as a rule; a few are held five times as long
	Lose int           // one in so many answers and hints is lost; 0: none is
	Lag  bool          // a Local load may show what the handle was shown before, as that of a server that lags
}

// Store holds and loses what goes through it. Its methods may be called concurrently.
type Store struct {
	store.Store // serves what is neither held nor lost
	cfg         Config
	calm        atomic.Bool

	counts [kinds]atomic.Uint64 // calls so far

	mu       sync.Mutex // guards all below; with Lag it is held over loads, to order them
	inner    store.Store
	shown    map[string]shown
	watchers map[*watcher]struct{}
}

// shown is the last answer to a load.
type shown struct {
	rec store.Record
	err error
}

type kind int

const (
	load kind = iota
	commit
	hint
	kinds
)

// New returns s with its answers held and lost. Closing it closes s.
func New(s store.Store, cfg Config) *Store {
	return &Store{Store: s, inner: s, cfg: cfg, shown: make(map[string]shown), watchers: make(map[*watcher]struct{})}
}

// Calm ends the trouble: nothing more is held or lost.
func (s *Store) Calm() { s.calm.Store(true) }

// Replace makes the documents, watches, listeners and locks of each store those of another
// one, as if a server's data had been replaced. No call finds some of the stores replaced
// and others not yet.
func Replace(stores []*Store, other func() store.Store) {
	for _, s := range stores {
		s.mu.Lock()
		defer s.mu.Unlock()
	}
	for _, s := range stores {
		s.replaceLocked(other())
	}
}

func (s *Store) replaceLocked(other store.Store) {
	s.inner = other
	clear(s.shown)
	for w := range s.watchers {
		w.rewatchLocked()
	}
}

func (s *Store) current() store.Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inner
}

// fate is what becomes of one call.
type fate struct {
	before, after time.Duration
	lost, unsent  bool
	lags          bool
}

// fate draws what becomes of the next call of a kind.
func (s *Store) fate(k kind) fate {
	n := s.counts[k].Add(1)
	if s.calm.Load() {
		return fate{}
	}
	random := rand.New(rand.NewPCG(s.cfg.Seed, n*uint64(kinds)+uint64(k)))
	hold := func() time.Duration {
		longest := s.cfg.Hold
		switch random.IntN(12) {
		case 0, 1, 2, 3, 4:
			return 0
		case 5:
			longest *= 5
		}
		return time.Duration(random.Int64N(int64(longest) + 1))
	}
	f := fate{before: hold(), after: hold(), lags: s.cfg.Lag && random.IntN(3) == 0}
	if s.cfg.Lose > 0 {
		f.lost, f.unsent = random.IntN(s.cfg.Lose) == 0, random.IntN(s.cfg.Lose) == 0
	}
	return f
}

// Load implements [store.Store]. A lost answer is [store.ErrUnavailable].
func (s *Store) Load(ctx context.Context, path string, known store.Version, mode store.Consistency) (store.Record, error) {
	f := s.fate(load)
	if err := pause(ctx, f.before); err != nil {
		return store.Record{}, fmt.Errorf("load %s: %w", path, err)
	}
	rec, err := s.load(ctx, path, known, mode, f.lags)
	if held := pause(ctx, f.after); held != nil {
		return store.Record{}, fmt.Errorf("load %s: %w", path, held)
	}
	if f.lost {
		return store.Record{}, fmt.Errorf("load %s: the answer is lost: %w", path, store.ErrUnavailable)
	}
	return rec, err
}

func (s *Store) load(ctx context.Context, path string, known store.Version, mode store.Consistency, lags bool) (store.Record, error) {
	if !s.cfg.Lag {
		return s.current().Load(ctx, path, known, mode)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	answer, ok := s.shown[path]
	if !ok || !lags || mode != store.Local {
		answer.rec, answer.err = s.inner.Load(ctx, path, store.Version{}, mode)
		s.shown[path] = answer
	}
	rec := answer.rec
	if rec.Version == known {
		rec.Data = nil
	}
	return rec, answer.err
}

// Commit implements [store.Store]. One that is not sent is [store.ErrUnavailable], a lost
// answer [store.ErrUnknownOutcome].
func (s *Store) Commit(ctx context.Context, ops ...store.Op) ([]store.Version, error) {
	f, path := s.fate(commit), ops[0].Target()
	if err := pause(ctx, f.before); err != nil {
		return nil, fmt.Errorf("commit %s: %w", path, err)
	}
	if f.unsent {
		return nil, fmt.Errorf("commit %s: not sent: %w", path, store.ErrUnavailable)
	}
	versions, err := s.current().Commit(ctx, ops...)
	s.forget(path) // what a handle has committed, its next load shows
	held := pause(ctx, f.after)
	switch {
	case err != nil:
		return nil, err
	case held != nil:
		return nil, fmt.Errorf("commit %s: %w: %w", path, store.ErrUnknownOutcome, held)
	case f.lost:
		return nil, fmt.Errorf("commit %s: the answer is lost: %w", path, store.ErrUnknownOutcome)
	}
	return versions, nil
}

// Lock implements [store.Store].
func (s *Store) Lock(ctx context.Context, path, id string) (store.Lock, error) {
	return s.current().Lock(ctx, path, id)
}

// Queue implements [store.Store].
func (s *Store) Queue(ctx context.Context, path string) ([]store.Waiter, error) {
	return s.current().Queue(ctx, path)
}

// Announce implements [store.Store].
func (s *Store) Announce(ctx context.Context, path, id string, data []byte) error {
	return s.current().Announce(ctx, path, id, data)
}

// Withdraw implements [store.Store].
func (s *Store) Withdraw(ctx context.Context, path, id string) error {
	return s.current().Withdraw(ctx, path, id)
}

func (s *Store) forget(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.shown, path)
}

// pause holds a call back, at most until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

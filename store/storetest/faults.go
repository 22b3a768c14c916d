package storetest

import (
	"context"
	"fmt"
	"sync"

	"github.com/zkstate/zkstate/store"
)

var _ store.Store = (*Faults)(nil)

// Faults is a store between a test and a real one that misbehaves on request. Its
// methods may be called concurrently.
type Faults struct {
	store.Store

	mu        sync.Mutex // guards all below
	fail      error
	failLoads error
	hung      chan struct{} // not nil: calls block until it is closed or ctx ends
	mute      bool
	loseReply bool
	before    func()
	loads     int
	commits   int
}

// Inject returns s with faults, none at first.
func Inject(s store.Store) *Faults { return &Faults{Store: s} }

// Fail makes every call fail with an error that matches err; nil heals.
func (f *Faults) Fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = err
}

// FailLoads makes every Load fail with an error that matches err; nil heals.
func (f *Faults) FailLoads(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failLoads = err
}

// Hang makes every call block until its context ends; false lets those that wait,
// and later ones, through.
func (f *Faults) Hang(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case on && f.hung == nil:
		f.hung = make(chan struct{})
	case !on && f.hung != nil:
		close(f.hung)
		f.hung = nil
	}
}

// Mute makes watches opened from now on lose every hint.
func (f *Faults) Mute() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mute = true
}

// LoseReply makes the next commit be applied and its answer be lost.
func (f *Faults) LoseReply() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.loseReply = true
}

// BeforeCommit runs fn once, before the next commit reaches the store.
func (f *Faults) BeforeCommit(fn func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before = fn
}

// Calls returns how many loads and commits were begun.
func (f *Faults) Calls() (loads, commits int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.loads, f.commits
}

// gate is what every call passes first.
func (f *Faults) gate(ctx context.Context, verb string) error {
	f.mu.Lock()
	hung, fail := f.hung, f.fail
	f.mu.Unlock()
	if hung != nil {
		select {
		case <-hung:
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", verb, ctx.Err())
		}
	}
	if fail != nil {
		return fmt.Errorf("%s: injected: %w", verb, fail)
	}
	return nil
}

// Load implements [store.Store].
func (f *Faults) Load(ctx context.Context, path string, known store.Version, mode store.Consistency) (store.Record, error) {
	f.mu.Lock()
	f.loads++
	fail := f.failLoads
	f.mu.Unlock()
	if err := f.gate(ctx, "load"); err != nil {
		return store.Record{}, err
	}
	if fail != nil {
		return store.Record{}, fmt.Errorf("load: injected: %w", fail)
	}
	return f.Store.Load(ctx, path, known, mode)
}

// Commit implements [store.Store].
func (f *Faults) Commit(ctx context.Context, ops ...store.Op) ([]store.Version, error) {
	f.mu.Lock()
	f.commits++
	before, lose := f.before, f.loseReply
	f.before, f.loseReply = nil, false
	f.mu.Unlock()
	if before != nil {
		before()
	}
	if err := f.gate(ctx, "commit"); err != nil {
		return nil, err
	}
	versions, err := f.Store.Commit(ctx, ops...)
	if err == nil && lose {
		return nil, fmt.Errorf("commit: injected: %w", store.ErrUnknownOutcome)
	}
	return versions, err
}

// Announce implements [store.Store].
func (f *Faults) Announce(ctx context.Context, path, id string, data []byte) error {
	if err := f.gate(ctx, "announce"); err != nil {
		return err
	}
	return f.Store.Announce(ctx, path, id, data)
}

// Withdraw implements [store.Store].
func (f *Faults) Withdraw(ctx context.Context, path, id string) error {
	if err := f.gate(ctx, "withdraw"); err != nil {
		return err
	}
	return f.Store.Withdraw(ctx, path, id)
}

// Listeners implements [store.Store].
func (f *Faults) Listeners(ctx context.Context, path string) ([]store.Listener, error) {
	if err := f.gate(ctx, "listeners"); err != nil {
		return nil, err
	}
	return f.Store.Listeners(ctx, path)
}

// Stat implements [store.Store].
func (f *Faults) Stat(ctx context.Context, path string, mode store.Consistency) (store.Place, error) {
	if err := f.gate(ctx, "stat"); err != nil {
		return store.Place{}, err
	}
	return f.Store.Stat(ctx, path, mode)
}

// List implements [store.Store].
func (f *Faults) List(ctx context.Context, folder string, mode store.Consistency) ([]store.Place, error) {
	if err := f.gate(ctx, "list"); err != nil {
		return nil, err
	}
	return f.Store.List(ctx, folder, mode)
}

// Ping implements [store.Store].
func (f *Faults) Ping(ctx context.Context) (store.Pong, error) {
	if err := f.gate(ctx, "ping"); err != nil {
		return store.Pong{}, err
	}
	return f.Store.Ping(ctx)
}

// Queue implements [store.Store].
func (f *Faults) Queue(ctx context.Context, path string) ([]store.Waiter, error) {
	if err := f.gate(ctx, "lock queue"); err != nil {
		return nil, err
	}
	return f.Store.Queue(ctx, path)
}

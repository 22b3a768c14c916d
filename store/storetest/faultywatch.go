package storetest

import (
	"context"
	"sync"
	"time"

	"github.com/zkstate/zkstate/store"
)

// faultyWatch is a watcher of a store with faults. While the store fails or hangs
// nothing is confirmed that was not before.
type faultyWatch struct {
	store.Watcher
	faults *Faults

	mu      sync.Mutex // guards all below
	version store.Version
	last    time.Time // for which version was confirmed
}

// Watch implements [store.Store].
func (f *Faults) Watch(path string, every time.Duration, hint func()) store.Watcher {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mute {
		hint = func() {}
	}
	return &faultyWatch{Watcher: f.Store.Watch(path, every, hint), faults: f}
}

// Confirmed implements [store.Watcher].
func (w *faultyWatch) Confirmed(v store.Version) time.Time {
	w.faults.mu.Lock()
	away := w.faults.fail != nil || w.faults.failLoads != nil || w.faults.hung != nil
	w.faults.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case !away:
		w.version, w.last = v, w.Watcher.Confirmed(v)
	case w.version != v:
		return time.Time{}
	}
	return w.last
}

// faultyListenerWatch is a watcher of listeners of a store with faults.
type faultyListenerWatch struct {
	store.ListenerWatcher
	faults *Faults
}

// WatchListeners implements [store.Store].
func (f *Faults) WatchListeners(path string) store.ListenerWatcher {
	return faultyListenerWatch{f.Store.WatchListeners(path), f}
}

// Next implements [store.ListenerWatcher].
func (w faultyListenerWatch) Next(ctx context.Context) (store.ListenerNews, error) {
	if err := w.faults.gate(ctx, "follow listeners"); err != nil {
		return store.ListenerNews{}, err
	}
	return w.ListenerWatcher.Next(ctx)
}

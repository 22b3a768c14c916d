package server

import (
	"context"
	"time"
)

// listenersPause is the least time between two events about listeners.
const listenersPause = 250 * time.Millisecond

// watchListeners makes the follower tell of listeners until unwatchListeners.
func (f *follower) watchListeners() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.watchers++
	if f.watchers == 1 && !f.ended {
		stop := make(chan struct{})
		f.unwatch = stop
		f.tasks.Go(func() { f.followListeners(stop) })
	}
}

func (f *follower) unwatchListeners() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.watchers--
	if f.watchers == 0 && f.unwatch != nil {
		close(f.unwatch)
		f.unwatch = nil
	}
}

// followListeners tells of the listeners whenever their records, or the document's version,
// have changed.
func (f *follower) followListeners(stop <-chan struct{}) {
	ctx, cancel := context.WithCancel(f.ctx)
	defer cancel()
	f.tasks.Go(func() {
		select {
		case <-stop:
			cancel()
		case <-ctx.Done():
		}
	})
	news := make(chan struct{}, 1)
	f.tasks.Go(func() { f.hearListeners(ctx, news) })
	for ctx.Err() == nil {
		f.mu.Lock()
		moved := f.changed
		version := f.version
		f.mu.Unlock()
		f.tellListeners(ctx)
		pause(ctx, listenersPause)
		for waiting := true; waiting; {
			select {
			case <-news:
				waiting = false
			case <-moved:
				f.mu.Lock()
				moved, waiting = f.changed, f.version == version
				f.mu.Unlock()
			case <-ctx.Done():
				return
			}
		}
	}
}

// hearListeners signals that records have changed.
func (f *follower) hearListeners(ctx context.Context, news chan<- struct{}) {
	watcher := f.store.WatchListeners(f.path)
	defer watcher.Stop()
	for ctx.Err() == nil {
		if _, err := watcher.Next(ctx); err != nil {
			pause(ctx, time.Second)
			continue
		}
		select {
		case news <- struct{}{}:
		default:
		}
	}
}

func (f *follower) tellListeners(ctx context.Context) {
	found, err := f.readListeners(ctx)
	if err != nil {
		return // the status says that the store is away
	}
	made := frame("listeners", "", found)
	f.mu.Lock()
	defer f.mu.Unlock()
	if string(made) != string(f.listeners.frame) {
		f.listeners = level{made, f.listeners.count + 1}
		f.wake()
	}
}

// readListeners asks the store who has the document open.
func (f *follower) readListeners(ctx context.Context) (listening, error) {
	records, err := f.state.Listeners(ctx)
	if err != nil {
		return listening{}, err
	}
	snap, err := f.state.Snapshot()
	if err != nil {
		return listening{}, err
	}
	found := listening{Version: snap.Version, Listeners: make([]listener, len(records))}
	for i, l := range records {
		found.Listeners[i] = listener{Listener: l}
		if l.Applied.Before(snap.Version) {
			found.Listeners[i].Behind = snap.Version.Since(l.Applied)
		}
	}
	return found, nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

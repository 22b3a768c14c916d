// Package relist makes a store.ListenerWatcher for backends where listing all records is
// one query.
package relist

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/zkstate/zkstate/store"
)

// Watcher lists the records when it is hinted that they may have changed, and tells the
// difference. It implements store.ListenerWatcher.
type Watcher struct {
	list  func(context.Context) ([]store.Listener, error)
	hints <-chan struct{}
	stop  func()

	// Used by Next only.
	known  map[string]store.Listener // nil before the first listing
	hinted bool                      // a hint was taken that no listing has followed yet: it failed, or its Next ended before
	rest   time.Duration             // before the next listing, as long as the last one took
}

// New returns a watcher that is to look whenever hints has a token.
func New(list func(context.Context) ([]store.Listener, error), hints <-chan struct{}, stop func()) *Watcher {
	return &Watcher{list: list, hints: hints, stop: sync.OnceFunc(stop)}
}

// Stop implements store.ListenerWatcher.
func (w *Watcher) Stop() { w.stop() }

// Next implements store.ListenerWatcher.
func (w *Watcher) Next(ctx context.Context) (store.ListenerNews, error) {
	for first := w.known == nil; ; first = false {
		if err := w.await(ctx, first); err != nil {
			return store.ListenerNews{}, err
		}
		asked := time.Now()
		listed, err := w.list(ctx)
		if err != nil {
			return store.ListenerNews{}, err
		}
		w.hinted, w.rest = false, time.Since(asked)
		if news := w.compare(listed); first || len(news.Changed)+len(news.Gone) > 0 {
			return news, nil
		}
	}
}

// await waits for a hint, but not the first time.
func (w *Watcher) await(ctx context.Context, first bool) error {
	if first {
		return ctx.Err()
	}
	if !w.hinted {
		select {
		case <-w.hints:
			w.hinted = true
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	timer := time.NewTimer(w.rest)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *Watcher) compare(listed []store.Listener) (news store.ListenerNews) {
	before := w.known
	w.known = make(map[string]store.Listener, len(listed))
	for _, l := range listed {
		old, known := before[l.ID]
		if !known || !bytes.Equal(old.Data, l.Data) || (old.Err == nil) != (l.Err == nil) {
			news.Changed = append(news.Changed, l)
		}
		w.known[l.ID] = l
	}
	for id := range before {
		if _, there := w.known[id]; !there {
			news.Gone = append(news.Gone, id)
		}
	}
	return news
}

package main

import (
	"context"
	"errors"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/storeurl"
)

// Connection says how many handles a worker opens on a store.
type Connection struct {
	URL     string
	Handles int
}

// Connect opens handles, and asks a little with each, so that it has its session and buffers.
func (w *Worker) Connect(to Connection, took *time.Duration) error {
	begun := time.Now()
	handles := make([]store.Store, to.Handles)
	err := each(to.Handles, func(i int) (err error) {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if handles[i], err = storeurl.Open(ctx, to.URL); err != nil {
			return err
		}
		if _, err = handles[i].Load(ctx, "/absent", store.Version{}, store.Linearizable); errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	for _, handle := range handles {
		if handle != nil {
			w.handles = append(w.handles, handle)
		}
	}
	*took = time.Since(begun)
	return err
}

// Documents are those below a prefix.
type Documents struct {
	Prefix string
	N      int
}

// Open opens a State of each document on each handle, and tells how long that took.
func (w *Worker) Open(docs Documents, took *time.Duration) error {
	begun := time.Now()
	all := paths(docs.Prefix, docs.N)
	states := make([]*zkstate.State[document], len(w.handles)*len(all))
	err := each(len(states), func(i int) (err error) {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		states[i], err = zkstate.Open(ctx, w.handles[i/len(all)], all[i%len(all)], document{Padding: padding})
		return err
	})
	*took = time.Since(begun)
	for _, st := range states {
		if st != nil {
			w.states = append(w.states, st)
		}
	}
	return err
}

// Close closes all States and leaves the handles.
func (w *Worker) Close(struct{}, *struct{}) error {
	err := each(len(w.states), func(i int) error { return w.states[i].Close() })
	w.states = nil
	return err
}

// Delete deletes the document of every State.
func (w *Worker) Delete(struct{}, *struct{}) error {
	return each(len(w.states), func(i int) error {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		return w.states[i].Delete(ctx)
	})
}

// Verified waits until the store has confirmed the copy of every State after a moment, and
// tells how long after that it had.
func (w *Worker) Verified(since time.Time, took *time.Duration) error {
	pending := w.states
	for len(pending) > 0 {
		var still []*zkstate.State[document]
		for _, st := range pending {
			if snapshot, err := st.Snapshot(); err != nil || !snapshot.Verified.After(since) {
				still = append(still, st)
			}
		}
		if pending = still; time.Since(since) > patience {
			*took = never
			return nil
		}
		if len(pending) > 0 {
			time.Sleep(5 * time.Millisecond)
		}
	}
	*took = time.Since(since)
	return nil
}

// Listen makes every State, or the first few of them, tell what they see.
func (w *Worker) Listen(n int, _ *struct{}) error {
	w.seen = newArrivals(n)
	for i, st := range w.states[:n] {
		look := func() {
			snapshot, _ := st.Snapshot() // a change of another kind is seen as no new value
			w.seen.saw(i, snapshot.Value.N)
		}
		st.OnChange(func(zkstate.ChangeSet) { look() })
		look()
	}
	return nil
}

// Applied updates the first State and tells how long that took until all others had applied it.
func (w *Worker) Applied(_ struct{}, took *time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	begun := time.Now()
	_, err := w.states[0].Update(ctx, func(doc *document) error {
		doc.N++
		w.value = doc.N
		return nil
	}, zkstate.WaitAll())
	*took = time.Since(begun)
	if errors.Is(err, zkstate.ErrNotApplied) {
		*took, err = never, nil
	}
	return err
}

// Pace says how often something is done, and how many times.
type Pace struct {
	Every time.Duration
	Times int
}

// Write is a commit.
type Write struct {
	Value int64
	Begun int64 // nanoseconds since 1970
	Took  time.Duration
}

// Write updates the first State at a pace, and tells of each commit.
func (w *Worker) Write(pace Pace, writes *[]Write) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience+time.Duration(pace.Times)*pace.Every)
	defer cancel()
	ticker := time.NewTicker(pace.Every)
	defer ticker.Stop()
	for range pace.Times {
		<-ticker.C
		begun := time.Now()
		var value int64
		if _, err := w.states[0].Update(ctx, func(doc *document) error {
			doc.N++
			value = doc.N
			return nil
		}); err != nil {
			return err
		}
		*writes = append(*writes, Write{value, begun.UnixNano(), time.Since(begun)})
	}
	return nil
}

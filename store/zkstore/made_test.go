package zkstore_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/zkstate/zkstate/internal/zk/wire"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/storetest"
)

// before does something once, before a request of that kind reaches the server.
func (b *bed) before(op wire.Opcode, do func()) {
	once := sync.OnceFunc(do)
	b.net.DropReplies(func(opcode wire.Opcode) bool {
		if opcode == op {
			once()
		}
		return false
	})
}

// made creates /doc by the store with faults, and follows it. Nothing but a watch tells of changes.
func (b *bed) made() (v store.Version, w storetest.Watch) {
	b.Helper()
	if _, err := b.s.Load(b.ctx, "/doc", store.Version{}, store.Local); err == nil { // a new connection looks at what is followed
		b.Fatal("the test's premise: there is no document")
	}
	w = storetest.NewWatch(b.s, "/doc", time.Hour)
	b.Cleanup(w.Stop)
	return mustCommit(b.T, b.ctx, b.s, store.Create{Path: "/doc", Data: []byte("0")})[0], w
}

// TestChangedBeforeItIsWatched: what happens to a document between the transaction that made it and its watch is told,
// and what was made is not confirmed then.
func TestChangedBeforeItIsWatched(t *testing.T) {
	t.Run("changed", func(t *testing.T) {
		b := newBed(t)
		changed := make(chan store.Version, 1)
		b.before(wire.OpSetWatches, func() { changed <- b.put("1") })
		v, w := b.made()
		b.awaitVersion(w.Hints, <-changed)
		if at := w.Confirmed(v); !at.IsZero() {
			t.Errorf("what was before is confirmed for %v", at)
		}
	})
	t.Run("deleted", func(t *testing.T) {
		b := newBed(t)
		b.before(wire.OpSetWatches, func() { b.deleteDirectly("/doc") })
		_, w := b.made()
		select {
		case <-w.Hints:
		case <-time.After(patience):
			t.Fatal("no hint")
		}
		if _, err := b.s.Load(b.ctx, "/doc", store.Version{}, store.Local); !errors.Is(err, store.ErrNotFound) {
			t.Error(err)
		}
	})
	t.Run("cut", func(t *testing.T) {
		b := newBed(t)
		b.before(wire.OpSetWatches, b.net.Cut)
		v, w := b.made()
		since := time.Now()
		b.eventually("it is confirmed", func() error {
			if !w.Confirmed(v).After(since) {
				return errors.New("it is not")
			}
			return nil
		})
		changed := b.put("1")
		b.awaitVersion(w.Hints, changed)
	})
}

// deleteDirectly deletes a document by the store without faults, as soon as it is there.
func (b *bed) deleteDirectly(path string) {
	rec, err := b.direct.Load(b.ctx, path, store.Version{}, store.Local)
	for errors.Is(err, store.ErrNotFound) {
		rec, err = b.direct.Load(b.ctx, path, store.Version{}, store.Local)
	}
	if err == nil {
		_, err = b.direct.Commit(b.ctx, store.Delete{Path: path, Base: rec.Version})
	}
	if err != nil {
		b.Error(err)
	}
}

// TestWatchedOnceMade: a document that was made is watched and confirmed without a look at it.
func TestWatchedOnceMade(t *testing.T) {
	b := newBed(t)
	v, w := b.made()
	since := time.Now()
	b.eventually("it is confirmed", func() error {
		if _, err := b.s.Load(b.ctx, "/other", store.Version{}, store.Linearizable); !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
		if !w.Confirmed(v).After(since) {
			return errors.New("it is not")
		}
		return nil
	})
	changed := b.put("1")
	b.awaitVersion(w.Hints, changed)
}

// TestTimeOfManyCreations: of what one transaction made, the first was replaced before anybody could look. The versions
// are those of the transaction all the same. Where nothing is left of it, the outcome is unknown.
func TestTimeOfManyCreations(t *testing.T) {
	b := newBed(t)
	mustCommit(t, b.ctx, b.direct, store.Create{Path: "/folder/other", Data: []byte("0")})
	replace := func() {
		b.deleteDirectly("/folder/a")
		if _, err := b.direct.Commit(b.ctx, store.Create{Path: "/folder/a", Data: []byte("1")}); err != nil {
			t.Error(err)
		}
	}
	b.before(wire.OpMulti, func() { b.before(wire.OpExists, replace) })
	versions := mustCommit(t, b.ctx, b.s, store.Create{Path: "/folder/a", Data: []byte("0")}, store.Create{Path: "/folder/b", Data: []byte("0")})
	rec, err := b.direct.Load(b.ctx, "/folder/b", store.Version{}, store.Linearizable)
	if err != nil {
		t.Fatal(err)
	}
	if versions[0] != rec.Version || versions[1] != rec.Version {
		t.Errorf("made %v, the store has %v", versions, rec.Version)
	}
	b.before(wire.OpMulti, func() { b.before(wire.OpExists, func() { b.deleteDirectly("/folder/c") }) })
	_, err = b.s.Commit(b.ctx, store.Create{Path: "/folder/c", Data: []byte("0")})
	wantErr(t, err, store.ErrUnknownOutcome)
}

// TestManyAreWatchedAtOnce: creations that wait for each other take one request for their watches, and so do records.
func TestManyAreWatchedAtOnce(t *testing.T) {
	b := newBed(t)
	const n = 200
	defer b.openDocument("/folder/first").Stop() // makes what is above them
	begun := b.requests()
	var all sync.WaitGroup
	watches := make([]store.Watcher, n)
	for i := range n {
		all.Go(func() { watches[i] = b.openDocument(fmt.Sprint("/folder/", i)) })
	}
	all.Wait()
	sent := b.requests()
	for _, w := range watches {
		defer w.Stop()
	}
	few := sent[wire.OpMulti] - begun[wire.OpMulti]
	for _, op := range []wire.Opcode{wire.OpExists, wire.OpSetWatches} {
		if got := sent[op] - begun[op]; got > few+1 { // the first one's may have come late
			t.Errorf("%d %v for %d transactions", got, op, few)
		}
	}
	if got := sent[wire.OpGetChildren2] - begun[wire.OpGetChildren2]; got > 0 || few > n {
		t.Errorf("%d looks at records; %d transactions for %d documents", got, few, n)
	}
	b.eventually("all are watched", func() error {
		counts, err := b.server.Counts(b.ctx)
		if err == nil && counts.Watches < 2*(n+1) {
			err = fmt.Errorf("%d watches", counts.Watches)
		}
		return err
	})
}

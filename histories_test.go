package zkstate_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/internal/reorder"
	"github.com/zkstate/zkstate/store"
)

const (
	historyBound   = time.Second // MaxStaleness
	historyRefresh = 200 * time.Millisecond
	historyPath    = "/app/counted"
)

// counted is the document of the histories.
type counted struct {
	N int `json:"n"`
}

// history is several clients of several States on one document, over stores that hold
// and lose answers, and what all of it did.
type history struct {
	testing.TB
	ctx      context.Context
	seed     uint64
	steps    int // of each client
	record   record
	values   atomic.Int64 // that were written so far
	restores atomic.Int64 // that were begun
	all      []*client
}

// seen is what the clients of one State know that it has shown: whatever it shows later is
// as new as this call's answer.
type seen struct {
	mu    sync.Mutex // guards since
	since at
}

func (s *seen) note(called at) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.since = max(s.since, called)
}

func (s *seen) least() at {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.since
}

// creating notes the creations of Open, which may make several before it is content.
type creating struct {
	store.Store
	client *client
}

func (s creating) Commit(ctx context.Context, ops ...store.Op) ([]store.Version, error) {
	create, ok := ops[0].(store.Create)
	if !ok {
		return s.Store.Commit(ctx, ops...)
	}
	value, c := 0, s.client
	if _, err := fmt.Sscanf(string(create.Data), `{"n":%d}`, &value); err != nil {
		c.Errorf("created with %s", create.Data)
	}
	called := c.record.now()
	versions, err := s.Store.Commit(ctx, ops...)
	d := deed{did: didCreate, wrote: value, who: c.name + " open"}
	switch {
	case err == nil:
		d.version = versions[0]
	case errors.Is(err, store.ErrExists):
		d.did = didFind
	case errors.Is(err, store.ErrUnknownOutcome):
		d.did = mayCreate
	default:
		return versions, err
	}
	c.record.add(called, d)
	return versions, err
}

// newHistory opens a State on each store, with two clients each.
func newHistory(t testing.TB, ctx context.Context, seed uint64, steps int, stores ...*reorder.Store) *history {
	h := &history{TB: t, ctx: ctx, seed: seed, steps: steps}
	h.record.begun = time.Now()
	for i, s := range stores {
		shared := &seen{}
		first := &client{history: h, name: fmt.Sprint("state ", i), store: s, seen: shared, random: rand.New(rand.NewPCG(seed, uint64(i)))}
		if first.st = first.open(); first.st == nil {
			t.FailNow()
		}
		second := *first
		second.name, second.random = first.name+"'", rand.New(rand.NewPCG(seed, uint64(100+i)))
		h.all = append(h.all, first, &second)
	}
	return h
}

// value returns one that was never written.
func (h *history) value() int { return int(h.values.Add(1)) }

// run lets all clients do their steps, and others too, and then checks the history. The
// States are closed.
func (h *history) run(others ...func()) {
	follower := h.follow(h.all[0].store)
	var running sync.WaitGroup
	for _, c := range h.all {
		running.Go(c.run)
	}
	for _, other := range others {
		running.Go(other)
	}
	running.Wait()
	h.settle(follower)
	for _, c := range h.all {
		if err := c.st.Close(); err != nil {
			h.Errorf("seed %d: %s: close: %v", h.seed, c.name, err)
		}
	}
	if err := h.record.check(); err != nil {
		h.Errorf("seed %d: %v", h.seed, err)
	}
}

// follower is a subscriber of a State that does nothing else.
type follower struct {
	st   *zkstate.State[counted]
	mu   sync.Mutex // guards all below
	at   zkstate.Version
	doc  []byte
	done chan struct{}
}

// follow takes the sets of another State on a store, each of which must fit the one before.
func (h *history) follow(s store.Store) *follower {
	st, err := zkstate.Open(h.ctx, s, historyPath, counted{}, zkstate.Observer(), zkstate.WithRefresh(historyRefresh))
	for errors.Is(err, zkstate.ErrNotFound) { // the first States have created it: this store lags
		st, err = zkstate.Open(h.ctx, s, historyPath, counted{}, zkstate.Observer(), zkstate.WithRefresh(historyRefresh))
	}
	if err != nil {
		h.Fatalf("seed %d: %v", h.seed, err)
	}
	f := &follower{st: st, done: make(chan struct{})}
	sets := st.Changes(h.ctx, zkstate.Replay())
	go func() {
		defer close(f.done)
		for set := range sets {
			f.mu.Lock()
			doc, err := diff.Apply(f.doc, set.Changes)
			if err != nil || set.From != f.at {
				h.Errorf("seed %d: a set from %v to %v follows %v: %v", h.seed, set.From, set.To, f.at, err)
			}
			if !set.Replaced && !set.To.IsZero() && !set.From.Before(set.To) {
				h.Errorf("seed %d: a set from %v back to %v", h.seed, set.From, set.To)
			}
			if set.Replaced && h.restores.Load() == 0 {
				h.Errorf("seed %d: nothing was replaced from %v to %v", h.seed, set.From, set.To)
			}
			f.at, f.doc = set.To, doc
			f.mu.Unlock()
		}
	}()
	return f
}

// settle waits until every State, and the subscriber, has what the store has.
func (h *history) settle(f *follower) {
	for _, c := range h.all {
		c.store.Calm()
	}
	last := h.all[0]
	last.recreate()
	want, _, err := last.st.ReadConsistent(h.ctx)
	if err != nil {
		h.Errorf("seed %d: at the end: %v", h.seed, err)
	}
	agrees := func(st *zkstate.State[counted]) bool {
		got, err := st.Read()
		return err == nil && got == want
	}
	settled := func() bool {
		for _, c := range h.all {
			if !agrees(c.st) {
				return false
			}
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		return agrees(f.st) && string(f.doc) == fmt.Sprintf(`{"n":%d}`, want.N)
	}
	for end := time.Now().Add(patience); !settled(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			h.Errorf("seed %d: at the end there is %+v; the changes lead to %s", h.seed, want, f.doc)
			break
		}
	}
	if err := f.st.Close(); err != nil { // ends its sequence
		h.Errorf("seed %d: %v", h.seed, err)
	}
	<-f.done
}

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

// client is one user of a State.
type client struct {
	*history
	name   string
	random *rand.Rand
	store  *reorder.Store
	st     *zkstate.State[counted]
	newest zkstate.Version // that it saw
	call   string          // that it makes now

	seen *seen
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

func (c *client) run() {
	for range c.steps {
		if c.ctx.Err() != nil {
			c.Errorf("seed %d: %s: not done in time", c.seed, c.name)
			return
		}
		c.step()
		time.Sleep(time.Duration(c.random.IntN(4)) * time.Millisecond) // the rate of calls
	}
}

// step makes one call.
func (c *client) step() {
	calls := []struct {
		name   string
		weight int
		make   func()
	}{
		{"update", 36, func() { c.update() }},
		{"exclusive update", 4, func() { c.update(zkstate.Exclusive()) }},
		{"update of a version", 8, c.updateIf},
		{"update of nothing", 6, c.updateNothing},
		{"delete", 8, c.delete},
		{"open", 12, c.recreate},
		{"consistent read", 13, c.readConsistent},
		{"read", 13, c.read},
	}
	n := c.random.IntN(100)
	for _, call := range calls {
		if n -= call.weight; n < 0 {
			c.call = call.name
			call.make()
			break
		}
	}
	c.neverBack()
}

// patient is the context of a call. Now and then its caller leaves soon.
func (c *client) patient() (context.Context, context.CancelFunc) {
	if c.random.IntN(10) == 0 {
		return context.WithTimeout(c.ctx, time.Duration(c.random.IntN(20))*time.Millisecond)
	}
	return context.WithTimeout(c.ctx, 20*time.Second)
}

// did notes a call that this State has answered.
func (c *client) did(called at, d deed) {
	d.who = c.name + " " + c.call
	c.record.add(called, d)
	if d.did != didMeet && d.did < mayWrite { // who lost to another may not have seen yet by what
		c.seen.note(called)
	}
}

func (c *client) update(opts ...zkstate.UpdateOption) {
	ctx, cancel := c.patient()
	defer cancel()
	var saw int
	value, called := c.value(), c.record.now()
	version, err := c.st.Update(ctx, func(v *counted) error { saw, v.N = v.N, value; return nil }, opts...)
	switch {
	case err == nil:
		c.did(called, deed{did: didWrite, saw: saw, wrote: value, version: version})
		c.shows(version)
	case errors.Is(err, zkstate.ErrUnknownOutcome):
		c.did(called, deed{did: mayWrite, wrote: value})
	default:
		c.refused(ctx, called, err)
	}
}

// updateIf makes an update for one version.
func (c *client) updateIf() {
	ctx, cancel := c.patient()
	defer cancel()
	snap, _ := c.st.ReadDirty()
	value, called := c.value(), c.record.now()
	version, err := c.st.Update(ctx, func(v *counted) error { v.N = value; return nil }, zkstate.IfVersion(snap.Version))
	switch {
	case err == nil:
		c.did(called, deed{did: didWrite, saw: snap.Value.N, wrote: value, version: version})
		c.shows(version)
	case errors.Is(err, zkstate.ErrUnknownOutcome):
		c.did(called, deed{did: mayWrite, wrote: value})
	case errors.Is(err, zkstate.ErrConflict) && !errors.Is(err, context.DeadlineExceeded):
		c.did(called, deed{did: didMeet, version: snap.Version})
	default:
		c.refused(ctx, called, err)
	}
}

// errNothing is a function's own.
var errNothing = errors.New("nothing to do")

// updateNothing makes an update that changes nothing, which is a read of the latest value.
func (c *client) updateNothing() {
	ctx, cancel := c.patient()
	defer cancel()
	own := error(nil)
	if c.random.IntN(2) == 0 {
		own = errNothing
	}
	var saw int
	called := c.record.now()
	version, err := c.st.Update(ctx, func(v *counted) error { saw = v.N; return own })
	switch {
	case err == nil, errors.Is(err, errNothing):
		c.did(called, deed{did: didRead, saw: saw, version: version})
	default:
		c.refused(ctx, called, err)
	}
}

func (c *client) delete() {
	ctx, cancel := c.patient()
	defer cancel()
	called := c.record.now()
	switch err := c.st.Delete(ctx); {
	case err == nil:
		c.did(called, deed{did: didDelete})
	case errors.Is(err, zkstate.ErrUnknownOutcome):
		c.did(called, deed{did: mayDelete})
	default:
		c.refused(ctx, called, err)
	}
}

// refused notes what an error says about the document, if it may be met at all.
func (c *client) refused(ctx context.Context, called at, err error) {
	switch {
	case errors.Is(err, zkstate.ErrDeleted) && !errors.Is(err, context.DeadlineExceeded):
		c.did(called, deed{did: didRead})
	case ctx.Err() != nil && errors.Is(err, ctx.Err()): // nothing was written
	default:
		c.Errorf("seed %d: %s: %v", c.seed, c.name, err)
	}
}

// open opens another State on the client's store: that creates the document if it is not
// there, and shows it.
func (c *client) open() *zkstate.State[counted] {
	called := c.record.now()
	st, err := zkstate.Open(c.ctx, creating{c.store, c}, historyPath, counted{c.value()},
		zkstate.Refresh(historyRefresh), zkstate.MaxStaleness(historyBound))
	if err != nil {
		c.Errorf("seed %d: %s: open: %v", c.seed, c.name, err)
		return nil
	}
	if snap, err := st.ReadDirty(); err == nil {
		c.record.add(called, deed{did: didRead, saw: snap.Value.N, version: snap.Version, who: c.name + " open"})
	}
	return st
}

func (c *client) recreate() {
	if st := c.open(); st != nil {
		if err := st.Close(); err != nil {
			c.Errorf("seed %d: %s: close: %v", c.seed, c.name, err)
		}
	}
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

func (c *client) readConsistent() {
	ctx, cancel := c.patient()
	defer cancel()
	called := c.record.now()
	got, err := c.st.ReadConsistent(ctx)
	if err != nil {
		c.refused(ctx, called, err)
		return
	}
	c.did(called, deed{did: didRead, saw: got.N})
}

// read serves what was the document at a moment within the bound, and not before what the
// State has answered already.
func (c *client) read() {
	since, called := c.seen.least(), c.record.now()
	got, err := c.st.Read()
	switch {
	case err == nil:
		c.record.add(max(since, called-historyBound.Nanoseconds()), deed{did: didRead, saw: got.N, who: c.name + " read"})
	case !errors.Is(err, zkstate.ErrDeleted) && !errors.Is(err, zkstate.ErrStale):
		c.Errorf("seed %d: %s: read: %v", c.seed, c.name, err)
	}
}

// shows fails if the State does not show what it has just made, or something later.
func (c *client) shows(version zkstate.Version) {
	snap, err := c.st.ReadDirty()
	if err == nil && snap.Version.Before(version) && c.restores.Load() == 0 {
		c.Errorf("seed %d: %s: shows %v after it made %v", c.seed, c.name, snap.Version, version)
	}
}

// neverBack fails if the State shows an older version than before.
func (c *client) neverBack() {
	snap, err := c.st.ReadDirty()
	if err == nil && snap.Version.Before(c.newest) && c.restores.Load() == 0 {
		c.Errorf("seed %d: %s: shows %v after %v", c.seed, c.name, snap.Version, c.newest)
	}
	c.newest = snap.Version
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
	st, err := zkstate.Open(h.ctx, s, historyPath, counted{}, zkstate.Observer(), zkstate.Refresh(historyRefresh))
	for errors.Is(err, zkstate.ErrNotFound) { // the first States have created it: this store lags
		st, err = zkstate.Open(h.ctx, s, historyPath, counted{}, zkstate.Observer(), zkstate.Refresh(historyRefresh))
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
	want, err := last.st.ReadConsistent(h.ctx)
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

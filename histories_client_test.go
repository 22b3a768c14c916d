package zkstate_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/reorder"
)

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
	snap, _ := c.st.Snapshot()
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
		zkstate.WithRefresh(historyRefresh), zkstate.WithMaxStaleness(historyBound))
	if err != nil {
		c.Errorf("seed %d: %s: open: %v", c.seed, c.name, err)
		return nil
	}
	if snap, err := st.Snapshot(); err == nil {
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

func (c *client) readConsistent() {
	ctx, cancel := c.patient()
	defer cancel()
	called := c.record.now()
	got, _, err := c.st.ReadConsistent(ctx)
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
	snap, err := c.st.Snapshot()
	if err == nil && snap.Version.Before(version) && c.restores.Load() == 0 {
		c.Errorf("seed %d: %s: shows %v after it made %v", c.seed, c.name, snap.Version, version)
	}
}

// neverBack fails if the State shows an older version than before.
func (c *client) neverBack() {
	snap, err := c.st.Snapshot()
	if err == nil && snap.Version.Before(c.newest) && c.restores.Load() == 0 {
		c.Errorf("seed %d: %s: shows %v after %v", c.seed, c.name, snap.Version, c.newest)
	}
	c.newest = snap.Version
}

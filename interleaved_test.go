package zkstate_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/storetest"
)

// deleting is a store on which somebody else creates what is to be created, a few times, and deletes it at once.
type deleting struct {
	store.Store
	times int
}

func (d *deleting) Commit(ctx context.Context, ops ...store.Op) ([]store.Version, error) {
	create, ok := ops[0].(store.Create)
	if !ok || d.times == 0 {
		return d.Store.Commit(ctx, ops...)
	}
	d.times--
	versions, err := d.Store.Commit(ctx, ops...)
	if err == nil {
		_, err = d.Store.Commit(ctx, store.Delete{Path: create.Path, Base: versions[0]})
	}
	if err != nil {
		return nil, err
	}
	return nil, store.ErrExists
}

// TestDeletedWhileOpening: Open creates the document again if it is deleted before it was
// seen.
func TestDeletedWhileOpening(t *testing.T) {
	eachStore(t, func(e *env) {
		st := openOn(e, &deleting{e.handle(), 3})
		if got, err := st.Read(); err != nil || got.Interval != initial().Interval {
			e.Errorf("%+v, %v", got, err)
		}
	})
}

// TestNoChangeGivesTheVersionItSaw: also if others, whose functions ran later, change
// something in the same commit. Under IfVersion it is the version that was judged.
func TestNoChangeGivesTheVersionItSaw(t *testing.T) {
	eachStore(t, func(e *env) {
		st, _, release := busy(e)
		type outcome struct {
			saw     int
			version zkstate.Version
		}
		var nothing, change outcome
		update := func(out *outcome, by int) func() {
			return func() {
				var err error
				out.version, err = st.Update(e.ctx, func(c *config) error { out.saw = c.Interval; c.Interval += by; return nil })
				if err != nil {
					e.Error(err)
				}
			}
		}
		var group sync.WaitGroup
		// It goes alone, so that what comes after begins a commit of its own.
		group.Go(func() { _, _ = st.Update(e.ctx, bump, zkstate.NoRetry()) })
		st.AwaitQueued(1)
		group.Go(update(&nothing, 0))
		st.AwaitQueued(2)
		group.Go(update(&change, 1))
		st.AwaitQueued(3)
		release()
		group.Wait()
		if nothing.saw == change.saw && nothing.version == change.version {
			e.Errorf("both saw %d; what changed nothing was given %v, which holds the other's change", nothing.saw, nothing.version)
		}
	})
}

// TestAnothersErrorIsNotMine: a call whose context ends while it waits is not told why a
// call before it failed.
func TestAnothersErrorIsNotMine(t *testing.T) {
	eachStore(t, func(e *env) {
		other := e.open()
		faults := storetest.Inject(e.handle())
		st := openOn(e, faults)
		if err := other.Delete(e.ctx); err != nil {
			e.Fatal(err)
		}
		if _, err := st.Update(e.ctx, bump); !errors.Is(err, zkstate.ErrDeleted) {
			e.Fatal(err)
		}
		e.raw().create(`{"processes":null,"interval":7}`)
		faults.Hang(true)
		defer faults.Hang(false)
		ctx, cancel := context.WithTimeout(e.ctx, 50*time.Millisecond)
		defer cancel()
		if _, err := st.Update(ctx, bump); errors.Is(err, zkstate.ErrDeleted) || !errors.Is(err, zkstate.ErrUnavailable) {
			e.Errorf("on a store that does not answer: %v", err)
		}
	})
}

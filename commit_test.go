package zkstate_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
)

// commits is a store whose commits a test has a say in.
type commits struct {
	store.Store
	commit func(context.Context, []store.Op) ([]store.Version, error)
}

func (c *commits) Commit(ctx context.Context, ops ...store.Op) ([]store.Version, error) {
	if c.commit == nil {
		return c.Store.Commit(ctx, ops...)
	}
	return c.commit(ctx, ops)
}

// TestWaitAllCutShort: the context ends while the commit is under way. That it
// went through does not mean that anybody has applied it.
func TestWaitAllCutShort(t *testing.T) {
	eachStore(t, func(e *env) {
		s := &commits{Store: e.handle()}
		st := openOn(e, s)
		if err := e.handle().Announce(e.ctx, "/app/config", "mute", []byte(`{}`)); err != nil {
			e.Fatal(err)
		}
		ctx, cancel := context.WithCancel(e.ctx)
		s.commit = func(ctx context.Context, ops []store.Op) ([]store.Version, error) {
			versions, err := s.Store.Commit(context.WithoutCancel(ctx), ops...)
			cancel()
			<-ctx.Done()
			return versions, err
		}
		v, err := st.Update(ctx, bump, zkstate.WaitAll())
		if !errors.Is(err, zkstate.ErrNotApplied) || !errors.Is(err, context.Canceled) || v.IsZero() {
			e.Errorf("%v, %v", v, err)
		}
	})
}

// TestWaitAllOfADelete: it is applied by who says that the document is gone.
func TestWaitAllOfADelete(t *testing.T) {
	eachStore(t, func(e *env) {
		st, other := e.open(), e.open()
		if err := st.Delete(e.ctx, zkstate.WaitAll()); err != nil {
			e.Fatal(err)
		}
		if _, err := other.Read(); !errors.Is(err, zkstate.ErrDeleted) {
			e.Errorf("the other one reads %v", err)
		}
	})
}

// TestWaitAllByANamesake: another instance with our id, whose record is the one
// that is there, is waited for.
func TestWaitAllByANamesake(t *testing.T) {
	eachStore(t, func(e *env) {
		if err := e.handle().Announce(e.ctx, "/app/config", "web", []byte(`{"id":"web"}`)); err != nil {
			e.Fatal(err)
		}
		st := e.open(zkstate.WithID("web"))
		_, err := st.Update(e.ctx, bump, zkstate.WaitAll(), zkstate.WaitTimeout(300*time.Millisecond))
		if !errors.Is(err, zkstate.ErrNotApplied) {
			e.Errorf("nobody has applied it: %v", err)
		}
	})
}

// TestOverwriteWithTheSame: what heals a rejected document may be the last good value.
func TestOverwriteWithTheSame(t *testing.T) {
	eachStore(t, func(e *env) {
		st := e.open()
		e.raw().put(`{"interval":"no number"}`)
		if _, err := st.Update(e.ctx, func(*config) error { return nil }, zkstate.Overwrite()); err != nil {
			e.Fatal(err)
		}
		if got, err := e.open().Read(); err != nil || got.Interval != 1 {
			e.Errorf("%+v, %v", got, err)
		}
	})
}

// TestNoBusyLoop: a store that goes on refusing, with nothing newer to show, is not
// asked without a pause.
func TestNoBusyLoop(t *testing.T) {
	eachStore(t, func(e *env) {
		s := &commits{Store: e.handle()}
		st := openOn(e, s)
		var asked atomic.Int64
		s.commit = func(context.Context, []store.Op) ([]store.Version, error) {
			asked.Add(1)
			return nil, fmt.Errorf("never: %w", store.ErrConflict)
		}
		ctx, cancel := context.WithTimeout(e.ctx, 300*time.Millisecond)
		defer cancel()
		if _, err := st.Update(ctx, bump); !errors.Is(err, context.DeadlineExceeded) {
			e.Error(err)
		}
		if n := asked.Load(); n > 100 {
			e.Errorf("asked %d times in 300 ms", n)
		}
	})
}

// TestUnknownIsTheirs: that the outcome of a commit is unknown is told to those who
// have a part in it, and to nobody else of their batch.
func TestUnknownIsTheirs(t *testing.T) {
	eachStore(t, func(e *env) {
		s := &commits{Store: e.handle()}
		st := openOn(e, s)
		s.commit = func(context.Context, []store.Op) ([]store.Version, error) { return nil, store.ErrUnknownOutcome }
		own := make(chan error, 1)
		_, err := st.Update(e.ctx, func(c *config) error {
			go func() {
				_, err := st.Update(e.ctx, func(*config) error { return errOwn })
				own <- err
			}()
			st.AwaitQueued(1)
			return bump(c)
		})
		if !errors.Is(err, zkstate.ErrUnknownOutcome) {
			e.Error(err)
		}
		if err := <-own; err != errOwn {
			e.Errorf("who failed by itself is told %v", err)
		}
	})
}

// TestCloseWhileAFunctionRuns: Close says that it could not wait for it, and the
// listener record goes all the same.
func TestCloseWhileAFunctionRuns(t *testing.T) {
	eachStore(t, func(e *env) {
		st, err := zkstate.Open(e.ctx, e.handle(), "/app/config", initial())
		if err != nil {
			e.Fatal(err)
		}
		runs, goOn, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go func() {
			_, err := st.Update(e.ctx, func(c *config) error { close(runs); <-goOn; return bump(c) })
			ended <- err
		}()
		<-runs
		if err := st.Close(); !errors.Is(err, zkstate.ErrUnavailable) {
			e.Errorf("close: %v", err)
		}
		close(goOn)
		if err := <-ended; !errors.Is(err, zkstate.ErrClosed) {
			e.Errorf("update: %v", err)
		}
		left, err := e.handle().Listeners(e.ctx, "/app/config")
		if err != nil || len(left) != 0 {
			e.Errorf("listeners %v, %v", left, err)
		}
		if got, err := e.open().Read(); err != nil || got.Interval != 1 {
			e.Errorf("%+v, %v", got, err)
		}
	})
}

package zkstate_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/netfault"
	"github.com/zkstate/zkstate/internal/zkserver"
	"github.com/zkstate/zkstate/store/memstore"
)

func lockOf(e *env, st *zkstate.State[config]) *zkstate.Lock[config] {
	e.Helper()
	l, err := st.Lock(e.ctx)
	if err != nil {
		e.Fatal(err)
	}
	return l
}

func unlock(e *env, l *zkstate.Lock[config]) {
	e.Helper()
	if err := l.Unlock(e.ctx); err != nil {
		e.Error(err)
	}
}

// ended waits for the end of a lock's context, and returns why it ended.
func ended(t *testing.T, l *zkstate.Lock[config]) error {
	t.Helper()
	select {
	case <-l.Context().Done():
	case <-time.After(patience):
		t.Fatal("the lock's context does not end")
	}
	return context.Cause(l.Context())
}

// breakLock removes the first place in the queue by force.
func (r raw) breakLock() {
	r.Helper()
	queue, err := r.s.Queue(r.ctx, "/app/config")
	if err != nil || len(queue) == 0 {
		r.Fatalf("%v, %v", queue, err)
	}
	if err := r.s.BreakLock(r.ctx, "/app/config", queue[0].Key); err != nil {
		r.Fatal(err)
	}
}

// TestLock: while it is held nothing exclusive runs, here or elsewhere; plain updates and
// those under it go on. Then everybody gets his turn.
func TestLock(t *testing.T) {
	eachStore(t, func(e *env) {
		st, other := e.open(zkstate.WithID("holder")), e.open()
		l := lockOf(e, st)
		var group sync.WaitGroup
		var exclusive atomic.Int64
		for _, s := range []*zkstate.State[config]{st, other} {
			group.Go(func() {
				if _, err := s.Update(e.ctx, func(c *config) error { exclusive.Add(1); return bump(c) }, zkstate.Exclusive()); err != nil {
					e.Error(err)
				}
			})
			group.Go(func() {
				next, err := s.Lock(e.ctx)
				if err != nil {
					e.Error(err)
					return
				}
				exclusive.Add(1)
				if _, err := next.Update(e.ctx, bump); err != nil {
					e.Error(err)
				}
				unlock(e, next)
			})
		}
		for i := range 5 {
			if _, err := l.Update(e.ctx, bump); err != nil {
				e.Fatal(err)
			}
			if _, err := st.Update(e.ctx, bump); err != nil {
				e.Fatal(err)
			}
			if got, err := st.Read(); err != nil || got.Interval != 1+2*(i+1) {
				e.Errorf("%+v, %v", got, err)
			}
		}
		for _, s := range []*zkstate.State[config]{st, other} {
			for name, call := range map[string]func(context.Context) error{
				"Lock":   func(ctx context.Context) error { _, err := s.Lock(ctx); return err },
				"Update": func(ctx context.Context) error { _, err := s.Update(ctx, bump, zkstate.Exclusive()); return err },
			} {
				short, cancel := context.WithTimeout(e.ctx, 300*time.Millisecond)
				err := call(short)
				cancel()
				if !errors.Is(err, zkstate.ErrLocked) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "/app/config") {
					e.Errorf("%s of %s while it is held: %v", name, s.ID(), err)
				}
			}
		}
		if n := exclusive.Load(); n != 0 || l.Context().Err() != nil {
			e.Errorf("%d exclusive ones ran, %v", n, l.Context().Err())
		}
		unlock(e, l)
		unlock(e, l)
		if err := ended(e.T, l); errors.Is(err, zkstate.ErrLockLost) {
			e.Errorf("a lock that was given up is lost: %v", err)
		}
		if _, err := l.Update(e.ctx, bump); !errors.Is(err, zkstate.ErrLockLost) || !strings.Contains(err.Error(), "given up") {
			e.Errorf("an update without the lock: %v", err)
		}
		group.Wait()
		if got, _, err := st.ReadConsistent(e.ctx); err != nil || got.Interval != 1+10+4 {
			e.Errorf("%+v, %v", got, err)
		}
	})
}

// TestLockSeesEarlierHolders: after Lock the copy has what the holders before committed.
func TestLockSeesEarlierHolders(t *testing.T) {
	eachStore(t, func(e *env) {
		states := []*zkstate.State[config]{e.open(), e.open(), e.open()}
		var group sync.WaitGroup
		for _, st := range states {
			group.Go(func() {
				for range 5 {
					l := lockOf(e, st)
					snap, err := st.Snapshot()
					if err != nil {
						e.Error(err)
					}
					_, err = l.Update(e.ctx, func(c *config) error {
						if c.Interval != snap.Value.Interval {
							return fmt.Errorf("it was %d under the lock, and now it is %d", snap.Value.Interval, c.Interval)
						}
						return bump(c)
					})
					if err != nil {
						e.Error(err)
					}
					unlock(e, l)
				}
			})
		}
		group.Wait()
		if got, _, err := states[0].ReadConsistent(e.ctx); err != nil || got.Interval != 16 {
			e.Errorf("%+v, %v", got, err)
		}
	})
}

// TestLockIsBroken: somebody removes the place by force. What depended on it ends, its
// updates commit nothing, and the next ones get the lock.
func TestLockIsBroken(t *testing.T) {
	eachStore(t, func(e *env) {
		st, other, r := e.open(), e.open(), e.raw()
		l := lockOf(e, st)
		r.breakLock()
		if err := ended(e.T, l); !errors.Is(err, zkstate.ErrLockLost) || !strings.Contains(err.Error(), "/app/config") {
			e.Errorf("the context's cause: %v", err)
		}
		if _, err := l.Update(e.ctx, bump); !errors.Is(err, zkstate.ErrLockLost) {
			e.Errorf("an update after the loss: %v", err)
		}
		unlock(e, l)
		next := lockOf(e, other)
		unlock(e, next)
		if _, err := st.Update(e.ctx, bump, zkstate.Exclusive()); err != nil {
			e.Error(err)
		}

		l = lockOf(e, st)
		running := make(chan struct{})
		lost := make(chan error)
		go func() { // it is lost while the function runs
			_, err := l.Update(e.ctx, func(c *config) error {
				close(running)
				<-l.Context().Done()
				c.Interval = 100
				return nil
			})
			lost <- err
		}()
		<-running
		r.breakLock()
		if err := <-lost; !errors.Is(err, zkstate.ErrLockLost) || errors.Is(err, zkstate.ErrUnknownOutcome) {
			e.Errorf("an update during the loss: %v", err)
		}
		if got, _, err := st.ReadConsistent(e.ctx); err != nil || got.Interval != 2 {
			e.Errorf("it wrote %+v, %v", got, err)
		}
	})
}

// TestLockFences: whatever is broken when, an update under a lock is applied once or says
// that it was not.
func TestLockFences(t *testing.T) {
	eachStore(t, func(e *env) {
		r := e.raw()
		stop, stopped := make(chan struct{}), make(chan struct{})
		e.open() // so that there is a document
		go func() {
			defer close(stopped)
			for {
				select {
				case <-stop:
					return
				case <-time.After(3 * time.Millisecond):
				}
				if queue, err := r.s.Queue(e.ctx, "/app/config"); err == nil && len(queue) > 0 {
					_ = r.s.BreakLock(e.ctx, "/app/config", queue[0].Key) // it may be gone
				}
			}
		}()
		var acknowledged atomic.Int64
		var group sync.WaitGroup
		for range 3 {
			st := e.open()
			group.Go(func() {
				for range 8 {
					l := lockOf(e, st)
					for range 3 {
						switch _, err := l.Update(e.ctx, bump); {
						case err == nil:
							acknowledged.Add(1)
						case !errors.Is(err, zkstate.ErrLockLost) || errors.Is(err, zkstate.ErrUnknownOutcome):
							e.Error(err)
						}
					}
					unlock(e, l)
				}
			})
		}
		group.Wait()
		close(stop)
		<-stopped
		if got, _, err := e.open().ReadConsistent(e.ctx); err != nil || got.Interval != 1+int(acknowledged.Load()) {
			e.Errorf("%d acknowledged, %+v, %v", acknowledged.Load(), got, err)
		}
	})
}

// TestLockOfAClosedState: Close loses the lock, and leaves no place behind.
func TestLockOfAClosedState(t *testing.T) {
	eachStore(t, func(e *env) {
		st, other := e.open(), e.open()
		l := lockOf(e, st)
		waiting := make(chan error)
		go func() { _, err := st.Lock(e.ctx); waiting <- err }()
		st.AwaitBehindLock(1)
		closeState(e.T, st)
		if err := ended(e.T, l); !errors.Is(err, zkstate.ErrLockLost) || !errors.Is(err, zkstate.ErrClosed) {
			e.Errorf("the context's cause: %v", err)
		}
		if err := <-waiting; !errors.Is(err, zkstate.ErrClosed) {
			e.Errorf("who waits: %v", err)
		}
		if _, err := l.Update(e.ctx, bump); !errors.Is(err, zkstate.ErrClosed) {
			e.Errorf("an update: %v", err)
		}
		unlock(e, l)
		if _, err := st.Lock(e.ctx); !errors.Is(err, zkstate.ErrClosed) {
			e.Errorf("a lock of a closed State: %v", err)
		}
		unlock(e, lockOf(e, other))
	})
}

// TestLockOfALostSession: the session ends on the server. The lock is lost, its updates
// commit nothing, and the State can take it again.
func TestLockOfALostSession(t *testing.T) {
	t.Parallel()
	b := newZKBed(t)
	st := b.st
	l := lockOf(b.env, st)
	session, ok := b.net.LastSession()
	if !ok {
		t.Fatal("there is no session")
	}
	if err := zkserver.KillSession(b.ctx, b.server, session.ID, session.Password); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Update(b.ctx, set(100)); !errors.Is(err, zkstate.ErrLockLost) {
		t.Errorf("an update after the session: %v", err)
	}
	if err := ended(t, l); !errors.Is(err, zkstate.ErrLockLost) {
		t.Errorf("the context's cause: %v", err)
	}
	unlock(b.env, l)
	again := lockOf(b.env, st)
	if _, err := again.Update(b.ctx, bump); err != nil {
		t.Error(err)
	}
	unlock(b.env, again)
	if got, _, err := st.ReadConsistent(b.ctx); err != nil || got.Interval != 2 {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestLockInTheDark: the network fails. The lock counts as lost by the time that somebody else
// can have it, and an update under it says so at once.
func TestLockInTheDark(t *testing.T) {
	t.Parallel()
	b := newZKBed(t)
	l := lockOf(b.env, b.st)
	b.net.SetMode(netfault.Blackhole)
	defer b.net.SetMode(netfault.Pass)
	if err := ended(t, l); !errors.Is(err, zkstate.ErrLockLost) {
		t.Errorf("the context's cause: %v", err)
	}
	if _, err := l.Update(b.ctx, set(100)); !errors.Is(err, zkstate.ErrLockLost) {
		t.Errorf("an update in the dark: %v", err)
	}
	if other, err := b.writer.Lock(b.ctx); err != nil {
		t.Error(err)
	} else {
		unlock(b.env, other)
	}
	b.net.SetMode(netfault.Pass)
	unlock(b.env, l)
	unlock(b.env, lockOf(b.env, b.st))
}

func TestLockOfAnObserver(t *testing.T) {
	s := memstore.New()
	for _, opts := range [][]zkstate.OpenOption{nil, {zkstate.Observer()}} {
		st, err := zkstate.Open(t.Context(), s, "/app/config", initial(), opts...)
		if err != nil {
			t.Fatal(err)
		}
		if l, err := st.Lock(t.Context()); opts != nil && !errors.Is(err, zkstate.ErrReadOnly) {
			t.Errorf("%v, %v", l, err)
		}
		closeState(t, st)
	}
}

package storetest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkstate/zkstate/store"
)

func (e *env) lock(s store.Store, path, id string) store.Lock {
	e.t.Helper()
	lock, err := s.Lock(e.ctx, path, id)
	if err != nil {
		e.t.Fatalf("lock %s as %s: %v", path, id, err)
	}
	return lock
}

func (e *env) unlock(lock store.Lock) {
	e.t.Helper()
	if err := lock.Unlock(e.ctx); err != nil {
		e.t.Fatalf("unlock: %v", err)
	}
}

// testLock has contenders from several handles, and several of one, in turns.
func testLock(t *testing.T, e *env) {
	const handles, each, cycles = 3, 2, 8
	var holders, turns atomic.Int64
	var all sync.WaitGroup
	for h := range handles {
		s := e.handle()
		for i := range each {
			all.Go(func() {
				for range cycles {
					lock, err := s.Lock(e.ctx, "/doc", fmt.Sprint("h", h, "-", i%2))
					if err != nil {
						t.Error(err)
						return
					}
					if n := holders.Add(1); n != 1 {
						t.Errorf("%d hold the lock", n)
					}
					turns.Add(1)
					holders.Add(-1)
					if err := lock.Unlock(e.ctx); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	all.Wait()
	if turns.Load() != handles*each*cycles {
		t.Fatalf("%d turns", turns.Load())
	}
	lock := e.lock(e.handle(), "/doc", "last")
	if lock.Waited() || lock.Path() != "/doc" {
		t.Fatalf("after all had left, waited is %v, path %s", lock.Waited(), lock.Path())
	}
	e.unlock(lock)
	e.unlock(lock)
}

// testQueue has two who wait, one of whom gives up.
func testQueue(t *testing.T, e *env) {
	s, other := e.handle(), e.handle()
	first := e.lock(s, "/doc", "first")
	ctx, cancel := context.WithCancel(e.ctx)
	left := make(chan error, 1)
	go func() {
		_, err := other.Lock(ctx, "/doc", "second")
		left <- err
	}()
	third := make(chan store.Lock, 1)
	go func() {
		lock, err := s.Lock(e.ctx, "/doc", "third")
		if err != nil {
			t.Error(err)
		}
		third <- lock
	}()
	select {
	case <-third:
		t.Fatal("two hold the lock")
	case <-time.After(100 * time.Millisecond): // that nothing happens can only be waited for
	}
	cancel()
	gaveUp := <-left
	e.wantErr(gaveUp, context.Canceled)
	e.wantErr(gaveUp, store.ErrLocked)
	e.unlock(first)
	lock := <-third
	if !lock.Waited() {
		t.Error("who waited does not say so")
	}
	e.unlock(lock)
	e.unlock(e.lock(other, "/doc", "second")) // no place was left behind
	_, err := s.Lock(ctx, "/doc", "late")
	e.wantErr(err, context.Canceled)
}

// testHold has commits that depend on a lock.
func testHold(t *testing.T, e *env) {
	s, other := e.handle(), e.handle()
	v := e.create(s, "/doc", "0")
	lock := e.lock(s, "/doc", "me")
	put := func(s store.Store, base store.Version, data string, more ...store.Op) (store.Version, error) {
		versions, err := s.Commit(e.ctx, append([]store.Op{store.Put{Path: "/doc", Base: base, Data: []byte(data)}}, more...)...)
		if err != nil {
			return base, err
		}
		return versions[0], nil
	}
	_, err := put(other, v, "with another's lock", store.Hold{Lock: lock})
	e.wantErr(err, store.ErrLockLost)
	_, err = put(s, v, "with no lock", store.Release{})
	e.wantErr(err, store.ErrLockLost)
	if v, err = put(s, v, "1", store.Hold{Lock: lock}); err != nil {
		t.Fatal(err)
	}
	next := make(chan store.Lock, 1)
	go func() {
		lock, err := other.Lock(e.ctx, "/doc", "next")
		if err != nil {
			t.Error(err)
		}
		next <- lock
	}()
	_, err = put(s, store.NewVersion(v.Created(), v.Order(), v.Counter()+7), "refused", store.Release{Lock: lock})
	e.wantErr(err, store.ErrConflict)
	if v, err = put(s, v, "2", store.Release{Lock: lock}); err != nil {
		t.Fatal(err)
	}
	held := <-next
	e.wantData(other, "/doc", "2")
	_, err = put(s, v, "after the release", store.Hold{Lock: lock})
	e.wantErr(err, store.ErrLockLost)
	_, err = put(s, v, "after the release", store.Release{Lock: lock})
	e.wantErr(err, store.ErrLockLost)
	if _, err = put(other, v, "3", store.Release{Lock: held}); err != nil {
		t.Fatal(err)
	}
	e.unlock(lock)
	e.wantData(s, "/doc", "3")
}

// testLockLost has a holder whose handle is closed.
func testLockLost(t *testing.T, e *env) {
	s, other := e.open(), e.handle()
	lock := e.lock(s, "/doc", "me")
	select {
	case <-lock.Lost():
		t.Fatal("lost at once")
	default:
	}
	given := e.lock(other, "/elsewhere", "me")
	gone := given.Lost()
	e.unlock(given)
	v := e.create(other, "/released", "0")
	released := e.lock(other, "/released", "me")
	goneToo := released.Lost()
	if _, err := other.Commit(e.ctx, store.Put{Path: "/released", Base: v, Data: []byte("1")}, store.Release{Lock: released}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-lock.Lost():
	case <-time.After(patience):
		t.Fatal("the handle was closed, and the lock is not lost")
	}
	e.unlock(e.lock(other, "/doc", "next"))
	select {
	case <-gone:
		t.Fatal("giving a lock up is not losing it")
	case <-goneToo:
		t.Fatal("giving a lock up with a commit is not losing it")
	default:
	}
	_, err := s.Lock(e.ctx, "/doc", "closed")
	e.wantErr(err, store.ErrClosed)
}

// testGivenUpIsNotLost gives locks up while somebody wants to know of their loss.
func testGivenUpIsNotLost(t *testing.T, e *env) {
	s := e.handle()
	v := e.create(s, "/doc", "0")
	for i := range 40 {
		lock := e.lock(s, "/doc", "me")
		lost := lock.Lost()
		if i%2 == 0 {
			e.unlock(lock)
		} else {
			versions, err := s.Commit(e.ctx, store.Put{Path: "/doc", Base: v, Data: fmt.Append(nil, i)}, store.Release{Lock: lock})
			if err != nil {
				t.Fatal(err)
			}
			v = versions[0]
		}
		e.unlock(e.lock(s, "/doc", "another")) // the news of it has come by then
		select {
		case <-lost:
			t.Fatalf("lock %d was given up, and is said to be lost", i)
		default:
		}
	}
}

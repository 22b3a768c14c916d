package storetest

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/zkstate/zkstate/store"
)

// wantQueue waits until the queue of /doc has places of these ids.
func (e *env) wantQueue(s store.Store, want ...string) []store.Waiter {
	e.t.Helper()
	var places []store.Waiter
	e.eventually("the queue is as expected", func() (err error) {
		if places, err = s.Queue(e.ctx, "/doc"); err != nil {
			return err
		}
		var got []string
		for _, p := range places {
			got = append(got, p.ID)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			err = fmt.Errorf("it has %v, want %v", got, want)
		}
		return err
	})
	return places
}

func testShownQueue(t *testing.T, e *env) {
	s, other := e.handle(), e.handle()
	e.wantQueue(s)
	lock := e.lock(s, "/doc", "first-1")
	next := make(chan store.Lock, 1)
	go func() {
		lock, err := other.Lock(e.ctx, "/doc", "second")
		if err != nil {
			t.Error(err)
		}
		next <- lock
	}()
	places := e.wantQueue(other, "first-1", "second")
	for _, p := range places {
		if p.Key == "" || p.Session == "" || p.PID != os.Getpid() || time.Since(p.Since).Abs() > patience {
			t.Errorf("place %+v", p)
		}
	}
	if places[0].Session == places[1].Session || places[0].Key == places[1].Key {
		t.Errorf("places %+v", places)
	}
	e.unlock(lock)
	e.wantQueue(s, "second")
	e.unlock(<-next)
	e.wantQueue(s)
	_, err := s.Queue(e.ctx, "/a/")
	e.wantErr(err, store.ErrInvalidPath)
}

// testBreakLock removes the place of a holder, and of one who waits.
func testBreakLock(t *testing.T, e *env) {
	s, other := e.handle(), e.handle()
	v := e.create(s, "/doc", "0")
	lock := e.lock(s, "/doc", "holder")
	next := make(chan store.Lock, 1)
	go func() {
		lock, err := other.Lock(e.ctx, "/doc", "waiter")
		if err != nil {
			t.Error(err)
		}
		next <- lock
	}()
	places := e.wantQueue(other, "holder", "waiter")
	if err := s.BreakLock(e.ctx, "/doc", places[1].Key); err != nil {
		t.Fatal(err)
	}
	lost := lock.Lost()
	if err := other.BreakLock(e.ctx, "/doc", places[0].Key); err != nil {
		t.Fatal(err)
	}
	select {
	case <-lost:
	case <-time.After(patience):
		t.Fatal("the place was removed, and the holder is not told")
	}
	_, err := s.Commit(e.ctx, store.Put{Path: "/doc", Base: v, Data: []byte("1")}, store.Hold{Lock: lock})
	e.wantErr(err, store.ErrLockLost)
	e.unlock(lock)
	e.unlock(<-next) // it took another place
	for _, key := range []string{places[0].Key, "", "no-such-place", "../payload", "payload"} {
		e.wantErr(other.BreakLock(e.ctx, "/doc", key), store.ErrNotFound)
	}
	e.wantData(s, "/doc", "0")
}

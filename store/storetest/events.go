package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/zkstate/zkstate/store"
)

func testHints(_ *testing.T, e *env) {
	s, other := e.handle(), e.handle()
	w := NewWatch(s, "/a", time.Second)
	hints, stop := w.Hints, w.Stop
	defer stop()
	look := func() store.Version {
		rec, err := s.Load(e.ctx, "/a", store.Version{}, store.Local)
		if err != nil {
			e.wantErr(err, store.ErrNotFound)
		}
		return rec.Version
	}
	// A hint may be spurious, so each wait is for the state that it leads to.
	await := func(want store.Version, why string) {
		e.t.Helper()
		for look() != want {
			e.wantHint(hints, why)
		}
	}
	await(store.Version{}, "at first")
	v := e.create(other, "/a", "0")
	await(v, "after another handle created the document")
	for range 5 {
		v = e.put(other, "/a", v, "more")
		await(v, "after another handle changed it")
	}
	e.commit(other, store.Delete{Path: "/a", Base: v})
	await(store.Version{}, "after another handle deleted it")
	v = e.create(other, "/a", "again")
	await(v, "after another handle made it again")
	v = e.put(s, "/a", v, "own")
	await(v, "after the handle's own commit")
	stop()
	stop() // harmless
}

func testHintsMerged(t *testing.T, e *env) {
	s, other := e.handle(), e.handle()
	firstWatch, secondWatch := NewWatch(s, "/a", time.Second), NewWatch(s, "/a", time.Second)
	first, stopFirst := firstWatch.Hints, firstWatch.Stop
	second, stopSecond := secondWatch.Hints, secondWatch.Stop
	defer stopFirst()
	defer stopSecond()
	if cap(first) != 1 {
		t.Fatalf("a hint channel has capacity %d", cap(first))
	}
	if _, err := s.Load(e.ctx, "/a", store.Version{}, store.Local); err == nil {
		t.Fatal("the document is there already")
	}
	v := e.create(other, "/a", "0")
	for range 20 {
		v = e.put(other, "/a", v, "x") // nobody receives meanwhile, and nobody blocks
	}
	e.wantHint(first, "on the first watch of two")
	e.wantHint(second, "on the second watch of two")
}

func testListeners(_ *testing.T, e *env) {
	s, other := e.handle(), e.handle()
	e.wantListeners(s, "/a")
	e.create(s, "/a", "0")
	for _, step := range []struct {
		s        store.Store
		id, data string
	}{{s, "b", "1"}, {other, "a", "2"}, {s, "c.d_e-f", ""}, {s, "b", "3"}} {
		if err := step.s.Announce(e.ctx, "/a", step.id, []byte(step.data)); err != nil {
			e.t.Fatal(err)
		}
	}
	e.wantListeners(other, "/a", "a=2", "b=3", "c.d_e-f=")
	e.wantListeners(s, "/b")
	for _, id := range []string{"b", "b", "never-there"} {
		if err := s.Withdraw(e.ctx, "/a", id); err != nil {
			e.t.Fatal(err)
		}
	}
	e.wantListeners(other, "/a", "a=2", "c.d_e-f=")
	if err := s.Announce(e.ctx, "/not/there/yet", "x", []byte("1")); err != nil {
		e.t.Fatal(err)
	}
	e.wantListeners(other, "/not/there/yet", "x=1")
}

func testListenerOwnership(_ *testing.T, e *env) {
	s, other := e.handle(), e.handle()
	e.create(s, "/a", "0")
	if err := s.Announce(e.ctx, "/a", "id", []byte("mine")); err != nil {
		e.t.Fatal(err)
	}
	e.wantErr(other.Announce(e.ctx, "/a", "id", []byte("theirs")), store.ErrTaken)
	if err := other.Withdraw(e.ctx, "/a", "id"); err != nil {
		e.t.Fatal(err)
	}
	e.wantListeners(other, "/a", "id=mine")
	if err := s.Withdraw(e.ctx, "/a", "id"); err != nil {
		e.t.Fatal(err)
	}
	if err := other.Announce(e.ctx, "/a", "id", []byte("theirs")); err != nil {
		e.t.Fatal(err)
	}
	e.wantListeners(s, "/a", "id=theirs")
}

// testWithdrawingGoesOn has callers who do not wait for the end of it.
func testWithdrawingGoesOn(t *testing.T, e *env) {
	s, other := e.handle(), e.handle()
	ended, cancel := context.WithCancel(e.ctx)
	cancel()
	withdraw := func() {
		t.Helper()
		if err := s.Announce(e.ctx, "/a", "id", []byte("1")); err != nil {
			t.Fatal(err)
		}
		if err := s.Withdraw(ended, "/a", "id"); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	withdraw()
	e.eventually("the record is gone", func() error {
		found, err := other.Listeners(e.ctx, "/a")
		if len(found) > 0 {
			err = fmt.Errorf("the records are %v", found)
		}
		return err
	})
	for i := range 20 { // what is announced after that stays
		withdraw()
		if err := s.Announce(e.ctx, "/a", "id", fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
		e.wantListeners(other, "/a", fmt.Sprint("id=", i))
	}
	if err := s.Withdraw(e.ctx, "/a", "id"); err != nil {
		t.Fatal(err)
	}
	e.wantListeners(other, "/a")
}

func testCloseWithdraws(_ *testing.T, e *env) {
	s, leaver := e.handle(), e.open()
	v := e.create(leaver, "/a", "0")
	for _, id := range []string{"x", "y"} {
		if err := leaver.Announce(e.ctx, "/a", id, nil); err != nil {
			e.t.Fatal(err)
		}
	}
	if err := s.Announce(e.ctx, "/a", "stays", nil); err != nil {
		e.t.Fatal(err)
	}
	if err := leaver.Close(); err != nil {
		e.t.Fatal(err)
	}
	e.wantListeners(s, "/a", "stays=")
	if got := e.wantData(s, "/a", "0"); got != v {
		e.t.Fatalf("closing a handle moved the document from %v to %v", v, got)
	}
}

func testClosed(t *testing.T, e *env) {
	s := e.open()
	v := e.create(s, "/a", "0")
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.Load(e.ctx, "/a", store.Version{}, store.Local)
	e.wantErr(err, store.ErrClosed)
	_, err = s.Load(e.ctx, "/a", store.Version{}, store.Linearizable)
	e.wantErr(err, store.ErrClosed)
	_, err = s.Commit(e.ctx, store.Put{Path: "/a", Base: v, Data: []byte("late")})
	e.wantErr(err, store.ErrClosed)
	e.wantErr(s.Announce(e.ctx, "/a", "id", nil), store.ErrClosed)
	_, err = s.Listeners(e.ctx, "/a")
	e.wantErr(err, store.ErrClosed)
	_, err = s.Stat(e.ctx, "/a", store.Local)
	e.wantErr(err, store.ErrClosed)
	_, err = s.List(e.ctx, "/", store.Local)
	e.wantErr(err, store.ErrClosed)
	stop := s.Watch("/a", time.Second, func() {}).Stop
	stop()
	e.wantData(e.handle(), "/a", "0")
}

func testContext(t *testing.T, e *env) {
	s := e.handle()
	v := e.create(s, "/a", "0")
	ctx, cancel := context.WithCancel(e.ctx)
	cancel()
	_, err := s.Load(ctx, "/a", store.Version{}, store.Local)
	e.wantErr(err, context.Canceled)
	_, err = s.Commit(ctx, store.Put{Path: "/a", Base: v, Data: []byte("late")})
	e.wantErr(err, context.Canceled)
	e.wantErr(s.Announce(ctx, "/a", "id", nil), context.Canceled)
	_, err = s.Listeners(ctx, "/a")
	e.wantErr(err, context.Canceled)
	if got := e.wantData(s, "/a", "0"); got != v {
		t.Fatalf("a commit with an ended context moved %v to %v", v, got)
	}
}

func testStatus(t *testing.T, e *env) {
	s := e.open()
	e.create(s, "/a", "0")
	if err := s.Announce(e.ctx, "/a", "id", nil); err != nil {
		t.Fatal(err)
	}
	if status := s.Status(); !status.Connected {
		t.Errorf("after a commit: %+v", status)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if status := s.Status(); status.Connected {
		t.Errorf("after Close: %+v", status)
	}
}

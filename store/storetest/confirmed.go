package storetest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/zkstate/zkstate/store"
)

// confirming is how often these tests want to be confirmed.
const confirming = 50 * time.Millisecond

// testConfirmed goes through a document's life while nothing else happens: what it is is
// confirmed ever anew, and what it was is not.
func testConfirmed(t *testing.T, e *env) {
	s, other := e.handle(), e.handle()
	w := NewWatch(s, "/a", confirming)
	defer w.Stop()
	var was []store.Version
	await := func(v store.Version) {
		t.Helper()
		for range 2 { // twice: it advances
			begun := time.Now()
			e.eventually("the version is confirmed", func() error {
				if rec, err := s.Load(e.ctx, "/a", v, store.Local); err != nil && !errors.Is(err, store.ErrNotFound) {
					return err
				} else if rec.Version != v {
					return errors.New("it is not seen yet")
				}
				if !w.Confirmed(v).After(begun) {
					return errors.New("it is not confirmed")
				}
				return nil
			})
		}
		for _, old := range was {
			if old != v && !w.Confirmed(old).IsZero() {
				t.Errorf("%v is confirmed, and the document is at %v", old, v)
			}
		}
		was = append(was, v)
	}
	await(store.Version{})
	v := e.create(other, "/a", "0")
	await(v)
	v = e.put(other, "/a", v, "1")
	await(v)
	v = e.put(s, "/a", v, "2")
	await(v)
	e.commit(other, store.Delete{Path: "/a", Base: v})
	await(store.Version{})
	await(e.create(other, "/a", "again"))
	if n := testing.AllocsPerRun(100, func() { w.Confirmed(v) }); n != 0 {
		t.Errorf("Confirmed allocates %v times", n)
	}
}

// testConfirmedIsLinearizable: while others write, whatever is confirmed for a time is no
// older than any commit that had finished by then.
func testConfirmedIsLinearizable(t *testing.T, e *env) {
	s := e.handle()
	w := NewWatch(s, "/a", time.Millisecond)
	defer w.Stop()
	first := e.create(s, "/a", "0")
	type finish struct {
		version store.Version
		at      time.Time
	}
	var mu sync.Mutex // guards finished
	finished := []finish{{first, time.Now()}}
	done := make(chan struct{})
	writer := e.handle()
	go func() {
		defer close(done)
		for v, i := first, 0; i < 300; i++ {
			versions, err := writer.Commit(e.ctx, store.Put{Path: "/a", Base: v, Data: []byte{byte('0' + i%10)}})
			if err != nil {
				t.Error(err)
				return
			}
			v = versions[0]
			mu.Lock()
			finished = append(finished, finish{v, time.Now()})
			mu.Unlock()
			time.Sleep(time.Duration(i%4) * time.Millisecond) // some gaps are long enough to be confirmed in
		}
	}()
	confirmed := 0
	for running := true; running; {
		select {
		case <-done:
			running = false
		case <-w.Hints:
		case <-time.After(time.Millisecond):
		}
		rec, err := s.Load(e.ctx, "/a", store.Version{}, store.Local)
		if err != nil {
			t.Error(err)
			continue
		}
		for range 20 {
			at := w.Confirmed(rec.Version)
			if at.IsZero() {
				continue
			}
			confirmed++
			mu.Lock()
			for _, f := range finished {
				if f.at.Before(at) && rec.Version.Before(f.version) {
					t.Errorf("%v is confirmed for %v after %v was committed", rec.Version, at.Sub(f.at), f.version)
				}
			}
			mu.Unlock()
		}
	}
	if confirmed == 0 {
		t.Log("nothing was confirmed while it changed")
	}
}

package zkstate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
	"github.com/zkstate/zkstate/store/storetest"
)

// watcher takes events one by one, and checks what holds for any two that follow each
// other.
type watcher struct {
	t    *testing.T
	take func() (zkstate.Event[config], error, bool)
	last *zkstate.Event[config] // nil: none was taken yet
	doc  []byte                 // what the sets lead to, nil if there is no document
}

func watch(t *testing.T, st *zkstate.State[config]) *watcher {
	take, stop := iter.Pull2(st.Watch(t.Context()))
	t.Cleanup(stop)
	return &watcher{t: t, take: take}
}

func (w *watcher) next() (zkstate.Event[config], error) {
	w.t.Helper()
	e, err, ok := w.take()
	if !ok {
		w.t.Fatal("the sequence ended")
	}
	w.check(e, err)
	return e, err
}

// check applies the event's set to the document before, which must give the event's value.
func (w *watcher) check(e zkstate.Event[config], err error) {
	w.t.Helper()
	set := e.Changes
	if w.last == nil {
		if set.From != e.Version || set.To != e.Version || len(set.Changes) > 0 || set.Missed != 0 {
			w.t.Errorf("the first event has the set %+v", set)
		}
		if !e.Version.IsZero() {
			w.doc, _ = json.Marshal(e.Value)
		}
	} else if set.From != w.last.Version || set.To != e.Version {
		w.t.Errorf("the set %+v leads from %v to %v", set, w.last.Version, e.Version)
	}
	if !set.Replaced && !set.From.IsZero() && !set.To.IsZero() && set.To.Before(set.From) {
		w.t.Errorf("%v comes after %v", set.To, set.From)
	}
	var applied error
	if w.doc, applied = diff.Apply(w.doc, set.Changes); applied != nil {
		w.t.Fatalf("%v cannot be applied: %v", set.Changes, applied)
	}
	switch {
	case e.Version.IsZero() && (w.doc != nil || err == nil):
		w.t.Errorf("no version, the document %s and the condition %v", w.doc, err)
	case !e.Version.IsZero():
		var want config
		if err := json.Unmarshal(w.doc, &want); err != nil {
			w.t.Fatal(err)
		}
		if a, b := encoded(w.t, e.Value), encoded(w.t, want); !bytes.Equal(a, b) {
			w.t.Errorf("the value is %s, the sets lead to %s", a, b)
		}
	}
	w.last = &e
}

func encoded(t *testing.T, value config) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestWatch: value, version, changes and condition belong together, whatever happens to the
// document.
func TestWatch(t *testing.T) {
	eachStore(t, func(e *env) {
		st, r := e.open(), e.raw()
		first := r.load().Version
		w := watch(e.T, st)
		if got, err := w.next(); err != nil || got.Version != first || got.Value.Interval != 1 {
			e.Fatalf("first %+v, %v", got, err)
		}
		v := r.put(`{"processes":["systemd*"],"interval":1}`)
		if got, err := w.next(); err != nil || got.Version != v || fmt.Sprint(got.Changes.Changes) != `[- /processes/1 "rsync*"]` {
			e.Errorf("changed: %+v, %v", got, err)
		}
		spaced := r.put(`{"processes": ["systemd*"], "interval": 1}`)
		if got, err := w.next(); err != nil || got.Version != spaced || len(got.Changes.Changes) > 0 {
			e.Errorf("only the version moved: %+v, %v", got, err)
		}
		broken := r.put(`{"interval":"never"}`)
		var rejected *zkstate.RejectedError
		got, err := w.next()
		if got.Version != spaced || len(got.Changes.Changes) > 0 || !errors.As(err, &rejected) || rejected.Version != broken || !errors.Is(err, zkstate.ErrRejected) {
			e.Errorf("rejected: %+v, %v", got, err)
		}
		r.put(`{"interval":-1}`)
		if got, err := w.next(); got.Version != spaced || !errors.Is(err, zkstate.ErrRejected) {
			e.Errorf("rejected for another reason: %+v, %v", got, err)
		}
		healed := r.put(`{"processes":["systemd*"],"interval":1}`)
		if got, err := w.next(); err != nil || got.Version != healed || len(got.Changes.Changes) > 0 || got.Changes.Missed != 2 {
			e.Errorf("healed: %+v, %v", got, err)
		}
		if err := st.Delete(e.ctx); err != nil {
			e.Fatal(err)
		}
		got, err = w.next()
		if !got.Version.IsZero() || got.Value.Processes[0] != "systemd*" || len(got.Changes.Changes) != 1 || !errors.Is(err, zkstate.ErrDeleted) {
			e.Errorf("deleted: %+v, %v", got, err)
		}
		made := r.create(`{"interval":7}`)
		if got, err := w.next(); err != nil || got.Version != made || got.Value.Interval != 7 {
			e.Errorf("recreated: %+v, %v", got, err)
		}
		own, err := st.Update(e.ctx, bump)
		if err != nil {
			e.Fatal(err)
		}
		if got, err := w.next(); err != nil || got.Version != own || got.Value.Interval != 8 || got.Changes.Origin != st.ID() {
			e.Errorf("our own: %+v, %v", got, err)
		}
	})
}

// TestWatchIsFolded: who takes nothing meanwhile gets the net effect and the present
// condition in one event.
func TestWatchIsFolded(t *testing.T) {
	eachStore(t, func(e *env) {
		st, r := e.open(), e.raw()
		w := watch(e.T, st)
		w.next()
		for range 10 {
			if _, err := st.Update(e.ctx, bump); err != nil {
				e.Fatal(err)
			}
		}
		if got, err := w.next(); err != nil || fmt.Sprint(got.Changes.Changes) != "[~ /interval 1 -> 11]" || got.Changes.Missed != 9 {
			e.Errorf("ten updates are %+v, %v", got, err)
		}
		if err := st.Delete(e.ctx); err != nil {
			e.Fatal(err)
		}
		r.create(`{"processes":["systemd*","rsync*"],"interval":12}`)
		if _, _, err := st.ReadConsistent(e.ctx); err != nil {
			e.Fatal(err)
		}
		r.put(`{"interval":`)
		if _, _, err := st.ReadConsistent(e.ctx); !errors.Is(err, zkstate.ErrRejected) {
			e.Fatal(err)
		}
		if got, err := w.next(); !errors.Is(err, zkstate.ErrRejected) || fmt.Sprint(got.Changes.Changes) != "[~ /interval 11 -> 12]" {
			e.Errorf("deleted, made again and broken is %+v, %v", got, err)
		}
	})
}

// TestWatchEnds: it ends plainly with its context and with the State. Each range begins with
// the present value.
func TestWatchEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, err := zkstate.Open(t.Context(), memstore.New(), "/app/config", initial())
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // each range begins anew
			for got, err := range st.Watch(t.Context()) {
				if err != nil || got.Value.Interval != 1 {
					t.Errorf("%+v, %v", got, err)
				}
				break
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(map[string]int) // events that were taken
		follow := func(name string, ctx context.Context) {
			go func() {
				for range st.Watch(ctx) {
					ended[name]--
					if ctx.Err() == nil && ended[name] == -2 { // the second one: it ends within the body
						cancel()
					}
				}
				ended[name] = -ended[name]
			}()
			synctest.Wait()
		}
		follow("context", ctx)
		if _, err := st.Update(t.Context(), bump); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		follow("Close", t.Context())
		follow("context that has ended", ctx)
		closeState(t, st)
		synctest.Wait()
		follow("closed", t.Context())
		if want := (map[string]int{"context": 2, "Close": 1, "context that has ended": 0, "closed": 0}); !maps.Equal(ended, want) {
			t.Errorf("taken %v, want %v", ended, want)
		}
	})
}

// TestWatchOfAPanickingBody: the panic is the caller's, and nothing of the range stays.
func TestWatchOfAPanickingBody(t *testing.T) {
	st, err := zkstate.Open(t.Context(), memstore.New(), "/app/config", initial())
	if err != nil {
		t.Fatal(err)
	}
	defer closeState(t, st)
	before := st.Subscribers()
	func() {
		defer func() {
			if r := recover(); r != "the caller's own" {
				t.Errorf("recovered %v", r)
			}
		}()
		for range st.Watch(t.Context()) {
			panic("the caller's own")
		}
	}()
	if n := st.Subscribers(); n != before {
		t.Errorf("%d subscribers stay", n-before)
	}
}

// TestWatchOfAReplacedHistory: it is said once, also if the first document of the new
// history is rejected.
func TestWatchOfAReplacedHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, other := memstore.New(), memstore.New()
		s := &restorable{Store: unconfirming{first}}
		s.now.Store(first)
		st, err := zkstate.Open(t.Context(), s, "/app/config", initial())
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			if _, err := st.Update(t.Context(), bump); err != nil {
				t.Fatal(err)
			}
		}
		w, sets := watch(t, st), st.Changes(t.Context())
		w.next()
		created, err := other.Commit(t.Context(), store.Create{Path: "/app/config", Data: []byte(`{"interval":-1}`)})
		if err != nil {
			t.Fatal(err)
		}
		s.now.Store(other)
		if got, err := w.next(); !errors.Is(err, zkstate.ErrRejected) || got.Value.Interval != 5 {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := other.Commit(t.Context(), store.Put{Path: "/app/config", Base: created[0], Data: []byte(`{"interval":6}`)}); err != nil {
			t.Fatal(err)
		}
		if got, err := w.next(); err != nil || !got.Changes.Replaced || got.Value.Interval != 6 {
			t.Errorf("%+v, %v", got, err)
		}
		for set := range sets {
			if !set.Replaced {
				t.Errorf("%+v", set)
			}
			break
		}
		if _, err := st.Update(t.Context(), bump); err != nil {
			t.Fatal(err)
		}
		if got, err := w.next(); err != nil || got.Changes.Replaced || got.Value.Interval != 7 {
			t.Errorf("said twice: %+v, %v", got, err)
		}
		closeState(t, st)
	})
}

// TestWatchFromTheCache: a cached value comes with ErrStale until the store has confirmed it.
func TestWatchFromTheCache(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cache")
	faults := storetest.Inject(memstore.New())
	cached(t, faults, file)
	faults.Fail(store.ErrUnavailable)
	st, err := zkstate.Open(t.Context(), faults, "/app/config", initial(), zkstate.WithCache(file))
	if err != nil {
		t.Fatal(err)
	}
	defer closeState(t, st)
	w := watch(t, st)
	if got, err := w.next(); !errors.Is(err, zkstate.ErrStale) || got.Value.Interval != 42 || got.Version.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
	faults.Fail(nil)
	if got, err := w.next(); err != nil || got.Value.Interval != 42 || len(got.Changes.Changes) > 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestWatchUnderLoad: several watchers, quick and slow ones, while instances write, break,
// delete and recreate the document. For each of them the sets lead from the first value to
// each value, and in the end to the last one.
func TestWatchUnderLoad(t *testing.T) {
	eachStore(t, func(e *env) {
		st, other, r := e.open(), e.open(), e.raw()
		const last = 1000
		var watching, writing sync.WaitGroup
		for i := range 3 {
			w := watch(e.T, st)
			w.next()
			watching.Go(func() {
				for got, _ := w.next(); got.Value.Interval != last; got, _ = w.next() {
					if i > 0 {
						time.Sleep(rand.N(time.Duration(i) * time.Millisecond))
					}
				}
			})
		}
		for _, writer := range []*zkstate.State[config]{st, other} {
			writing.Go(func() {
				for i := range 30 {
					_, err := writer.Update(e.ctx, func(c *config) error {
						c.Interval, c.Processes = c.Interval+1, append(c.Processes, fmt.Sprint(i))
						return nil
					})
					if err != nil && !errors.Is(err, zkstate.ErrRejected) && !errors.Is(err, zkstate.ErrDeleted) {
						e.Error(err)
					}
				}
			})
		}
		writing.Go(func() {
			for range 5 { // whoever comes between has the better of us
				rec := r.load()
				_, _ = r.s.Commit(e.ctx, store.Put{Path: "/app/config", Base: rec.Version, Data: []byte(`{"interval":-1}`)})
				rec = r.load()
				_, _ = r.s.Commit(e.ctx, store.Put{Path: "/app/config", Base: rec.Version, Data: []byte(`{"interval":2}`)})
				if rec = r.load(); other.Delete(e.ctx) == nil {
					r.create(`{"interval":3,"labels":{"a":"b"}}`)
				}
			}
		})
		writing.Wait()
		if _, err := st.Update(e.ctx, set(last), zkstate.Overwrite()); err != nil {
			e.Error(err)
		}
		watching.Wait()
	})
}

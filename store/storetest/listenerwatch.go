package storetest

import (
	"context"
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/zkstate/zkstate/store"
)

// followed is what a watcher has told of a document's listeners.
type followed struct {
	*env
	w       store.ListenerWatcher
	records map[string]string
}

func (e *env) follow(s store.Store, path string) *followed {
	w := s.WatchListeners(path)
	e.t.Cleanup(w.Stop)
	return &followed{e, w, map[string]string{}}
}

// want takes news until they make up these records.
func (f *followed) want(why string, want map[string]string) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.ctx, patience)
	defer cancel()
	for unread := 1; unread > 0 || !maps.Equal(f.records, want); {
		news, err := f.w.Next(ctx)
		if err != nil {
			f.t.Fatalf("%s: %v; told so far: %v, not read: %d", why, err, f.records, unread)
		}
		for _, id := range news.Gone {
			delete(f.records, id)
		}
		for _, l := range news.Changed {
			if l.Err != nil {
				f.t.Fatalf("listener %s: %v", l.ID, l.Err)
			}
			f.records[l.ID] = string(l.Data)
		}
		unread = news.Unread
	}
}

func testWatchListeners(t *testing.T, e *env) {
	s, other, leaver := e.handle(), e.handle(), e.open()
	announce := func(s store.Store, id, data string) {
		t.Helper()
		if err := s.Announce(e.ctx, "/a", id, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	f := e.follow(s, "/a")
	f.want("nobody is there", map[string]string{})
	v := e.create(other, "/a", "0")
	announce(other, "x", "1")
	f.want("one came", map[string]string{"x": "1"})
	announce(leaver, "y", "1")
	announce(s, "own", "1")
	f.want("two came", map[string]string{"x": "1", "y": "1", "own": "1"})
	g := e.follow(s, "/a")
	g.want("they are there", map[string]string{"x": "1", "y": "1", "own": "1"})
	for _, data := range []string{"2", "3", "4"} {
		announce(other, "x", data)
		f.want("it changed", map[string]string{"x": data, "y": "1", "own": "1"})
	}
	if _, err := other.Commit(e.ctx, store.Put{Path: "/a", Base: v, Data: []byte("1")}, store.Receipt{Path: "/a", ID: "x", Data: []byte("5")}); err != nil {
		t.Fatal(err)
	}
	f.want("it changed with a commit", map[string]string{"x": "5", "y": "1", "own": "1"})
	f.w.Stop()
	f.w.Stop()
	if err := other.Withdraw(e.ctx, "/a", "x"); err != nil {
		t.Fatal(err)
	}
	g.want("it withdrew", map[string]string{"y": "1", "own": "1"})
	if err := leaver.Close(); err != nil {
		t.Fatal(err)
	}
	g.want("a handle was closed", map[string]string{"own": "1"})
	if err := s.Announce(e.ctx, "/b", "elsewhere", nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(e.ctx, 50*time.Millisecond)
	defer cancel()
	for {
		news, err := g.w.Next(ctx)
		if len(news.Changed) > 0 {
			t.Fatalf("news of nothing: %+v", news)
		}
		if err != nil {
			e.wantErr(err, context.DeadlineExceeded)
			break
		}
	}
}

func testWatchListenersClosed(t *testing.T, e *env) {
	s := e.open()
	w := s.WatchListeners("/a")
	defer w.Stop()
	if _, err := w.Next(e.ctx); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		for {
			if _, err := w.Next(e.ctx); err != nil {
				ended <- err
				return
			}
		}
	}()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		e.wantErr(err, store.ErrClosed)
	case <-time.After(patience):
		t.Fatal("Next goes on after Close")
	}
}

func testAwaited(t *testing.T, e *env) {
	s, other := e.handle(), e.handle()
	want := func(why string, v store.Version, awaited int64) {
		t.Helper()
		for _, known := range []store.Version{{}, v} {
			rec, err := other.Load(e.ctx, "/a", known, store.Linearizable)
			if err != nil || rec.Version != v || rec.Awaited != awaited {
				t.Fatalf("%s: %+v, %v; want version %v, awaited %d", why, rec, err, v, awaited)
			}
		}
	}
	await := func(base store.Version) store.Version {
		t.Helper()
		versions, err := s.Commit(e.ctx, store.Put{Path: "/a", Base: base, Data: []byte("x")}, store.Await{Path: "/a"})
		if err != nil || len(versions) != 2 || !versions[1].IsZero() {
			t.Fatalf("%v, %v", versions, err)
		}
		return versions[0]
	}
	v := e.create(s, "/a", "0")
	want("created", v, 0)
	v = e.put(s, "/a", v, "1")
	want("changed", v, 0)
	v = await(v)
	first := v
	want("changed by somebody who waits", v, v.Order())
	v = e.put(s, "/a", v, "2")
	want("changed since", v, first.Order())
	if _, err := s.Commit(e.ctx, store.Put{Path: "/a", Base: first, Data: []byte("x")}, store.Await{Path: "/a"}); !errors.Is(err, store.ErrConflict) {
		t.Fatalf("on an older version: %v", err)
	}
	want("refused", v, first.Order())
	v = await(v)
	want("awaited again", v, v.Order())
	e.commit(s, store.Delete{Path: "/a", Base: v})
	v = e.create(s, "/a", "0")
	want("made again", v, 0)
	e.wantListeners(s, "/a")
}

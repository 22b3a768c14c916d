package zkstore

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkstate/zkstate/store"
)

// TestWatchedCache: what a look showed is trusted for as long as its watch, and no
// longer: neither after an event or a lost connection, nor if either came while the
// answer was on its way. A later round confirms it only as long, and only one that was
// answered on the connection of the watch.
func TestWatchedCache(t *testing.T) {
	const full = "/doc/payload"
	var version store.Version
	var w *watchedCache
	var n *watcher
	conn := uint64(1)
	look := func(conn uint64, meanwhile func()) {
		m := w.begin(full)
		meanwhile()
		w.saw(m, version, conn)
		w.made("/other", version) // else it was seen just now
	}
	nothing := func() {}
	cut := func() { conn++; w.clear(conn) }
	anew := func() {
		w.unfollow(n)
		n = follow(w, full)
	}
	for name, c := range map[string]struct {
		look func()
		want bool
	}{
		"a look":                       {func() { look(conn, nothing) }, true},
		"that set no watch":            {func() { look(0, nothing) }, false},
		"event meanwhile":              {func() { look(conn, func() { w.moved(full) }) }, false},
		"lost connection":              {func() { look(conn, cut) }, false},
		"nobody follows any more":      {func() { look(conn, anew) }, false},
		"event after":                  {func() { look(conn, nothing); w.moved(full) }, false},
		"connection lost after":        {func() { look(conn, nothing); cut() }, false},
		"not followed after":           {func() { look(conn, nothing); anew() }, false},
		"a look after the event":       {func() { look(conn, nothing); w.moved(full); look(conn, nothing) }, true},
		"a look on the new connection": {func() { look(conn, nothing); cut(); look(conn, nothing) }, true},
		"another version":              {func() { look(conn, nothing); version = store.NewVersion(1, 3, 2) }, false},
		"the same numbers again":       {func() { look(conn, nothing); version = version.WithTag(7) }, false},
		"event of another payload":     {func() { look(conn, nothing); w.moved("/else/payload") }, true},
	} {
		w, version, conn = &watchedCache{}, store.NewVersion(1, 2, 1), 1
		w.clear(conn)
		n = follow(w, full)
		look(conn, nothing)
		w.moved(full)
		c.look()
		if got := w.fresh(full, version); got != c.want {
			t.Errorf("%s: fresh is %v", name, got)
		}
		asked := time.Now()
		w.prove(conn, asked)
		if got := w.confirmed(n.node, version).Equal(asked); got != c.want {
			t.Errorf("%s: a round after it confirms: %v", name, got)
		}
	}
	w = &watchedCache{}
	w.clear(conn)
	follow(w, full)
	look(conn, func() { w.moved(full) })
	if w.fresh(full, version) {
		t.Error("an event in the first look: fresh")
	}
	w = &watchedCache{}
	if w.fresh(full, store.Version{}) || w.likelyMoved(full, version) {
		t.Error("an empty cache knows something")
	}
	w.made(full, version)
	if !w.fresh(full, version) {
		t.Error("what was made just now is not fresh")
	}
}

// TestConfirmationLasts: what was confirmed stays so when the watch fires, when the
// connection goes, and when a look shows the same version again; and nothing is added to
// it by rounds of another connection, or by looks.
func TestConfirmationLasts(t *testing.T) {
	const full = "/doc/payload"
	version, next := store.NewVersion(1, 2, 1), store.NewVersion(1, 3, 2)
	first := time.Now().Add(-time.Hour)
	second := first.Add(time.Hour)
	var w watchedCache
	w.clear(1)
	n := follow(&w, full)
	want := func(what string, v store.Version, at time.Time) {
		t.Helper()
		if got := w.confirmed(n.node, v); !got.Equal(at) {
			t.Errorf("%s: confirmed for %v, want %v", what, got, at)
		}
	}
	w.saw(w.begin(full), version, 1)
	want("a look without a round", version, time.Time{})
	w.prove(1, first)
	want("a round", version, first)
	w.saw(w.begin(full), version, 1)
	want("another look", version, first)
	want("another version", next, time.Time{})
	want("absence", store.Version{}, time.Time{})
	w.clear(2)
	w.prove(1, second) // the answer is handed over late
	want("a round of the connection before", version, first)
	w.prove(2, second)
	want("no look on the new connection", version, first)
	w.saw(w.begin(full), version, 2)
	want("a look on the new connection", version, second)
	w.moved(full)
	w.prove(2, second.Add(time.Hour))
	want("an event", version, second)
	w.saw(w.begin(full), store.Version{}, 2)
	want("it is gone", version, time.Time{})
	want("it is gone, and stays so", store.Version{}, second.Add(time.Hour))
	if _, lost := w.saw(w.begin(full), next, 2); !lost {
		t.Error("a change that no event told of is not taken for a lost watch")
	}
}

// TestConfirmedIsReadInOrder: whoever asks while an event and the round behind it are
// noted is not told of a version for after its end. Version i ends at moment 2i+1.
func TestConfirmedIsReadInOrder(t *testing.T) {
	const full, versions = "/doc/payload", 100_000
	var w watchedCache
	w.clear(1)
	n := follow(&w, full)
	begun := time.Now()
	at := func(moment int64) time.Time { return begun.Add(time.Duration(moment)) }
	var newest atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := int64(1); i <= versions; i++ {
			w.saw(w.begin(full), store.NewVersion(1, i, 0), 1)
			newest.Store(i)
			w.prove(1, at(2*i))
			w.moved(full)
			w.prove(1, at(2*i+2))
		}
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		i := newest.Load()
		if got := w.confirmed(n.node, store.NewVersion(1, i, 0)); got.After(at(2*i + 1)) {
			t.Fatalf("version %d is confirmed %v after its end", i, got.Sub(at(2*i+1)))
		}
	}
}

func follow(w *watchedCache, full string) *watcher {
	by := &watcher{every: 1, hint: func() {}}
	w.follow(full, by)
	return by
}

// TestUnchanged: a watch that was set behind a creation counts, unless an event or another connection came meanwhile. After
// an event the payload is still to be fetched.
func TestUnchanged(t *testing.T) {
	const full = "/doc/payload"
	version := store.NewVersion(2, 2, 0)
	for name, c := range map[string]struct {
		meanwhile       func(*watchedCache)
		watched, likely bool
	}{
		"nothing":          {func(*watchedCache) {}, true, false},
		"an event":         {func(w *watchedCache) { w.moved(full) }, false, true},
		"a new connection": {func(w *watchedCache) { w.clear(2) }, false, false},
	} {
		w := &watchedCache{}
		w.clear(1)
		follow(w, full)
		m := w.begin(full)
		c.meanwhile(w)
		w.unchanged(m, version, 1)
		if w.fresh(full, version) != c.watched || w.likelyMoved(full, version) != c.likely {
			t.Errorf("%s: watched %v, likely to have moved %v", name, w.fresh(full, version), w.likelyMoved(full, version))
		}
	}
}

package zkstore

import (
	"testing"

	"github.com/zkstate/zkstate/store"
)

// TestWatchedCache: what a look showed is trusted for as long as its watch, and no
// longer: neither after an event or a lost connection, nor if either came while the
// answer was on its way.
func TestWatchedCache(t *testing.T) {
	const full = "/doc/payload"
	version := store.NewVersion(1, 2, 1)
	var w watchedCache
	look := func(followed bool, meanwhile func()) {
		since := w.begin(full)
		meanwhile()
		w.saw(full, since, version, followed)
		w.made("/other", version) // else it was seen just now
	}
	nothing := func() {}
	for name, c := range map[string]struct {
		look func()
		want bool
	}{
		"a look":                   {func() { look(true, nothing) }, true},
		"that set no watch":        {func() { look(false, nothing) }, false},
		"event meanwhile":          {func() { look(true, func() { w.moved(full) }) }, false},
		"lost connection":          {func() { look(true, w.clear) }, false},
		"nobody follows any more":  {func() { look(true, func() { w.forget(full) }) }, false},
		"event after":              {func() { look(true, nothing); w.moved(full) }, false},
		"connection lost after":    {func() { look(true, nothing); w.clear() }, false},
		"not followed after":       {func() { look(true, nothing); w.forget(full) }, false},
		"a look after the event":   {func() { look(true, nothing); w.moved(full); look(true, nothing) }, true},
		"another version":          {func() { look(true, nothing); version = store.NewVersion(1, 3, 2) }, false},
		"event of another payload": {func() { look(true, nothing); w.moved("/else/payload") }, true},
	} {
		w, version = watchedCache{}, store.NewVersion(1, 2, 1)
		look(true, nothing)
		w.moved(full)
		c.look()
		if got := w.fresh(full, version); got != c.want {
			t.Errorf("%s: fresh is %v", name, got)
		}
	}
	w = watchedCache{}
	if w.fresh(full, store.Version{}) || w.likelyMoved(full, version) {
		t.Error("an empty cache knows something")
	}
	w.made(full, version)
	if !w.fresh(full, version) {
		t.Error("what was made just now is not fresh")
	}
}

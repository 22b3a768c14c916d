package zkstate_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/zkstate/zkstate"
)

// older and newer are the same struct in two releases of an application: each lacks a
// field that the other has, at every level. Shared is in both.
type (
	older struct {
		A      int                  `json:"a"`
		Shared int                  `json:"shared"`
		Map    map[string]olderItem `json:"map"`
		List   []olderItem          `json:"list"`
	}
	olderItem struct {
		ID     int         `json:"id" zkstate:"key"`
		A      int         `json:"a,omitempty"`
		Shared int         `json:"shared"`
		Inside []olderItem `json:"inside,omitempty"`
	}
	newer struct {
		Shared int                  `json:"shared"`
		List   []newerItem          `json:"list"`
		Map    map[string]newerItem `json:"map"`
		B      int                  `json:"b"`
	}
	newerItem struct {
		Inside []newerItem `json:"inside,omitempty"`
		Shared int         `json:"shared"`
		ID     int         `json:"id" zkstate:"key"`
		B      int         `json:"b,omitempty"`
	}
)

// whole is what a reader of both sees. It is the model, too.
type (
	whole struct {
		A      int                  `json:"a"`
		B      int                  `json:"b"`
		Shared int                  `json:"shared"`
		Map    map[string]wholeItem `json:"map"`
		List   []wholeItem          `json:"list"`
	}
	wholeItem struct {
		ID     int         `json:"id"`
		A      int         `json:"a,omitempty"`
		B      int         `json:"b,omitempty"`
		Shared int         `json:"shared"`
		Inside []wholeItem `json:"inside,omitempty"`
	}
)

// edit is one thing that a release does to its struct, and what becomes of the whole
// by it. The releases differ in their types and in which of the fields is their own.
type edit struct {
	name  string
	older func(*older)
	newer func(*newer)
	model func(w *whole, own func(*wholeItem, int))
}

// drawEdit draws an edit that fits the document. n is unlike any that was drawn.
func drawEdit(t *rapid.T, w *whole, n int) edit {
	keys := slices.Sorted(maps.Keys(w.Map))
	kinds := []string{"top", "insert", "put"}
	if len(w.List) > 0 {
		kinds = append(kinds, "element", "inside", "remove", "move")
	}
	if len(keys) > 0 {
		kinds = append(kinds, "entry", "delete")
	}
	kind := rapid.SampledFrom(kinds).Draw(t, "edit")
	i, key := rapid.IntRange(0, max(0, len(w.List)-1)).Draw(t, "i"), fmt.Sprint("new", n)
	switch kind {
	case "top":
		return edit{kind, func(o *older) { o.A, o.Shared = n, n }, func(o *newer) { o.B, o.Shared = n, n },
			func(w *whole, own func(*wholeItem, int)) {
				item := wholeItem{A: w.A, B: w.B}
				own(&item, n)
				w.A, w.B, w.Shared = item.A, item.B, n
			}}
	case "insert":
		i = rapid.IntRange(0, len(w.List)).Draw(t, "at")
		return edit{kind, func(o *older) { o.List = slices.Insert(o.List, i, olderItem{ID: n, A: n}) },
			func(o *newer) { o.List = slices.Insert(o.List, i, newerItem{ID: n, B: n}) },
			func(w *whole, own func(*wholeItem, int)) {
				item := wholeItem{ID: n}
				own(&item, n)
				w.List = slices.Insert(w.List, i, item)
			}}
	case "element":
		return edit{kind, func(o *older) { o.List[i].A, o.List[i].Shared = n, n }, func(o *newer) { o.List[i].B, o.List[i].Shared = n, n },
			func(w *whole, own func(*wholeItem, int)) { own(&w.List[i], n); w.List[i].Shared = n }}
	case "inside":
		return edit{kind, func(o *older) { o.List[i].Inside = append(o.List[i].Inside, olderItem{ID: n, A: n}) },
			func(o *newer) { o.List[i].Inside = append(o.List[i].Inside, newerItem{ID: n, B: n}) },
			func(w *whole, own func(*wholeItem, int)) {
				item := wholeItem{ID: n}
				own(&item, n)
				w.List[i].Inside = append(w.List[i].Inside, item)
			}}
	case "remove":
		return edit{kind, func(o *older) { o.List = slices.Delete(o.List, i, i+1) }, func(o *newer) { o.List = slices.Delete(o.List, i, i+1) },
			func(w *whole, _ func(*wholeItem, int)) { w.List = slices.Delete(w.List, i, i+1) }}
	case "move":
		return edit{kind, func(o *older) { toFront(o.List, i) }, func(o *newer) { toFront(o.List, i) },
			func(w *whole, _ func(*wholeItem, int)) { toFront(w.List, i) }}
	case "put":
		return edit{kind, func(o *older) { o.Map[key] = olderItem{ID: n, A: n} }, func(o *newer) { o.Map[key] = newerItem{ID: n, B: n} },
			func(w *whole, own func(*wholeItem, int)) {
				item := wholeItem{ID: n}
				own(&item, n)
				w.Map[key] = item
			}}
	}
	key = rapid.SampledFrom(keys).Draw(t, "key")
	if kind == "delete" {
		return edit{kind, func(o *older) { delete(o.Map, key) }, func(o *newer) { delete(o.Map, key) },
			func(w *whole, _ func(*wholeItem, int)) { delete(w.Map, key) }}
	}
	return edit{kind, func(o *older) { item := o.Map[key]; item.A = n; o.Map[key] = item },
		func(o *newer) { item := o.Map[key]; item.B = n; o.Map[key] = item },
		func(w *whole, own func(*wholeItem, int)) { item := w.Map[key]; own(&item, n); w.Map[key] = item }}
}

func toFront[E any](list []E, i int) {
	moved := list[i]
	copy(list[1:i+1], list[:i])
	list[0] = moved
}

// editsAtOnce is how many edits one update does at most.
const editsAtOnce = 4

// TestForeignFieldsSurvive: two releases update one document by turns, and whatever
// either does, the fields of the other stay where they belong.
func TestForeignFieldsSurvive(t *testing.T) {
	eachStore(t, func(e *env) {
		first, second := openReleases(e)
		r := e.raw()
		rapid.Check(e.T, func(t *rapid.T) {
			model := whole{A: 1, B: 2, Map: map[string]wholeItem{"k": {ID: 1, A: 1, B: 2}}, List: []wholeItem{
				{ID: 1, A: 1, B: 2, Inside: []wholeItem{{ID: 1, A: 1, B: 2}}}, {ID: 2, A: 3, B: 4}, {ID: 3, A: 5, B: 6}}}
			text, _ := json.Marshal(model)
			r.put(string(text))
			for n := range rapid.IntRange(1, 6).Draw(t, "updates") {
				byOlder := rapid.Bool().Draw(t, "by older")
				own := func(item *wholeItem, n int) { item.B = n }
				if byOlder {
					own = func(item *wholeItem, n int) { item.A = n }
				}
				var edits []edit
				for k := range rapid.IntRange(1, editsAtOnce).Draw(t, "edits") {
					one := drawEdit(t, &model, 10+n*editsAtOnce+k)
					one.model(&model, own)
					edits = append(edits, one)
				}
				if err := updateBy(e, byOlder, first, second, edits); err != nil {
					t.Fatal(err)
				}
				var got whole
				stored := r.load().Data
				if err := json.Unmarshal(stored, &got); err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(tidy(model), tidy(got)); d != "" {
					t.Fatalf("stored %s\n%s", stored, d)
				}
			}
		})
	})
}

func openReleases(e *env) (*zkstate.State[older], *zkstate.State[newer]) {
	first, err := zkstate.Open(e.ctx, e.handle(), "/app/config", older{Map: map[string]olderItem{}})
	if err != nil {
		e.Fatal(err)
	}
	e.Cleanup(func() { closeState(e.T, first) })
	second, err := zkstate.Open(e.ctx, e.handle(), "/app/config", newer{})
	if err != nil {
		e.Fatal(err)
	}
	e.Cleanup(func() { closeState(e.T, second) })
	return first, second
}

// look makes both see what another hand has put.
func look(e *env, first *zkstate.State[older], second *zkstate.State[newer]) {
	e.Helper()
	if _, _, err := first.ReadConsistent(e.ctx); err != nil {
		e.Fatal(err)
	}
	if _, _, err := second.ReadConsistent(e.ctx); err != nil {
		e.Fatal(err)
	}
}

func updateBy(e *env, byOlder bool, first *zkstate.State[older], second *zkstate.State[newer], edits []edit) (err error) {
	look(e, first, second) // or the indexes of an edit are those of another document
	if byOlder {
		_, err = first.Update(e.ctx, func(o *older) error {
			for _, one := range edits {
				one.older(o)
			}
			return nil
		})
		return err
	}
	_, err = second.Update(e.ctx, func(o *newer) error {
		for _, one := range edits {
			one.newer(o)
		}
		return nil
	})
	return err
}

// tidy makes no difference between an empty list and none.
func tidy(w whole) whole {
	if len(w.List) == 0 {
		w.List = nil
	}
	return w
}

// TestForeignFieldsSurviveConcurrency: both releases count in their own fields at the
// same time, in a map and a list, and no count is lost.
func TestForeignFieldsSurviveConcurrency(t *testing.T) {
	eachStore(t, func(e *env) {
		first, second := openReleases(e)
		r := e.raw()
		r.put(`{"map":{"k":{"id":1}},"list":[{"id":1},{"id":2}]}`)
		look(e, first, second)
		const each = 20
		var group sync.WaitGroup
		group.Go(func() {
			for range each {
				if _, err := first.Update(e.ctx, func(o *older) error {
					k := o.Map["k"]
					k.A++
					o.Map["k"], o.A = k, o.A+1
					o.List[len(o.List)-1].A++
					o.List = slices.Insert(o.List, 0, olderItem{ID: -o.A})
					return nil
				}); err != nil {
					e.Error(err)
				}
			}
		})
		group.Go(func() {
			for range each {
				if _, err := second.Update(e.ctx, func(o *newer) error {
					k := o.Map["k"]
					k.B++
					o.Map["k"], o.B = k, o.B+1
					o.List[len(o.List)-1].B++
					return nil
				}); err != nil {
					e.Error(err)
				}
			}
		})
		group.Wait()
		var got whole
		stored := r.load().Data
		if err := json.Unmarshal(stored, &got); err != nil {
			e.Fatal(err)
		}
		k, last := got.Map["k"], got.List[len(got.List)-1]
		if got.A != each || got.B != each || k.A != each || k.B != each || last.A != each || last.B != each || len(got.List) != each+2 {
			e.Errorf("after %d updates by each: %s", each, stored)
		}
	})
}

// length has an encoding of its own that older releases wrote in feet. Feet win over
// metres, so what is merged onto a document in feet would be read as it was before.
type length struct{ metres float64 }

func (l length) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]float64{"metres": l.metres})
}

func (l *length) UnmarshalJSON(text []byte) error {
	var in struct{ Feet, Metres float64 }
	err := json.Unmarshal(text, &in)
	if l.metres = in.Metres; in.Feet != 0 {
		l.metres = in.Feet * 0.25 // exact, for a test
	}
	return err
}

// TestOwnEncodingsFallBack: where a type's own encoding makes it impossible to write
// only what changed, the whole value is written: right, but alone.
func TestOwnEncodingsFallBack(t *testing.T) {
	type building struct {
		Height length `json:"height"`
		Floors int    `json:"floors"`
	}
	eachStore(t, func(e *env) {
		r := e.raw()
		r.create(`{"foreign":1,"height":{"feet":40},"floors":3}`)
		st, err := zkstate.Open(e.ctx, e.handle(), "/app/config", building{})
		if err != nil {
			e.Fatal(err)
		}
		e.Cleanup(func() { closeState(e.T, st) })
		update := func(fn func(*building)) {
			if _, err := st.Update(e.ctx, func(b *building) error { fn(b); return nil }); err != nil {
				e.Fatal(err)
			}
		}
		update(func(b *building) { b.Floors = 4 }) // does not touch it
		if got := string(r.load().Data); got != `{"foreign":1,"height":{"feet":40},"floors":4}` {
			e.Errorf("a field beside it: %s", got)
		}
		update(func(b *building) { b.Height.metres = 12 })
		if got := string(r.load().Data); got != `{"height":{"metres":12},"floors":4}` {
			e.Errorf("the field itself: %s", got)
		}
		r.put(`{"foreign":1,"height":{"metres":12},"floors":4}`)
		update(func(b *building) { b.Height.metres = 13 }) // nothing is in the way
		if got := string(r.load().Data); got != `{"foreign":1,"height":{"metres":13},"floors":4}` {
			e.Errorf("in the present encoding: %s", got)
		}
	})
}

package history_test

import (
	"errors"
	"testing"

	"github.com/zkstate/zkstate/history"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
)

// TestUntaggedEntries: entries from before there were tags, and those that name a base
// without one, fit to the versions that are known with their tags. Between them there is no
// step from outside.
func TestUntaggedEntries(t *testing.T) {
	ctx, mem := t.Context(), memstore.New()
	versions, err := mem.Commit(ctx, store.Create{Path: "/doc", Data: []byte("1")})
	if err != nil {
		t.Fatal(err)
	}
	first := versions[0]
	versions, err = mem.Commit(ctx, store.Put{Path: "/doc", Base: first, Data: []byte("2")})
	if err != nil {
		t.Fatal(err)
	}
	second := versions[0]
	entry := func(v, base store.Version, document string) store.Entry {
		data, err := history.Note{Base: base, Document: []byte(document)}.Encode(store.MaxCommit)
		if err != nil {
			t.Fatal(err)
		}
		return store.Entry{Order: v.Order(), Tag: v.Tag(), Data: data}
	}
	untagged := func(v store.Version) store.Version { return v.WithTag(0) }
	for name, stored := range map[string][]store.Entry{
		"both tagged":        {entry(first, store.Version{}, "1"), entry(second, first, "2")},
		"the first is not":   {entry(untagged(first), store.Version{}, "1"), entry(second, first, "2")},
		"the base is not":    {entry(first, store.Version{}, "1"), entry(second, untagged(first), "2")},
		"the document's not": {entry(untagged(first), store.Version{}, "1"), entry(untagged(second), untagged(first), "2")},
	} {
		j := &journal{Store: mem, entries: stored}
		entries, err := history.Read(ctx, j, "/doc", store.MaxJournal)
		if err != nil || len(entries) != 2 || entries[0].External+entries[1].External != 0 {
			t.Errorf("%s: %+v, %v", name, entries, err)
			continue
		}
		for i, v := range []store.Version{first, second} {
			if got := entries[i].Version; got != v && got != untagged(v) || stored[i].Tag != 0 && got != v {
				t.Errorf("%s: step %d made %v, want %v", name, i, got, v)
			}
			for _, asked := range []store.Version{v, untagged(v)} {
				if _, err := history.At(ctx, j, "/doc", asked); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			if _, err := history.At(ctx, j, "/doc", v.WithTag(v.Tag()+1)); stored[i].Tag != 0 && !errors.Is(err, history.ErrNotKept) {
				t.Errorf("%s: the version of another history is found: %v", name, err)
			}
		}
	}
}

package zkstate_test

import (
	"errors"
	"testing"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
)

// FuzzPayload writes what anybody could write into a payload. No panic, the last good
// copy is kept until the document is good, and a good document heals.
func FuzzPayload(f *testing.F) {
	for doc := range hostile {
		f.Add([]byte(doc))
	}
	f.Add([]byte(`{"processes":["a"],"interval":3,"labels":{"":"\u0000"}}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		if len(doc) > store.MaxCommit/2 {
			return
		}
		mem := memstore.New()
		st, err := zkstate.Open(t.Context(), mem, "/app/config", initial())
		if err != nil {
			t.Fatal(err)
		}
		defer closeState(t, st)
		put := func(doc []byte) {
			rec, err := mem.Load(t.Context(), "/app/config", store.Version{}, store.Local)
			if err == nil {
				_, err = mem.Commit(t.Context(), store.Put{Path: "/app/config", Base: rec.Version, Data: doc})
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		put(doc)
		got, _, err := st.ReadConsistent(t.Context())
		if err != nil {
			if !errors.Is(err, zkstate.ErrRejected) {
				t.Fatal(err)
			}
			if kept, err := st.Read(); err != nil || kept.Interval != 1 || len(kept.Processes) != 2 {
				t.Fatalf("the last good copy is not kept: %+v, %v", kept, err)
			}
			if _, err := st.Update(t.Context(), bump); !errors.Is(err, zkstate.ErrRejected) {
				t.Fatalf("update on top: %v", err)
			}
		} else if _, err := st.Update(t.Context(), func(c *config) error { c.Interval = max(got.Interval-1, 0); return nil }); err != nil {
			t.Fatalf("update of a good document: %v", err)
		}
		put([]byte(`{"interval":8}`))
		if healed, _, err := st.ReadConsistent(t.Context()); err != nil || healed.Interval != 8 {
			t.Fatalf("healed: %+v, %v", healed, err)
		}
	})
}

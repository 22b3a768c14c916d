package zkstate_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
)

// TestMissedCountsEveryCommit: whatever is committed, deletions, recreations and
// documents that are rejected among it, and whenever a subscriber takes a set: the sets
// it got and the commits that they say are folded in are as many as were committed.
func TestMissedCountsEveryCommit(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.SampledFrom([]string{"put", "put", "bad", "delete", "take"}), 1, 30).Draw(rt, "steps")
		synctest.Test(t, func(t *testing.T) {
			mem := memstore.New()
			st, err := zkstate.Open(t.Context(), mem.Attach(), "/app/config", initial())
			if err != nil {
				t.Fatal(err)
			}
			defer closeState(t, st)
			sets := st.Changes(t.Context())
			snap, _ := st.Snapshot()
			version, n, counted := snap.Version, 0, 0
			commit := func(op store.Op) {
				versions, err := mem.Commit(t.Context(), op)
				if err != nil {
					t.Fatal(err)
				}
				version, n = versions[0], n+1
				synctest.Wait()
				_, _, _ = st.ReadConsistent(t.Context()) // whatever it is, the State has seen it
			}
			write := func(doc string) {
				if version.IsZero() {
					commit(store.Create{Path: "/app/config", Data: []byte(doc)})
				} else {
					commit(store.Put{Path: "/app/config", Base: version, Data: []byte(doc)})
				}
			}
			take := func() {
				for set := range sets {
					counted += 1 + set.Missed
					break
				}
			}
			for i, step := range steps {
				good := fmt.Sprintf(`{"interval":%d}`, 100+i)
				switch step {
				case "put":
					write(good)
				case "bad":
					write(`{"interval":"`)
				case "delete":
					if !version.IsZero() {
						commit(store.Delete{Path: "/app/config", Base: version})
					}
				case "take":
					write(good) // there is one to be taken
					take()
				}
			}
			write(`{"interval":1000}`)
			take()
			if counted != n {
				rt.Errorf("%d commits are counted as %d: %v", n, counted, steps)
			}
		})
	})
}

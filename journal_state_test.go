package zkstate_test

import (
	"sync"
	"testing"

	"github.com/zkstate/zkstate"
)

// TestJournalIsComplete: once SetJournal has returned, on whatever handle, no update of
// a State that does not know yet goes without an entry, and none fails for it.
func TestJournalIsComplete(t *testing.T) {
	eachStore(t, func(e *env) {
		const states, each = 5, 4
		var open []*zkstate.State[config]
		for range states {
			st := e.open()
			if _, err := st.Update(e.ctx, bump); err != nil { // it has committed without a journal
				e.Fatal(err)
			}
			open = append(open, st)
		}
		switching := e.handle()
		for round := range 3 {
			if err := switching.SetJournal(e.ctx, "/app/config", 100); err != nil {
				e.Fatal(err)
			}
			var mu sync.Mutex // guards made
			made := make(map[zkstate.Version]bool)
			var group sync.WaitGroup
			for _, st := range open {
				group.Go(func() {
					for range each {
						v, err := st.Update(e.ctx, bump)
						if err != nil {
							e.Error(err)
							return
						}
						mu.Lock()
						made[v] = true
						mu.Unlock()
					}
				})
			}
			group.Wait()
			entries, err := open[0].History(e.ctx)
			if err != nil {
				e.Fatal(err)
			}
			for _, entry := range entries {
				delete(made, entry.Version)
				if entry.External > 0 && entry.Version != entries[0].Version {
					e.Errorf("round %d: %d commits without an entry before %v", round, entry.External, entry.Version)
				}
			}
			if len(made) > 0 {
				e.Errorf("round %d: %d of %d updates have no entry", round, len(made), states*each)
			}
			if err := switching.SetJournal(e.ctx, "/app/config", 0); err != nil {
				e.Fatal(err)
			}
			for _, st := range open { // the journal is off, and they find out
				if _, err := st.Update(e.ctx, bump); err != nil {
					e.Error(err)
				}
			}
		}
	})
}

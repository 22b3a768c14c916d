package server

import (
	"context"
	"slices"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/document"
)

// resume makes sure that the steps since a version are at hand, if the journal has them. It
// reads the journal once for all streams.
func (f *follower) resume(ctx context.Context, since zkstate.Version) {
	f.mu.Lock()
	_, known := f.recent.after(since)
	known = known || since.Same(f.version)
	f.mu.Unlock()
	if known {
		return
	}
	f.backfill.Do(func() {
		entries, err := document.History(ctx, f.store, f.path, maxRecent)
		if err != nil { // there is no journal, or it cannot be read now: streams begin with the document
			return
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.present {
			f.recent.prepend(stepsTo(entries, f.recent.oldest(f.version)))
		}
	})
}

// stepsTo returns the steps of a history that lead to a version one after another, as far as
// all is known of them.
func stepsTo(entries []zkstate.Entry, version zkstate.Version) (steps []step) {
	last := -1
	for i, e := range entries {
		if made(e).Same(version) {
			last = i
		}
	}
	for i := last; i > 0; i-- {
		e := entries[i]
		if e.Truncated || e.Unreadable != "" || entries[i-1].Unreadable != "" {
			break
		}
		set := zkstate.ChangeSet{From: made(entries[i-1]), To: made(e), Changes: e.Changes, Missed: max(0, e.External-1)}
		steps = append(steps, step{set.From, set.To, changesFrame(set, e.Time)})
	}
	slices.Reverse(steps)
	return steps
}

// made is the version that an entry left behind: none if it deleted the document.
func made(e zkstate.Entry) zkstate.Version {
	if e.Deleted {
		return zkstate.Version{}
	}
	return e.Version
}

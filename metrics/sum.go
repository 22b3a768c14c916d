package metrics

import (
	"maps"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
)

// document is what all States of one document have counted, and the worst of what they are.
type document struct {
	zkstate.Stats
	conditions map[zkstate.Condition]int
	unreported int
	known      bool  // one of them has a version
	order      int64 // of the oldest version that one of them has
}

func (d *document) add(s zkstate.Stats) {
	d.Stats = addCounters(d.Stats, s)
	d.conditions[s.Condition]++
	d.Queued += s.Queued
	d.CopyAge = max(d.CopyAge, s.CopyAge)
	d.VerifiedAge = max(d.VerifiedAge, s.VerifiedAge)
	d.LockWaiting = max(d.LockWaiting, s.LockWaiting)
	if d.MaxStaleness == 0 || s.MaxStaleness < d.MaxStaleness {
		d.MaxStaleness = s.MaxStaleness
	}
	if s.Unreported {
		d.unreported++
	}
	if order := s.Version.Order(); !s.Version.IsZero() && (!d.known || order < d.order) {
		d.known, d.order = true, order
	}
}

// addCounters returns a with the counters of b added.
func addCounters(a, b zkstate.Stats) zkstate.Stats {
	a.Updates = addMap(a.Updates, b.Updates)
	a.Commits += b.Commits
	a.Conflicts += b.Conflicts
	a.NotApplied += b.NotApplied
	a.LockWaits += b.LockWaits
	a.LockWaited += b.LockWaited
	a.Delivered += b.Delivered
	a.Folded += b.Folded
	a.Reports += b.Reports
	a.ReportFailures += b.ReportFailures
	a.Looks += b.Looks
	a.LookFailures += b.LookFailures
	a.Rejections += b.Rejections
	a.Replacements += b.Replacements
	return a
}

// handles is what all handles of a store have counted, and what they are now.
type handles struct {
	store.Stats
	open, connected int
}

func (h *handles) add(s store.Stats) {
	h.Stats = addHandle(h.Stats, s)
	h.Followed += s.Followed
	h.open++
	if s.Connected {
		h.connected++
	}
}

// addHandle returns a with the counters of b added.
func addHandle(a, b store.Stats) store.Stats {
	a.LostWatches += b.LostWatches
	a.Connections += b.Connections
	a.Disconnections += b.Disconnections
	a.SessionsLost += b.SessionsLost
	a.AuthFailures += b.AuthFailures
	a.Requests += b.Requests
	a.Rounds += b.Rounds
	a.RoundFailures += b.RoundFailures
	a.RoundTime += b.RoundTime
	a.Resolved = addMap(a.Resolved, b.Resolved)
	return a
}

// addMap returns a new map, because others may read the old ones.
func addMap[K comparable](a, b map[K]uint64) map[K]uint64 {
	sum := maps.Clone(a)
	if sum == nil {
		sum = make(map[K]uint64)
	}
	for key, n := range b {
		sum[key] += n
	}
	return sum
}

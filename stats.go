package zkstate

import (
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/zkstate/zkstate/store"
)

// Stats are the figures of one State. Counters begin at 0 when it is opened and only grow.
// No figure shows a value of the document.
type Stats struct {
	Path     string
	Listener string // the State's id

	Condition    Condition
	Serves       bool          // Read returns a value now
	Version      Version       // of the copy; zero if the document is deleted
	CopyAge      time.Duration // since the copy has that version
	VerifiedAge  time.Duration // since the store confirmed the copy, as Read measures it; the maximum if it never did
	MaxStaleness time.Duration

	// Updates counts the calls of Update, Delete and Rollback that have ended. It has
	// every [UpdateResult].
	Updates    map[UpdateResult]uint64
	Queued     int    // calls that have not ended
	Commits    uint64 // of these calls; a commit can carry many of them
	Conflicts  uint64 // tries of a commit that ran again because another instance committed first
	NotApplied uint64 // committed updates that not all listeners applied that they waited for

	LockWaits   uint64        // waits for a turn in the document's queue of writers that have ended
	LockWaited  time.Duration // how long these took together
	LockWaiting time.Duration // how long the present wait has lasted, 0 if there is none

	Delivered uint64 // change sets that subscribers took
	Folded    uint64 // commits that came to them folded into a later one's set

	Reports        uint64 // writes of the listener record outside of commits
	ReportFailures uint64
	Unreported     bool // the listener record does not say yet what the copy is; always false under Observer and Quiet

	Looks        uint64 // questions to the store about the document
	LookFailures uint64
	Rejections   uint64 // versions that were rejected
	Replacements uint64 // of the store's history by another one
}

// Condition says what a State knows of its document.
type Condition string

// What a Condition can be.
const (
	ConditionGood     Condition = "good"     // Read serves the newest version that was seen
	ConditionStale    Condition = "stale"    // the store has not confirmed the copy within MaxStaleness, so Read fails
	ConditionRejected Condition = "rejected" // the newest version is refused; Read serves the last good one until it is stale
	ConditionDeleted  Condition = "deleted"  // the document is gone
	ConditionClosed   Condition = "closed"   // the State was closed
)

// UpdateResult says how a call of Update, Delete or Rollback ended.
type UpdateResult string

// What an UpdateResult can be.
const (
	UpdateCommitted   UpdateResult = "committed"
	UpdateUnchanged   UpdateResult = "unchanged"   // the function changed nothing
	UpdateConflict    UpdateResult = "conflict"    // under IfVersion or NoRetry
	UpdateRefused     UpdateResult = "refused"     // by the store, or because the document is rejected, deleted or too large, the State read-only, or its Lock lost
	UpdateFailed      UpdateResult = "failed"      // the function's own error or panic, or Validate's
	UpdateLocked      UpdateResult = "locked"      // the context ended while another writer had the lock
	UpdateUnavailable UpdateResult = "unavailable" // nothing was written: the store did not answer, the context ended, or the State was closed
	UpdateUnknown     UpdateResult = "unknown"     // it was applied once or not at all
)

var updateResults = [...]UpdateResult{
	UpdateCommitted, UpdateUnchanged, UpdateConflict, UpdateRefused, UpdateFailed, UpdateLocked, UpdateUnavailable, UpdateUnknown,
}

// UpdateResults returns all results, in the order of the constants.
func UpdateResults() []UpdateResult { return slices.Clone(updateResults[:]) }

// writeCounters are what a State counts of its writing calls. They are part of their queue.
type writeCounters struct {
	updates            [len(updateResults)]atomic.Uint64
	queued             atomic.Int64
	commits, conflicts atomic.Uint64
	notApplied         atomic.Uint64
	lockWaits          atomic.Uint64
	lockWaited         atomic.Int64 // nanoseconds
	lockSince          atomic.Int64 // when the present wait began, in nanoseconds since 1970; 0: there is none
}

// counters are what a State counts beyond that.
type counters struct {
	delivered, folded    atomic.Uint64
	reports, reportsLost atomic.Uint64
	looks, looksFailed   atomic.Uint64
	rejections, replaced atomic.Uint64
	adopted              atomic.Int64 // when the copy got its version, in nanoseconds since 1970
}

// Stats returns at once and without asking the store. It may be called as often as wanted:
// reads and updates do not wait for it.
func (st *State[T]) Stats() Stats {
	cur, c, w := st.current.Load(), &st.counters, new(writeCounters)
	if q := st.writes.Load(); q != nil {
		w = &q.counters
	}
	s := Stats{
		Path: st.path, Listener: st.cfg.id,
		Condition: st.conditionOf(cur), Serves: st.serves(cur),
		Version: cur.version, CopyAge: sinceUnix(c.adopted.Load()),
		VerifiedAge: age(st.verified(cur)), MaxStaleness: st.cfg.maxStaleness,
		Updates: make(map[UpdateResult]uint64), Queued: int(w.queued.Load()),
		Commits: w.commits.Load(), Conflicts: w.conflicts.Load(), NotApplied: w.notApplied.Load(),
		LockWaits: w.lockWaits.Load(), LockWaited: time.Duration(w.lockWaited.Load()), LockWaiting: sinceUnix(w.lockSince.Load()),
		Delivered: c.delivered.Load(), Folded: c.folded.Load(),
		Reports: c.reports.Load(), ReportFailures: c.reportsLost.Load(),
		Unreported:   !st.cfg.observer && !st.cfg.quiet && st.reporter.pending(cur.newest.Order()),
		LookFailures: c.looksFailed.Load(), // before all looks, so that they are never fewer
		Looks:        c.looks.Load(),
		Rejections:   c.rejections.Load(), Replacements: c.replaced.Load(),
	}
	for i, result := range updateResults {
		s.Updates[result] = w.updates[i].Load()
	}
	return s
}

func (st *State[T]) conditionOf(cur *published[T]) Condition {
	switch {
	case st.isClosed():
		return ConditionClosed
	case cur.deleted:
		return ConditionDeleted
	case cur.rejected != nil:
		return ConditionRejected
	case !st.serves(cur):
		return ConditionStale
	}
	return ConditionGood
}

// sinceUnix is how long ago a time in nanoseconds was, 0 if there is none.
func sinceUnix(at int64) time.Duration {
	if at == 0 {
		return 0
	}
	return max(time.Duration(time.Now().UnixNano()-at), 0)
}

// counted notes how a call has ended.
func (w *writeCounters) counted(result UpdateResult) {
	w.updates[slices.Index(updateResults[:], result)].Add(1)
}

// delivery notes that a subscriber takes a change set.
func (c *counters) delivery(set ChangeSet) {
	if set.From != set.To {
		c.delivered.Add(1)
		c.folded.Add(uint64(set.Missed))
	}
}

// waitLock notes that a wait for the lock begins, and returns what ends it.
func (w *writeCounters) waitLock() (ended func() time.Duration) {
	begun := time.Now()
	w.lockSince.Store(begun.UnixNano())
	return func() time.Duration {
		waited := time.Since(begun)
		w.lockSince.Store(0)
		w.lockWaits.Add(1)
		w.lockWaited.Add(int64(waited))
		return waited
	}
}

// resultOf says how a call ended that got this outcome.
func resultOf(out outcome, err error) UpdateResult {
	matches := func(targets ...error) bool {
		return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
	}
	switch {
	case err == nil || matches(ErrNotApplied):
		if out.changed {
			return UpdateCommitted
		}
		return UpdateUnchanged
	case out.own:
		return UpdateFailed
	case matches(ErrUnknownOutcome):
		return UpdateUnknown
	case matches(ErrLocked):
		return UpdateLocked
	case matches(ErrConflict):
		return UpdateConflict
	case matches(ErrLockLost, ErrRejected, ErrDeleted, ErrTooLarge, ErrReadOnly, ErrDenied, ErrQuota, ErrEphemeralParent, ErrDamaged, ErrNotFound, store.ErrTaken):
		return UpdateRefused
	case matches(ErrUnavailable, ErrClosed):
		return UpdateUnavailable
	}
	return UpdateFailed
}

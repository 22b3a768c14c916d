package zkstate

import (
	"context"
	"fmt"
	"iter"
	"reflect"
	"runtime/debug"

	"github.com/zkstate/zkstate/diff"
)

// Change is one difference between two documents: a kind, a path, and the JSON
// values before and after.
type Change = diff.Change

// ChangeSet is the difference between two committed documents.
type ChangeSet struct {
	From    Version  `json:"from"`             // the zero Version: there was no document
	To      Version  `json:"to"`               // the zero Version: the document was deleted
	Changes []Change `json:"changes"`          // apply in order; empty only in an Event
	Origin  string   `json:"origin,omitempty"` // the listener that committed it, if it was this State and Missed is 0
	Missed  int      `json:"missed,omitempty"` // commits between From and To that are folded in, as far as is known

	// Replaced says that the store's history was replaced in between: it was restored
	// from a backup, or wiped and filled again. From is no ancestor of To then. Where as many
	// commits came as were undone, or fewer, that is always seen. Where more came, it is seen
	// if the numbers of the two versions contradict each other; else the set is like any other.
	Replaced bool `json:"replaced,omitempty"`
}

// Changes returns the changes of the document as an endless sequence, in commit
// order, beginning after the copy that the State holds when Changes is called.
// By the time a read returns a new value, its ChangeSet is there to be taken.
//
// Whoever is slow gets fewer, larger sets: what was not taken is folded into one
// from the last version taken to the newest, and costs no memory meanwhile. A
// version that differs in nothing (white space, key order, there and back) makes
// no set. A deleted document is one Removed at the root, a recreated one an Added.
//
// The sequence blocks between sets and ends when ctx ends or the State is closed.
// Ranging again over the same sequence goes on where the last range stopped; it
// must not be ranged over concurrently. The sets are shared: do not write to them.
func (st *State[T]) Changes(ctx context.Context, opts ...ChangesOption) iter.Seq[ChangeSet] {
	last := st.firstTaken(opts)
	return func(yield func(ChangeSet) bool) {
		for cur := range st.copies(ctx) {
			set := fold(last, cur.snapshot)
			if len(set.Changes) == 0 {
				continue
			}
			last = cur.snapshot
			st.counters.delivery(set)
			if !yield(set) {
				return
			}
		}
	}
}

// firstTaken returns the snapshot that a subscription begins after.
func (st *State[T]) firstTaken(opts []ChangesOption) *snapshot[T] {
	newest := st.current.Load().snapshot
	if !newChangesConfig(opts).replay {
		return newest
	}
	made := newest.version.Since(Version{}) // since there was no document
	return &snapshot[T]{commits: newest.commits - uint64(made), history: newest.history}
}

// fold makes one set of all that lies between two snapshots. A subscriber is but
// a pointer to the last snapshot it took, so nothing piles up for it.
func fold[T any](last, newest *snapshot[T]) ChangeSet {
	set := ChangeSet{From: last.version, To: newest.version}
	if last == newest {
		return set
	}
	set.Changes = newest.changesFrom(last)
	set.Missed = int(newest.commits-last.commits) - 1
	set.Replaced = newest.history != last.history
	if set.Missed == 0 {
		set.Origin = newest.origin
	}
	return set
}

// OnChange calls fn with every ChangeSet that [State.Changes] would give, one at a
// time, on a goroutine of its own, until stop is called or the State is closed. A
// panic of fn is logged, without its value, and does not reach the application; the next
// set is delivered. stop does not wait for a call that is running and may be called from
// fn.
func (st *State[T]) OnChange(fn func(ChangeSet), opts ...ChangesOption) (stop func()) {
	ctx, cancel := context.WithCancel(st.ctx)
	sets := st.Changes(ctx, opts...)
	go func() {
		for set := range sets {
			st.call(fn, set)
		}
	}()
	return cancel
}

func (st *State[T]) call(fn func(ChangeSet), set ChangeSet) {
	defer func() {
		if r := recover(); r != nil {
			st.cfg.logger.Error("zkstate: a subscriber panicked", "path", st.path, "type", fmt.Sprintf("%T", r), "stack", string(debug.Stack()))
		}
	}()
	fn(set)
}

// Select returns the values that pick derives from the document, as an endless
// sequence: one whenever the derived value changed (by reflect.DeepEqual) since the
// copy that the State holds when Select is called, the newest only if several did in
// between. With [Replay] the present value comes first. While the document is
// deleted there is no value. pick must not change its argument and must not keep it
// if it holds more than what it returns.
//
// The sequence blocks and ends as that of [State.Changes] does, and must not be
// ranged over concurrently.
func Select[T, V any](ctx context.Context, st *State[T], pick func(T) V, opts ...ChangesOption) iter.Seq[V] {
	var last *V
	if taken := st.firstTaken(opts); !taken.version.IsZero() {
		value := pick(taken.value)
		last = &value
	}
	return func(yield func(V) bool) {
		for cur := range st.copies(ctx) {
			if cur.version.IsZero() {
				continue
			}
			value := pick(cur.value)
			if last != nil && reflect.DeepEqual(*last, value) {
				continue
			}
			last = &value
			if !yield(value) {
				return
			}
		}
	}
}

package zkstate

import (
	"cmp"
	"maps"
	"slices"

	"github.com/zkstate/zkstate/store"
)

// progress holds what a waiter knows about which listeners have applied a version.
type progress struct {
	version   Version             // zero: the document was deleted
	least     int                 // of the listeners are waited for; 0: all
	self      func(Listener) bool // recognizes the waiter's own record
	listeners map[string]Listener // by ID; their records exist and were read
	counts    [allReported]int    // of those listeners
	unread    int                 // how many records exist and were not read yet
	absent    []Listener          // listeners that vanished and may still serve an older version
	asked     bool                // the store was asked for absent listeners
	slow      bool                // it is, even if others have not reported yet
	unlisted  error               // why the records could not be read when last asked for
}

// reported says what a listener's record says about a version.
type reported int

const (
	silent   reported = iota // it has neither applied nor rejected it
	applied                  // it serves that version or a later one
	rejected                 // it refuses it
	exempt                   // it is the waiter
	allReported
)

func (p *progress) statusOf(l Listener) reported {
	switch {
	case p.self(l):
		return exempt
	case p.version.IsZero() && l.Status == StatusDeleted:
		return applied
	case p.version.IsZero():
		return silent
	case l.Applied.Reaches(p.version):
		return applied
	case l.Status == StatusRejected && l.Newest.Reaches(p.version):
		return rejected
	}
	return silent
}

// update takes in changes of the listener records.
func (p *progress) update(changes store.ListenerNews) {
	for _, id := range changes.Gone {
		p.drop(id)
	}
	for _, record := range changes.Changed {
		p.drop(record.ID)
		l := parseListener(record)
		p.listeners[l.ID] = l
		p.counts[p.statusOf(l)]++
	}
	p.unread = changes.Unread
}

func (p *progress) drop(id string) {
	if l, known := p.listeners[id]; known {
		p.counts[p.statusOf(l)]--
		delete(p.listeners, id)
	}
}

// wantsAbsent reports whether the store has to be asked which listeners vanished. That is
// necessary when no other listener is waited for, and once, for the report, when that takes
// long.
func (p *progress) wantsAbsent() bool {
	first := p.slow && !p.asked
	if p.least > 0 {
		return first && p.unread == 0 && p.counts[applied] < p.least
	}
	return p.unread == 0 && (first || p.counts[silent] == 0)
}

// isOver reports whether the wait is over: done with success, failed because a listener
// rejected the version.
func (p *progress) isOver() (done, failed bool) {
	if p.least > 0 { // it never fails, because another listener may still come
		return p.counts[applied] >= p.least, false
	}
	waiting := p.unread + p.counts[silent] + len(p.absent)
	return p.asked && waiting+p.counts[rejected] == 0, p.asked && waiting == 0 && p.counts[rejected] > 0
}

// report returns the error that lists which listeners have applied the version and which
// have not. cause is what ended the wait.
func (p *progress) report(path string, cause error) *NotAppliedError {
	e := &NotAppliedError{Path: path, Version: p.version, cause: cause, unlisted: p.unlisted}
	for _, l := range slices.SortedFunc(maps.Values(p.listeners), func(a, b Listener) int { return cmp.Compare(a.ID, b.ID) }) {
		switch p.statusOf(l) {
		case applied:
			e.Applied = append(e.Applied, l)
		case rejected:
			e.Rejected = append(e.Rejected, l)
		case silent:
			e.Silent = append(e.Silent, l)
		}
	}
	for _, l := range p.absent {
		if _, back := p.listeners[l.ID]; !back {
			e.Silent = append(e.Silent, l)
		}
	}
	return e
}

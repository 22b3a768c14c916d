package zkstate

import (
	"cmp"
	"maps"
	"slices"

	"github.com/zkstate/zkstate/store"
)

// progress is what a waiter knows of who has applied a version.
type progress struct {
	version   Version // zero: the document was deleted
	by        AppliedBy
	self      func(Listener) bool // recognizes the waiter's own record
	listeners map[string]Listener // whose records are there and were read
	counts    [standings]int      // of them
	unread    int                 // records that are there and were not read yet
	absent    []Listener          // who vanished and may serve something older
	asked     bool                // it was asked who has
}

// standing is what a listener says of a version.
type standing int

const (
	silent   standing = iota // nothing yet
	applied                  // it serves that version or a later one
	rejected                 // it refuses it
	exempt                   // it is the waiter
	standings
)

func (p *progress) standing(l Listener) standing {
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

// hear takes news of the records.
func (p *progress) hear(news store.ListenerNews) {
	for _, id := range news.Gone {
		p.drop(id)
	}
	for _, record := range news.Changed {
		p.drop(record.ID)
		l := parseListener(record)
		p.listeners[l.ID] = l
		p.counts[p.standing(l)]++
	}
	p.unread = news.Unread
}

func (p *progress) drop(id string) {
	if l, known := p.listeners[id]; known {
		p.counts[p.standing(l)]--
		delete(p.listeners, id)
	}
}

// wantsAbsent reports whether it is to be asked who has vanished: once for the report, and
// when nobody else is waited for.
func (p *progress) wantsAbsent() bool {
	if p.by.least > 0 {
		return !p.asked && p.unread == 0 && p.counts[applied] < p.by.least
	}
	return p.unread == 0 && (!p.asked || p.counts[silent] == 0)
}

// verdict reports whether the wait has come to its end, or to nothing.
func (p *progress) verdict() (done, failed bool) {
	if p.by.least > 0 { // a listener may yet come
		return p.counts[applied] >= p.by.least, false
	}
	waiting := p.unread + p.counts[silent] + len(p.absent)
	return p.asked && waiting+p.counts[rejected] == 0, p.asked && waiting == 0 && p.counts[rejected] > 0
}

// report says who has applied the version and who has not. cause ended the wait, and
// unlisted is why the records could not be read in the end.
func (p *progress) report(path string, cause, unlisted error) *NotAppliedError {
	e := &NotAppliedError{Path: path, Version: p.version, cause: cause, unlisted: unlisted}
	for _, l := range slices.SortedFunc(maps.Values(p.listeners), func(a, b Listener) int { return cmp.Compare(a.ID, b.ID) }) {
		switch p.standing(l) {
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

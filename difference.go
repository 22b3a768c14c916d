package zkstate

import (
	"slices"
	"sync"

	"github.com/zkstate/zkstate/diff"
)

// differences caches the changes that lead from older snapshots to one snapshot. Each
// difference is computed when a subscriber first asks for it, and shared by all subscribers
// that last took the same older snapshot. The zero value is ready to use.
type differences struct {
	mu   sync.Mutex // guards made
	made []*madeDifference
}

// madeDifference is the difference from one older snapshot.
type madeDifference struct {
	version Version // of the older snapshot
	once    sync.Once
	changes []diff.Change
}

// maxDifferences is how many differences a snapshot keeps. If subscribers are at more older
// snapshots than that, the oldest difference is dropped and computed again when needed.
const maxDifferences = 8

// changesFrom returns the difference from an older snapshot to s.
func (s *snapshot[T]) changesFrom(old *snapshot[T]) []diff.Change {
	if s.differences.Load() == nil {
		s.differences.CompareAndSwap(nil, new(differences))
	}
	d := s.differences.Load().find(old.version)
	d.once.Do(func() { d.changes = difference(old, s) })
	return d.changes
}

// find returns the entry for an older version. Its changes may not be computed yet.
func (d *differences) find(version Version) *madeDifference {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, m := range d.made {
		if m.version == version {
			return m
		}
	}
	if len(d.made) == maxDifferences {
		d.made = slices.Delete(d.made, 0, 1)
	}
	m := &madeDifference{version: version}
	d.made = append(d.made, m)
	return m
}

// difference compares two snapshots' documents. If the comparison fails, although both
// documents were checked on arrival, the difference is one change of the whole document.
func difference[T any](old, new *snapshot[T]) []diff.Change {
	if changes, err := diff.Diff(old.doc, new.doc, byKey[T]()); err == nil {
		return changes
	}
	whole := diff.Change{Kind: diff.Modified, Old: old.doc, New: new.doc}
	switch {
	case old.doc == nil:
		whole.Kind = diff.Added
	case new.doc == nil:
		whole.Kind = diff.Removed
	}
	return []diff.Change{whole}
}

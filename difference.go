package zkstate

import (
	"slices"
	"sync"

	"github.com/zkstate/zkstate/diff"
)

// differences are what leads to one snapshot from older ones. A difference is made when a
// subscriber asks for it, and shared by all who took the same snapshot last. The zero
// value is ready.
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

// maxDifferences is from how many older snapshots differences are kept. Subscribers that lag
// at still more places have to make theirs anew.
const maxDifferences = 8

// changesFrom returns the difference from an older snapshot to s.
func (s *snapshot[T]) changesFrom(old *snapshot[T]) []diff.Change {
	d := s.differences.find(old.version)
	d.once.Do(func() { d.changes = difference(old, s) })
	return d.changes
}

// find returns the difference from an older version, which may still have to be made.
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

// difference compares two snapshots' documents. They were checked when they came in;
// if the difference cannot be made all the same, it is the whole document.
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

package diff

import "strings"

// Diff returns the changes that lead from old to new; none if they are the same
// document. An empty text stands for "no document", so that creation is one Added
// and deletion one Removed at the empty path.
//
// The changes are to be applied in order. Objects are compared by key, in the order
// of the keys. In a list, what came or went is one change each: first the removals,
// from the back, at indexes of the old list, then the additions, from the front, and
// then the changes inside elements, at indexes of the new list. An element that was
// replaced is Modified, or compared in turn if both are objects or both are lists.
//
// The same two documents always give the same changes. The number of insertions and
// deletions in a list is minimal up to a thousand of them; beyond that it may not
// be, so that the cost stays n log n. Errors: a *[SyntaxError] for either text.
func Diff(old, new []byte) ([]Change, error) {
	switch {
	case len(old) == 0 && len(new) == 0:
		return nil, nil
	case len(old) == 0:
		return []Change{{Kind: Added, New: new}}, Check(new)
	case len(new) == 0:
		return []Change{{Kind: Removed, Old: old}}, Check(old)
	}
	a, err := parse(old)
	if err != nil {
		return nil, err
	}
	b, err := parse(new)
	if err != nil {
		return nil, err
	}
	var d differ
	d.compare(nil, a, b)
	return d.changes, nil
}

// Equal reports whether two texts are the same document: Diff would find nothing.
// Errors: a *[SyntaxError] for either text.
func Equal(a, b []byte) (bool, error) {
	x, err := parse(a)
	if err != nil {
		return false, err
	}
	y, err := parse(b)
	if err != nil {
		return false, err
	}
	return x.equal(y), nil
}

type differ struct{ changes []Change }

// compare adds what leads from a to b at path.
func (d *differ) compare(path Path, a, b *node) {
	switch {
	case a.equal(b):
	case a.kind == object && b.kind == object:
		d.objects(path, a, b)
	case a.kind == list && b.kind == list:
		d.lists(path, a.items, b.items)
	default:
		d.changes = append(d.changes, Change{Kind: Modified, Path: path, Old: a.raw, New: b.raw})
	}
}

// objects walks the keys of both in their common order.
func (d *differ) objects(path Path, a, b *node) {
	i, j := 0, 0
	for i < len(a.sorted) || j < len(b.sorted) {
		var old, new *member
		if i < len(a.sorted) {
			old = &a.members[a.sorted[i]]
		}
		if j < len(b.sorted) {
			new = &b.members[b.sorted[j]]
		}
		order := 0
		switch {
		case old == nil:
			order = 1
		case new == nil:
			order = -1
		default:
			order = strings.Compare(old.key, new.key)
		}
		switch {
		case order < 0:
			d.changes = append(d.changes, Change{Kind: Removed, Path: path.with(Key(old.key)), Old: old.value.raw})
			i++
		case order > 0:
			d.changes = append(d.changes, Change{Kind: Added, Path: path.with(Key(new.key)), New: new.value.raw})
			j++
		default:
			if !old.value.equal(&new.value) {
				d.compare(path.with(Key(old.key)), &old.value, &new.value)
			}
			i, j = i+1, j+1
		}
	}
}

func (d *differ) lists(path Path, a, b []node) {
	pairs := align(a, b)
	left := make([]bool, len(a)) // has no partner
	for i := range left {
		left[i] = true
	}
	came := make([]bool, len(b))
	for j := range came {
		came[j] = true
	}
	for _, p := range pairs {
		left[p.old], came[p.new] = false, false
	}
	for i := len(a) - 1; i >= 0; i-- {
		if left[i] {
			d.changes = append(d.changes, Change{Kind: Removed, Path: path.with(Index(i)), Old: a[i].raw})
		}
	}
	for j := range b {
		if came[j] {
			d.changes = append(d.changes, Change{Kind: Added, Path: path.with(Index(j)), New: b[j].raw})
		}
	}
	for _, p := range pairs {
		if !p.same {
			d.compare(path.with(Index(p.new)), &a[p.old], &b[p.new])
		}
	}
}

package diff

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Equal reports whether two documents are the same; see the package comment. Two
// absent documents are. The error is a [*SyntaxError] within; both texts are
// always checked.
func Equal(a, b []byte) (bool, error) {
	equal := true
	aErr, bErr := eachPair(a, b, nil, func(_ Path, x, y value) { equal = equal && same(x, y) })
	switch {
	case aErr != nil:
		return false, fmt.Errorf("first document: %w", aErr)
	case bErr != nil:
		return false, fmt.Errorf("second document: %w", bErr)
	}
	return equal, nil
}

// Diff returns the changes that lead from old to new, in the order in which they
// apply: Apply(old, changes) is new. It returns none exactly if the documents are
// the same. If one of them is empty, the change is one Added or Removed at the
// empty path.
//
// The result depends on what the documents mean, not on how they are laid out:
// the members of an object come in the order of their keys, byte by byte. It is
// the caller's, and shares no memory with old and new.
//
// Both texts are checked as by [Check]; the error is a [*SyntaxError] within.
func Diff(old, new []byte, opts ...Option) ([]Change, error) {
	o := newOptions(opts)
	d := differ{aligner: aligner{keys: o.keys, budget: alignBudget}}
	oldErr, newErr := eachPair(old, new, o.keys, func(path Path, x, y value) {
		d.path = path
		d.compare(x, y)
	})
	switch {
	case oldErr != nil:
		return nil, fmt.Errorf("old document: %w", oldErr)
	case newErr != nil:
		return nil, fmt.Errorf("new document: %w", newErr)
	}
	return d.out, nil
}

// differ collects changes.
type differ struct {
	out   []Change
	path  Path   // where it is
	edits []edit // of the objects on the way there
	text  []byte // room for values
	steps Path   // and for paths
	aligner
}

// edit is a member of an object that is not the same on both sides.
type edit struct {
	name string
	x, y int32 // positions of the values; -1: there is no such member
}

// compare adds what leads from x to y.
func (d *differ) compare(x, y value) {
	switch {
	case same(x, y):
	case x.isObject() && y.isObject():
		d.objects(x, y)
	case x.isList() && y.isList():
		d.lists(x, y)
	default:
		d.add(x, y)
	}
}

// add adds one change at the current path.
func (d *differ) add(x, y value) {
	c := Change{Kind: Modified, Path: d.place(), Old: d.keep(x), New: d.keep(y)}
	if !x.exists() {
		c.Kind = Added
	} else if !y.exists() {
		c.Kind = Removed
	}
	d.out = append(d.out, c)
}

// place copies the current path, many into one allocation.
func (d *differ) place() Path {
	if cap(d.steps)-len(d.steps) < len(d.path) {
		d.steps = make(Path, 0, max(len(d.path), d.room(cap(d.steps), 1<<5)))
	}
	start := len(d.steps)
	d.steps = append(d.steps, d.path...)
	return d.steps[start:len(d.steps):len(d.steps)]
}

// room is how much to allocate for many: nothing for the first change, which is
// often the only one, and then ever more.
func (d *differ) room(last, least int) int {
	if len(d.out) == 0 {
		return 0
	}
	return max(least, min(2*last, 64*least))
}

// keep copies the text of a value, many into one allocation.
func (d *differ) keep(v value) json.RawMessage {
	if !v.exists() {
		return nil
	}
	text := v.text()
	if cap(d.text)-len(d.text) < len(text) {
		d.text = make([]byte, 0, max(len(text), d.room(cap(d.text), 1<<10)))
	}
	start := len(d.text)
	d.text = appendCompact(d.text, text)
	return d.text[start:len(d.text):len(d.text)]
}

// at compares x and y one step down.
func (d *differ) at(step Step, x, y value) {
	d.path = append(d.path, step)
	d.compare(x, y)
	d.path = d.path[:len(d.path)-1]
}

func (d *differ) objects(x, y value) {
	base := len(d.edits)
	d.findEdits(x, y)
	end := len(d.edits)
	slices.SortFunc(d.edits[base:], func(a, b edit) int { return strings.Compare(a.name, b.name) })
	d.out = slices.Grow(d.out, end-base) // there are as many, at least
	for i := base; i < end; i++ {
		e := d.edits[i]
		var from, to value
		if e.x >= 0 {
			from = x.kid(int(e.x))
		}
		if e.y >= 0 {
			to = y.kid(int(e.y))
		}
		d.at(Key(e.name), from, to)
	}
	clear(d.edits[base:])
	d.edits = d.edits[:base]
}

func (d *differ) findEdits(x, y value) {
	var index memberIndex
	found := 0
	for i := 0; i < int(x.n); i += 2 {
		j := index.find(y, x.kid(i), i)
		if j < 0 {
			d.edits = append(d.edits, edit{x.name(i), int32(i + 1), -1})
			continue
		}
		found += 2
		if !same(x.kid(i+1), y.kid(j+1)) {
			d.edits = append(d.edits, edit{x.name(i), int32(i + 1), int32(j + 1)})
		}
	}
	if found == int(y.n) {
		return
	}
	index = memberIndex{}
	for j := 0; j < int(y.n); j += 2 {
		if index.find(x, y.kid(j), j) < 0 {
			d.edits = append(d.edits, edit{y.name(j), -1, int32(j + 1)})
		}
	}
}

func (d *differ) lists(x, y value) {
	al := d.align(x, y)
	d.out = slices.Grow(d.out, max(al.oldEnd(), al.newEnd())-al.head-len(al.common)) // there are as many, at least
	al.pairGaps()
	for i := int(x.n) - 1; i >= 0; i-- {
		if al.target(i) < 0 {
			d.at(Index(i), x.kid(i), value{})
		}
	}
	for j := range int(y.n) {
		if al.source(j) < 0 {
			d.at(Index(j), value{}, y.kid(j))
		}
	}
	for j := range int(y.n) {
		if i := al.source(j); i >= 0 && !al.same(j) {
			d.at(Index(j), x.kid(i), y.kid(j))
		}
	}
}

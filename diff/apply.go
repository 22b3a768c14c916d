package diff

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// Apply applies changes to doc, one after another, and returns the document that
// results, without white space: Apply(old, Diff(old, new)) is new. An empty doc is
// no document, and no document is returned as nil.
//
// A change must fit: Removed and Modified must find the old value, and Added a place
// that is free. Else the error matches [ErrMismatch] and doc stands as it was.
// Errors of the texts are *[SyntaxError], also where the result would be nested too
// deep.
//
// It takes time linear in doc and changes, if changes are in the order in which
// Diff gives them; in another order, each may take as long as its list.
func Apply(doc []byte, changes []Change) ([]byte, error) {
	v, err := parseOptional(doc)
	if err != nil {
		return nil, err
	}
	a := applier{}
	if v.exists() {
		a.root = &draft{value: v}
	}
	for i := 0; i < len(changes); {
		n := run(changes[i:])
		done, err := a.apply(changes[i : i+n])
		if err != nil {
			c := changes[i+done]
			return nil, fmt.Errorf("change %d, %v at %q: %w", i+done, c.Kind, c.Path.Pointer(), err)
		}
		i += n
	}
	if a.root == nil {
		return nil, nil
	}
	return a.root.append(make([]byte, 0, len(doc))), nil
}

// run returns how many of the first changes can be done to one list at once: removed
// from the back or added from the front. It is 1 for any other change.
func run(changes []Change) int {
	n := 1
	for first := changes[0]; n < len(changes) && first.Kind != Modified; n++ {
		prev, next := changes[n-1], changes[n]
		if next.Kind != first.Kind || len(next.Path) != len(prev.Path) || len(next.Path) == 0 {
			break
		}
		last := len(next.Path) - 1
		from, to := prev.Path[last], next.Path[last]
		if !from.inArray || !to.inArray || (from.index < to.index) != (first.Kind == Added) || from.index == to.index ||
			!slices.Equal(prev.Path[:last], next.Path[:last]) {
			break
		}
	}
	return n
}

// applier is a document under change.
type applier struct {
	root *draft // nil: no document
}

// apply does a run of changes. On an error, done is the one that did not fit.
func (a *applier) apply(changes []Change) (done int, err error) {
	c := changes[0]
	if len(c.Path) == 0 {
		return 0, a.applyRoot(c)
	}
	last := len(c.Path) - 1
	parent := a.root
	for _, s := range c.Path[:last] {
		if parent = parent.child(s); parent == nil {
			return 0, fmt.Errorf("the place does not exist: %w", ErrMismatch)
		}
	}
	found := parent.child(c.Path[last])
	if parent == nil || c.Path[last].inArray != (parent.list != nil) || !c.Path[last].inArray && parent.object == nil {
		return 0, fmt.Errorf("it leads into another kind of value: %w", ErrMismatch)
	}
	switch {
	case c.Kind == Modified:
		v, err := replacement(c, found)
		if err == nil {
			*found = v
		}
		return 0, err
	case c.Kind != Added && c.Kind != Removed:
		return 0, fmt.Errorf("kind %v cannot be applied: %w", c.Kind, ErrMismatch)
	case parent.list != nil && c.Kind == Added:
		return parent.list.applyAdded(changes)
	case parent.list != nil:
		return parent.list.applyRemoved(changes)
	}
	return 0, parent.object.apply(c, found)
}

func (a *applier) applyRoot(c Change) error {
	if c.Kind == Added && a.root == nil {
		v, err := parse(c.New)
		a.root = &draft{value: v}
		return err
	}
	if a.root.is(c.Old) && (c.Kind == Modified || c.Kind == Removed) {
		if c.Kind == Removed {
			a.root = nil
			return nil
		}
		v, err := parse(c.New)
		a.root = &draft{value: v}
		return err
	}
	return fmt.Errorf("the document is another: %w", ErrMismatch)
}

// replacement checks what a Modified found and returns what takes its place.
func replacement(c Change, found *draft) (draft, error) {
	if !found.is(c.Old) {
		return draft{}, errOther
	}
	v, err := parseAt(c.New, len(c.Path))
	return draft{value: v}, err
}

var (
	errOther = fmt.Errorf("the old value is another: %w", ErrMismatch)
	errTaken = fmt.Errorf("the place is not free: %w", ErrMismatch)
)

func (o *objectDraft) apply(c Change, found *draft) error {
	name := c.Path[len(c.Path)-1].key
	if c.Kind == Removed {
		if !found.is(c.Old) {
			return errOther
		}
		o.remove(name)
		return nil
	}
	if found != nil {
		return errTaken
	}
	if !utf8.ValidString(name) {
		return fmt.Errorf("the key is not UTF-8: %w", ErrMismatch)
	}
	v, err := parseAt(c.New, len(c.Path))
	o.add(name, &draft{value: v})
	return err
}

func (l *listDraft) applyAdded(changes []Change) (done int, err error) {
	indexes, values := make([]int, len(changes)), make([]*draft, len(changes))
	for k, c := range changes {
		i := c.Path[len(c.Path)-1].index
		if i < 0 || i > len(l.items)+k {
			return k, errTaken
		}
		v, err := parseAt(c.New, len(c.Path))
		if err != nil {
			return k, err
		}
		indexes[k], values[k] = i, &draft{value: v}
	}
	l.insert(indexes, values)
	return 0, nil
}

func (l *listDraft) applyRemoved(changes []Change) (done int, err error) {
	indexes := make([]int, len(changes))
	for k, c := range changes {
		i := c.Path[len(c.Path)-1].index
		if i < 0 || i >= len(l.items) || !l.items[i].is(c.Old) {
			return k, errOther
		}
		indexes[k] = i
	}
	l.remove(indexes)
	return 0, nil
}

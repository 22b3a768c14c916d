package diff

import (
	"fmt"
	"slices"
)

// Apply applies changes to doc, one after another, and returns the document that
// results, without white space: Apply(old, Diff(old, new)) is new. An empty doc is
// no document, and no document is returned as nil.
//
// A change must fit: Removed and Modified must find the old value, and Added a place
// that is free. Else the error matches [ErrMismatch] and doc stands as it was.
// Errors of the texts are *[SyntaxError].
func Apply(doc []byte, changes []Change) ([]byte, error) {
	var root *node
	if len(doc) > 0 {
		var err error
		if root, err = parse(doc); err != nil {
			return nil, err
		}
	}
	for i, c := range changes {
		var err error
		if root, err = apply(root, c); err != nil {
			return nil, fmt.Errorf("change %d, %v at %q: %w", i, c.Kind, c.Path.Pointer(), err)
		}
	}
	if root == nil {
		return nil, nil
	}
	result := root.append(nil)
	return result, Check(result) // additions may nest too deep together
}

func apply(root *node, c Change) (*node, error) {
	var value *node
	var err error
	if c.Kind == Added || c.Kind == Modified {
		if value, err = parse(c.New); err != nil {
			return nil, err
		}
	}
	if len(c.Path) == 0 {
		return applyRoot(root, c, value)
	}
	parent := root
	for _, s := range c.Path[:len(c.Path)-1] {
		if parent = parent.child(s); parent == nil {
			return nil, fmt.Errorf("the place does not exist: %w", ErrMismatch)
		}
	}
	return root, parent.change(c, c.Path[len(c.Path)-1], value)
}

func applyRoot(root *node, c Change, value *node) (*node, error) {
	switch {
	case c.Kind == Added && root == nil:
		return value, nil
	case c.Kind == Modified && root.is(c.Old):
		return value, nil
	case c.Kind == Removed && root.is(c.Old):
		return nil, nil
	}
	return nil, fmt.Errorf("the document is another: %w", ErrMismatch)
}

// change does one change below n.
func (n *node) change(c Change, s Step, value *node) error {
	if n == nil || s.inArray != (n.kind == list) || !s.inArray && n.kind != object {
		return fmt.Errorf("it leads into another kind of value: %w", ErrMismatch)
	}
	found := n.child(s)
	switch c.Kind {
	case Added:
		switch {
		case s.inArray && s.index >= 0 && s.index <= len(n.items):
			n.items = slices.Insert(n.items, s.index, *value)
			return nil
		case !s.inArray && found == nil:
			n.set(s.key, *value)
			return nil
		}
		return fmt.Errorf("the place is not free: %w", ErrMismatch)
	case Removed, Modified:
		if !found.is(c.Old) {
			return fmt.Errorf("the old value is another: %w", ErrMismatch)
		}
		switch {
		case c.Kind == Modified:
			*found = *value
		case s.inArray:
			n.items = slices.Delete(n.items, s.index, s.index+1)
		default:
			n.unset(s.key)
		}
		return nil
	}
	return fmt.Errorf("kind %v cannot be applied: %w", c.Kind, ErrMismatch)
}

// child returns the value one step below n, or nil.
func (n *node) child(s Step) *node {
	switch {
	case n == nil:
	case !s.inArray:
		return n.find(s.key)
	case n.kind == list && s.index >= 0 && s.index < len(n.items):
		return &n.items[s.index]
	}
	return nil
}

// is reports whether n holds the value of a text. What was changed inside n has
// outdated its hash, so a difference is looked at again on fresh text.
func (n *node) is(value []byte) bool {
	want, err := parse(value)
	if n == nil || err != nil {
		return false
	}
	if n.equal(want) {
		return true
	}
	now, err := parse(n.append(nil))
	return err == nil && now.equal(want)
}

package diff

import (
	"errors"
	"fmt"
	"strings"
)

// copyLimit bounds, in bytes, what the copy operations of one patch may make: each
// can double the document.
const copyLimit = 4 << 20

// Apply does the operations to doc, one after another, and returns the document that
// results, without white space. If one of them fails, the error is an
// *[OperationError] that says which, and nothing came of the others. An empty doc is
// no document: it can only be added, at "". If the whole document is removed, none is
// returned, as nil.
//
// The causes match [ErrTest] if a test finds another value, [ErrPointer] if there is
// no such place, [ErrPatch] if the operation is malformed, [ErrCopyLimit]; a
// *[SyntaxError] is a value's, also where it would be nested too deep. One that
// stands alone is the document's. As RFC 6902 wants it, a test takes numbers for
// equal that have the same value, 1 and 1.0.
//
// An operation takes time linear in its value and in the object or list that it
// changes; elements that are added to a list from the front to the back, or removed
// from the back to the front, as [ToPatch] has them, share it.
func (p Patch) Apply(doc []byte) ([]byte, error) {
	v, err := parseOptional(doc)
	if err != nil {
		return nil, err
	}
	a := patcher{}
	if v.exists() {
		a.root = &draft{value: v}
	}
	for i := 0; i < len(p); {
		n := p[i:].run()
		done, err := a.apply(p[i : i+n])
		if err != nil {
			o := p[i+done]
			return nil, &OperationError{Index: i + done, Op: o.Op, Err: err}
		}
		i += n
	}
	if a.root == nil {
		return nil, nil
	}
	return a.root.append(make([]byte, 0, len(doc))), nil
}

// patcher is a document under operations.
type patcher struct {
	root   *draft // nil: no document
	copied int    // bytes
}

// apply does a run of operations. On an error, done is the one that failed.
func (a *patcher) apply(run Patch) (done int, err error) {
	o := run[0]
	if err := o.check(); err != nil {
		return 0, err
	}
	if len(run) > 1 {
		parent, _, _ := o.element()
		tokens, err := split(parent)
		if err != nil {
			return 0, err
		}
		if d, err := a.root.walk(tokens, parent); err == nil && d.isList() {
			d.open()
			return d.list.applyRun(run, len(tokens)+1)
		}
		for i := range run { // members whose keys are numbers
			if _, err := a.apply(run[i : i+1]); err != nil {
				return i, err
			}
		}
		return 0, nil
	}
	switch o.Op {
	case "add":
		return 0, a.addText(o.Path, o.Value)
	case "remove":
		_, err := a.take(o.Path)
		return 0, err
	case "replace":
		return 0, a.replace(o)
	case "move":
		return 0, a.move(o)
	case "copy":
		return 0, a.copy(o)
	}
	return 0, a.test(o)
}

// find returns what is at a place.
func (a *patcher) find(pointer string) (*draft, error) {
	tokens, err := split(pointer)
	if err != nil {
		return nil, err
	}
	return a.root.walk(tokens, pointer)
}

// addText adds a value from its text.
func (a *patcher) addText(pointer string, text []byte) error {
	v, err := parseAt(text, strings.Count(pointer, "/"))
	if err != nil {
		return err
	}
	return a.add(pointer, &draft{value: v})
}

func (a *patcher) add(pointer string, d *draft) error {
	tokens, err := split(pointer)
	if err != nil {
		return err
	}
	if len(tokens) == 0 {
		a.root = d
		return nil
	}
	last := len(tokens) - 1
	parent, err := a.root.walk(tokens[:last], pointer)
	if err != nil {
		return err
	}
	return parent.put(tokens[last], d, pointer)
}

// take removes what is at a place and returns it.
func (a *patcher) take(pointer string) (*draft, error) {
	tokens, err := split(pointer)
	if err != nil {
		return nil, err
	}
	if len(tokens) == 0 {
		root, err := a.root.walk(nil, pointer)
		a.root = nil
		return root, err
	}
	last := len(tokens) - 1
	parent, err := a.root.walk(tokens[:last], pointer)
	if err != nil {
		return nil, err
	}
	return parent.take(tokens[last], pointer)
}

func (a *patcher) replace(o Operation) error {
	found, err := a.find(o.Path)
	if err != nil {
		return err
	}
	v, err := parseAt(o.Value, strings.Count(o.Path, "/"))
	if err == nil {
		*found = draft{value: v}
	}
	return err
}

func (a *patcher) move(o Operation) error {
	found, err := a.find(o.From)
	if err != nil || o.From == o.Path {
		return err
	}
	if strings.HasPrefix(o.Path, o.From+"/") {
		return fmt.Errorf("a value cannot be moved into itself: %w", ErrPatch)
	}
	if depth := strings.Count(o.Path, "/"); depth > strings.Count(o.From, "/") {
		if _, err := parseAt(found.append(nil), depth); err != nil {
			return err
		}
	}
	if _, err := a.take(o.From); err != nil {
		return err
	}
	return a.add(o.Path, found)
}

func (a *patcher) copy(o Operation) error {
	found, err := a.find(o.From)
	if err != nil {
		return err
	}
	text := found.append(nil)
	if a.copied += len(text); a.copied > copyLimit {
		return ErrCopyLimit
	}
	return a.addText(o.Path, text)
}

func (a *patcher) test(o Operation) error {
	found, err := a.find(o.Path)
	if errors.Is(err, ErrPointer) {
		return fmt.Errorf("%w: %w", ErrTest, err)
	}
	if err != nil {
		return err
	}
	if _, err := parse(o.Value); err != nil {
		return err
	}
	if !found.equals(o.Value, alike) {
		return fmt.Errorf("%q: %w", o.Path, ErrTest)
	}
	return nil
}

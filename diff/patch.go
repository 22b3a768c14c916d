package diff

import (
	"encoding/json"
	"fmt"
)

// Patch is a JSON Patch (RFC 6902): operations that are done one after another, all
// or none.
type Patch []Operation

// Operation is one step of a [Patch]. Places are JSON Pointers.
type Operation struct {
	Op    string          // add, remove, replace, move, copy or test
	From  string          // of move and copy
	Path  string          // where
	Value json.RawMessage // of add, replace and test
}

// ToPatch returns changes as a Patch for whatever understands RFC 6902. It says less
// than they do: old values are lost, and with them what Apply checks and Invert needs.
// The end of a document is written as the removal of "".
func ToPatch(changes []Change) Patch {
	patch := make(Patch, 0, len(changes))
	for _, c := range changes {
		switch pointer := c.Path.Pointer(); c.Kind {
		case Added:
			patch = append(patch, Operation{Op: "add", Path: pointer, Value: c.New})
		case Removed:
			patch = append(patch, Operation{Op: "remove", Path: pointer})
		case Modified:
			patch = append(patch, Operation{Op: "replace", Path: pointer, Value: c.New})
		}
	}
	return patch
}

// ParsePatch reads a JSON Patch. As RFC 6902 wants it, members that it does not know
// are ignored. The patch shares memory with text. Errors: a *[SyntaxError] of the
// text; [ErrPatch], within an *[OperationError] unless the text is no list at all.
func ParsePatch(text []byte) (Patch, error) {
	root, err := parse(text)
	if err != nil {
		return nil, err
	}
	defer release(root)
	if !root.isList() {
		return nil, fmt.Errorf("it must be a list of operations: %w", ErrPatch)
	}
	patch := make(Patch, root.n)
	for i := range patch {
		o, err := parseOperation(root.kid(i))
		if err == nil {
			err = o.check()
		}
		if err != nil {
			return nil, &OperationError{Index: i, Op: o.Op, Err: err}
		}
		patch[i] = o
	}
	return patch, nil
}

func parseOperation(v value) (o Operation, err error) {
	if !v.isObject() {
		return o, fmt.Errorf("an operation must be an object: %w", ErrPatch)
	}
	if o.Op, err = textOf(v, "op"); err != nil {
		return o, err
	}
	if o.Path, err = textOf(v, "path"); err != nil {
		return o, err
	}
	switch o.Op {
	case "move", "copy":
		o.From, err = textOf(v, "from")
	case "add", "replace", "test":
		if found := member(v, "value"); found.exists() {
			o.Value = found.text()
		}
	}
	return o, err
}

// textOf returns a member that must be a string.
func textOf(v value, name string) (string, error) {
	found := member(v, name)
	if !found.exists() || found.text()[0] != '"' {
		return "", fmt.Errorf("it has no string %q: %w", name, ErrPatch)
	}
	return string(decoded(found.text())), nil
}

// check judges an operation by itself.
func (o Operation) check() error {
	switch o.Op {
	case "add", "replace", "test":
		if len(o.Value) == 0 {
			return fmt.Errorf("it has no value: %w", ErrPatch)
		}
	case "move", "copy":
		if _, err := split(o.From); err != nil {
			return fmt.Errorf("%w: from %w", ErrPatch, err)
		}
	case "remove":
	default:
		return fmt.Errorf("there is no such operation: %w", ErrPatch)
	}
	if _, err := split(o.Path); err != nil {
		return fmt.Errorf("%w: path %w", ErrPatch, err)
	}
	return nil
}

// MarshalJSON writes the operation as RFC 6902 has it. It is an error if o is none.
func (o Operation) MarshalJSON() ([]byte, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	out := appendQuoted([]byte(`{"op":`), o.Op)
	if o.Op == "move" || o.Op == "copy" {
		out = appendQuoted(append(out, `,"from":`...), o.From)
	}
	out = appendQuoted(append(out, `,"path":`...), o.Path)
	if len(o.Value) > 0 {
		out = append(append(out, `,"value":`...), o.Value...)
	}
	return append(out, '}'), nil
}

// UnmarshalJSON is [ParsePatch].
func (p *Patch) UnmarshalJSON(text []byte) (err error) {
	*p, err = ParsePatch(append([]byte(nil), text...)) // text is the decoder's
	return err
}

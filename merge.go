package zkstate

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/zkstate/zkstate/diff"
)

// compose makes the document to be stored from the last draft.
func (w *writer[T]) compose(b *batch[T], cur *published[T], last draft[T]) (made composed[T], err error) {
	st, after, kept := w.st, last.doc, false
	if last.value != nil {
		if after, kept, err = last.encode(); err != nil {
			return made, callerError{fmt.Errorf("%s: encode the new value: %w", st.at("update"), err)}
		}
		if !kept && len(b.members) > 1 { // decoding changes the draft, so later functions ran on another value than is stored
			return made, callerError{errLossy}
		}
	}
	made, err = st.merge(cur, last.before, after)
	if err != nil || made.doc == nil {
		return made, err
	}
	switch {
	case made.value != nil:
	case kept && validate(last.value) == nil: // which may fill fields that are not encoded
		made.value, made.encoded = last.value, after
	default:
		value, rejected := decode[T](st.path, Version{}, after)
		if rejected != nil {
			return composed[T]{}, callerError{fmt.Errorf("%s: the new value does not survive encoding/json: %w", st.at("update"), rejected)}
		}
		made.value = &value
		made.encoded, _ = encode(value) // which need not be after: a large number in an any is rounded
	}
	if kept && len(b.members) > 1 { // the next batch is likely to follow at once
		made.own = st.queue().copier.Copy(last.value)
	}
	return made, nil
}

// composed is a document to be stored. All its fields are nil if nothing changed.
type composed[T any] struct {
	doc     []byte
	value   *T     // decoded from it
	encoded []byte // T's encoding of the value, where it is known
	own     *T     // a copy of value that only the writer refers to, or nil
}

// errLossy means that encoding/json replaced a byte of a string.
var errLossy = errors.New("a string is not UTF-8")

// merge returns the document to store, or none if nothing changed. It applies the changes
// from before to after to the stored document. If the merged document does not decode to
// what after decodes to (a type's own encoding can prevent it), merge returns after.
// The value is the decoded form of a merged document, and nil if doc is after.
func (st *State[T]) merge(cur *published[T], before, after []byte) (made composed[T], err error) {
	if err := diff.Check(after); err != nil { // a type's own encoding may write what nobody can read
		return made, callerError{fmt.Errorf("%s: encode the new value: %w", st.at("update"), err)}
	}
	whole := composed[T]{doc: after}
	if cur.rejected != nil {
		return whole, nil
	}
	same := bytes.Equal(before, after)
	if !same && st.queue().copier == nil { // its own encoding may write the same in two ways
		same, err = diff.Equal(before, after)
	}
	if err != nil || same {
		return made, err
	}
	if bytes.Equal(before, cur.doc) {
		return whole, nil // the stored text is exactly T's encoding, so there is nothing to preserve
	}
	if merged, err := diff.Merge(cur.doc, before, after, byKey[T]()); err == nil {
		if value, encoded, ok := decodesTo[T](merged, after); ok {
			return composed[T]{doc: merged, value: &value, encoded: encoded}, nil
		}
	}
	return whole, nil
}

// decodesTo returns the T that doc decodes to, its encoding, and whether want is that, or
// decodes to the same: a large number in an any is rounded.
func decodesTo[T any](doc, want []byte) (value T, encoded []byte, yes bool) {
	value, encoded, ok := again[T](doc)
	if !ok {
		return value, nil, false
	}
	same, err := diff.Equal(encoded, want)
	if err == nil && !same {
		if _, wanted, ok := again[T](want); ok {
			same, err = diff.Equal(encoded, wanted)
		}
	}
	return value, encoded, err == nil && same
}

// again decodes a T, and encodes that again.
func again[T any](doc []byte) (value T, encoded []byte, ok bool) {
	value, rejected := decode[T]("", Version{}, doc)
	if rejected != nil {
		return value, nil, false
	}
	encoded, err := encode(value)
	return value, encoded, err == nil
}

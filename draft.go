package zkstate

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/zkstate/zkstate/internal/jsoncopy"
)

// draft is the value that the functions of a batch change, one after another. Each
// function gets a deep copy of its own, and its result is the next draft.
type draft[T any] struct {
	// value is the draft of a type that can be copied without encoding. Only the writer
	// refers to it, and each function's changes are made to it.
	value *T
	// doc is the text that other types are decoded from: T's encoding of the draft if
	// encoded is set, else the stored document.
	doc     []byte
	encoded bool
	// before is the encoding of the batch's first draft, where it is known.
	before []byte
}

// draft returns the draft for the first function of a batch. Where there is a good document
// it uses no value that a read returned, because that caller may have changed it.
func (w *writer[T]) draft(cur *published[T]) (draft[T], error) {
	st := w.st
	switch {
	case cur.doc == nil: // the document is rejected, and no good one was there since it was created
		doc, err := encode(cur.value) // the initial value, or the last good one before a deletion
		if err != nil {
			return draft[T]{}, callerError{fmt.Errorf("%s: encode the last good value: %w", st.at("update"), err)}
		}
		return st.decoded(draft[T]{doc: doc, encoded: true})
	case st.queue().copier != nil && w.own != nil && w.ownVersion == cur.version:
		value := w.own
		w.own = nil // the batch changes it
		return draft[T]{value: value, before: cur.encoded}, nil
	case cur.encoded != nil:
		return st.decoded(draft[T]{doc: cur.encoded, encoded: true, before: cur.encoded})
	}
	return st.decoded(draft[T]{doc: cur.doc})
}

// decoded adds the decoded value to a draft, if T can be copied without encoding.
func (st *State[T]) decoded(d draft[T]) (draft[T], error) {
	if st.queue().copier == nil {
		return d, nil
	}
	d.value = new(T)
	if err := json.Unmarshal(d.doc, d.value); err != nil {
		return d, fmt.Errorf("%s: copy the value: %w", st.at("update"), err)
	}
	return d, nil
}

// encode returns the encoding of the draft's value, and whether decoding that text gives
// the same value. T must be a type that can be copied without encoding.
func (d draft[T]) encode() (text []byte, kept bool, err error) {
	text, err = marshal(d.value)
	return text, err == nil && jsoncopy.Kept(text), err
}

// offer asks a caller to run its function now.
type offer[T any] struct {
	draft draft[T]
	ran   chan result[T] // receives the result; has room for one
}

// result says what a function did to its draft.
type result[T any] struct {
	draft   draft[T] // the next draft, unless the function failed
	changed bool
	err     error // the function's error, or Validate's, or why the result cannot be stored
	gone    bool  // the function panicked or ended its goroutine: the caller has left
}

// take runs a request's function on its caller's goroutine, so that a panic reaches the
// caller.
func (st *State[T]) take(o offer[T], r *request[T]) {
	result := result[T]{gone: true}
	defer func() { o.ran <- result }()
	result = st.run(o.draft, r.fn)
}

func (st *State[T]) run(d draft[T], fn func(*T) error) (r result[T]) {
	if d.value == nil {
		return st.runDecoded(d, fn)
	}
	r.draft = d
	copier := st.queue().copier
	value := copier.Copy(d.value)
	if r.err = fn(value); r.err == nil {
		r.err = validate(value)
	}
	if r.err != nil || d.before == nil && copier.Same(d.value, value) {
		return r
	}
	if d.before == nil {
		if r.draft.before, _, r.err = d.encode(); r.err != nil {
			r.err = fmt.Errorf("%s: encode the value: %w", st.at("update"), r.err)
			return r
		}
	}
	// The result is copied, because the caller may keep value and change it later.
	changed, ok := copier.Assign(d.value, value)
	if !ok {
		r.err = fmt.Errorf("%s: encode the new value: it is nested too deeply, or is a part of itself", st.at("update"))
	}
	r.changed = changed
	return r
}

// runDecoded is run for types that only their own methods, or encoding/json, can copy.
func (st *State[T]) runDecoded(d draft[T], fn func(*T) error) (r result[T]) {
	r.draft = d
	value := new(T)
	if r.err = json.Unmarshal(d.doc, value); r.err != nil {
		r.err = fmt.Errorf("%s: copy the value: %w", st.at("update"), r.err)
		return r
	}
	before := d.doc
	if !d.encoded {
		if before, r.err = marshal(value); r.err != nil {
			r.err = fmt.Errorf("%s: encode the value: %w", st.at("update"), r.err)
			return r
		}
	}
	if d.before == nil {
		r.draft.before = before
	}
	if r.err = fn(value); r.err == nil {
		r.err = validate(value)
	}
	if r.err != nil {
		return r
	}
	after, err := marshal(value)
	if err != nil {
		r.err = fmt.Errorf("%s: encode the new value: %w", st.at("update"), err)
		return r
	}
	r.changed = !bytes.Equal(before, after)
	r.draft.doc, r.draft.encoded = after, true
	return r
}

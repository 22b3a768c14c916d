package zkstate

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/zkstate/zkstate/internal/jsoncopy"
)

// draft is what the functions of a batch work on, one after another. Each gets a deep
// copy of its own; what it makes of that is the next draft.
type draft[T any] struct {
	// value is the draft of a type that can be copied by itself. Nobody else has it.
	value *T
	// doc is what other types are decoded from. It has T's encoding of the draft, or it is
	// the stored document.
	doc     []byte
	encoded bool
}

// draft returns what the first function of a batch works on. What a read returned is no
// draft: somebody may have written through it.
func (w *writer[T]) draft(cur *published[T]) (draft[T], error) {
	st := w.st
	switch {
	case cur.doc == nil: // it is rejected, and no good copy ever came
		doc, err := encode(st.initial)
		if err != nil {
			return draft[T]{}, callerError{fmt.Errorf("%s: encode the initial value: %w", st.at("update"), err)}
		}
		return st.decoded(draft[T]{doc: doc, encoded: true})
	case st.copier != nil && w.own != nil && w.ownVersion == cur.version:
		return draft[T]{value: w.own}, nil
	case cur.encoded != nil:
		return st.decoded(draft[T]{doc: cur.encoded, encoded: true})
	}
	return st.decoded(draft[T]{doc: cur.doc})
}

// decoded adds the value, if T can be copied by itself.
func (st *State[T]) decoded(d draft[T]) (draft[T], error) {
	if st.copier == nil {
		return d, nil
	}
	d.value = new(T)
	if err := json.Unmarshal(d.doc, d.value); err != nil {
		return d, fmt.Errorf("%s: copy the value: %w", st.at("update"), err)
	}
	return d, nil
}

// encode returns T's encoding of the draft, which is of a type that can be copied by
// itself, and whether decoding it gives the draft again.
func (d draft[T]) encode() (text []byte, kept bool, err error) {
	text, err = marshal(d.value)
	return text, err == nil && jsoncopy.Kept(text), err
}

// offer asks a caller to run its function now.
type offer[T any] struct {
	draft draft[T]
	ran   chan result[T] // it has room for one
}

// result is what a function did.
type result[T any] struct {
	draft   draft[T] // the next one, unless it failed
	changed bool
	before  []byte // where the draft is not a value: its encoding
	err     error  // its own, or Validate's, or why what it made cannot be stored
	gone    bool   // it panicked, or ended its goroutine: the caller is not there any more
}

// take runs a request's function in its caller's goroutine, where a panic belongs.
func (st *State[T]) take(o offer[T], r *request[T]) {
	result := result[T]{gone: true}
	defer func() { o.ran <- result }()
	result = st.run(o.draft, r.fn)
}

func (st *State[T]) run(d draft[T], fn func(*T) error) (r result[T]) {
	if d.value == nil {
		return st.runDecoded(d, fn)
	}
	value := st.copier.Copy(d.value)
	if r.err = fn(value); r.err == nil {
		r.err = validate(value)
	}
	r.draft = d
	if r.err == nil && !st.copier.Same(d.value, value) {
		// The caller may have kept value, or parts of it, and may leave at any time.
		if value = st.copier.Copy(value); value == nil {
			r.err = fmt.Errorf("%s: encode the new value: it is nested too deeply, or is a part of itself", st.at("update"))
			return r
		}
		r.changed, r.draft = true, draft[T]{value: value}
	}
	return r
}

// runDecoded is run for types that only their own methods, or encoding/json, can copy.
func (st *State[T]) runDecoded(d draft[T], fn func(*T) error) (r result[T]) {
	value := new(T)
	if r.err = json.Unmarshal(d.doc, value); r.err != nil {
		r.err = fmt.Errorf("%s: copy the value: %w", st.at("update"), r.err)
		return r
	}
	r.before = d.doc
	if !d.encoded {
		if r.before, r.err = marshal(value); r.err != nil {
			r.err = fmt.Errorf("%s: encode the value: %w", st.at("update"), r.err)
			return r
		}
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
	r.changed, r.draft = !bytes.Equal(r.before, after), draft[T]{doc: after, encoded: true}
	return r
}

package diff

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/zkstate/zkstate/internal/printable"
)

// Kind says what happened at a place.
type Kind uint8

// The kinds of change. Unchanged is a name only: it is never delivered.
const (
	Unchanged Kind = iota
	Added
	Removed
	Modified
)

var kindNames = [...]string{"unchanged", "added", "removed", "modified"}

// String returns the kind in lower case.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// MarshalText implements [encoding.TextMarshaler]. It is an error if k is none of
// the kinds, so that nothing is written that cannot be read.
func (k Kind) MarshalText() ([]byte, error) {
	if int(k) >= len(kindNames) {
		return nil, fmt.Errorf("%v is no kind of change", k)
	}
	return []byte(kindNames[k]), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (k *Kind) UnmarshalText(text []byte) error {
	i := slices.Index(kindNames[:], string(text))
	if i < 0 {
		return fmt.Errorf("%q is no kind of change", text)
	}
	*k = Kind(i)
	return nil
}

// Change is one difference between two documents. Values are JSON as it stood in
// the documents.
type Change struct {
	Kind Kind
	Path Path
	Old  json.RawMessage // set for Removed and Modified
	New  json.RawMessage // set for Added and Modified
}

// String returns the change as people read it:
//
//	~ /b 1 -> 2
//	+ /processes/2 "firefox*"
//	- /a 1
//
// A change of the whole document has (document) in the place of the pointer. What
// could break the line or steer a terminal is escaped.
func (c Change) String() string {
	place := printable.Line(c.Path.Pointer())
	if place == "" {
		place = "(document)"
	}
	switch c.Kind {
	case Added:
		return "+ " + place + " " + compact(c.New)
	case Removed:
		return "- " + place + " " + compact(c.Old)
	case Modified:
		return "~ " + place + " " + compact(c.Old) + " -> " + compact(c.New)
	}
	return "  " + place
}

// compact is a value on one line; a hand-written document may have line breaks.
func compact(value []byte) string { return printable.Line(string(appendCompact(nil, value))) }

// change is the form of a Change in JSON.
type change struct {
	Kind    Kind            `json:"kind"`
	Path    Path            `json:"path"`
	Pointer string          `json:"pointer"`
	Old     json.RawMessage `json:"old,omitempty"`
	New     json.RawMessage `json:"new,omitempty"`
}

// MarshalJSON writes an object with kind, path, pointer, and old and new where the
// kind has them.
func (c Change) MarshalJSON() ([]byte, error) {
	path := c.Path
	if path == nil {
		path = Path{}
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false) // whether < is escaped is for the caller's encoder to say
	err := enc.Encode(change{c.Kind, path, c.Path.Pointer(), c.Old, c.New})
	return out.Bytes(), err
}

// UnmarshalJSON reads what MarshalJSON wrote. The pointer is not needed; kind and
// path are: a change without a path must not become one of the whole document.
func (c *Change) UnmarshalJSON(text []byte) error {
	var in change
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	if in.Kind == Unchanged {
		return fmt.Errorf("a change must have a kind")
	}
	if in.Path == nil {
		return fmt.Errorf("a change must have a path")
	}
	*c = Change{in.Kind, in.Path, in.Old, in.New}
	return nil
}

// Invert returns the changes that lead back: Apply(new, Invert(Diff(old, new))) is
// old.
func Invert(changes []Change) []Change {
	inverse := make([]Change, len(changes))
	for i, c := range changes {
		c.Old, c.New = c.New, c.Old
		switch c.Kind {
		case Added:
			c.Kind = Removed
		case Removed:
			c.Kind = Added
		}
		inverse[len(changes)-1-i] = c
	}
	return inverse
}

package diff

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Step is one step of a [Path]: the key of an object or the index of a list. Steps
// are comparable with ==; the key "1" and the index 1 differ.
type Step struct {
	key     string
	index   int
	inArray bool
}

// Key returns a step to an object's member.
func Key(name string) Step { return Step{key: name} }

// Index returns a step to a list's element, counted from 0.
func Index(i int) Step { return Step{index: i, inArray: true} }

// IsIndex reports whether the step leads into a list.
func (s Step) IsIndex() bool { return s.inArray }

// Key returns the key of a step into an object, "" otherwise.
func (s Step) Key() string { return s.key }

// Index returns the index of a step into a list, 0 otherwise.
func (s Step) Index() int { return s.index }

// token is the step as it stands in a JSON Pointer.
func (s Step) token() string {
	if s.inArray {
		return strconv.Itoa(s.index)
	}
	return escaper.Replace(s.key)
}

var (
	escaper   = strings.NewReplacer("~", "~0", "/", "~1")
	unescaper = strings.NewReplacer("~1", "/", "~0", "~")
)

// Path leads from a document's root to a place in it. The empty Path is the whole
// document.
type Path []Step

// Pointer returns the path as a JSON Pointer (RFC 6901): "" is the whole document,
// "~" is written "~0" and "/" is written "~1".
func (p Path) Pointer() string {
	var b strings.Builder
	for _, step := range p {
		b.WriteByte('/')
		b.WriteString(step.token())
	}
	return b.String()
}

// String returns the pointer.
func (p Path) String() string { return p.Pointer() }

// MarshalJSON writes the steps as a list of strings and numbers.
func (p Path) MarshalJSON() ([]byte, error) {
	steps := make([]any, len(p))
	for i, s := range p {
		if steps[i] = any(s.key); s.inArray {
			steps[i] = s.index
		}
	}
	return json.Marshal(steps)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (p *Path) UnmarshalJSON(text []byte) error {
	var steps []any
	if err := json.Unmarshal(text, &steps); err != nil {
		return err
	}
	if steps == nil {
		return fmt.Errorf("null is no path")
	}
	path := make(Path, len(steps))
	for i, step := range steps {
		switch step := step.(type) {
		case string:
			path[i] = Key(step)
		case float64:
			if step < 0 || step != float64(int(step)) {
				return fmt.Errorf("path step %v is no index", step)
			}
			path[i] = Index(int(step))
		default:
			return fmt.Errorf("a path step is neither key nor index")
		}
	}
	*p = path
	return nil
}

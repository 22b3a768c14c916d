package jsoncopy

import (
	"bytes"
	"math"
	"reflect"
	"slices"
	"strings"
)

// equalScalar returns how values of a kind are compared that have nothing inside.
func equalScalar(kind reflect.Kind) func(a, b reflect.Value) bool {
	switch {
	case kind == reflect.Bool:
		return func(a, b reflect.Value) bool { return a.Bool() == b.Bool() }
	case kind == reflect.String:
		return func(a, b reflect.Value) bool { return a.String() == b.String() }
	case kind == reflect.Float32 || kind == reflect.Float64: // -0 is encoded as such
		return func(a, b reflect.Value) bool { return math.Float64bits(a.Float()) == math.Float64bits(b.Float()) }
	case reflect.Int <= kind && kind <= reflect.Int64:
		return func(a, b reflect.Value) bool { return a.Int() == b.Int() }
	}
	return func(a, b reflect.Value) bool { return a.Uint() == b.Uint() }
}

func (p *planner) slice(own *plan, t reflect.Type) bool {
	elem := p.plan(t.Elem())
	if t == reflect.TypeFor[[]string]() {
		own.copy = copyStrings
		own.equal = equalStrings
		return true
	}
	own.copy = func(to *memory, dst, src reflect.Value) {
		n := src.Len()
		switch {
		case src.IsNil():
			return
		case n == 0:
			dst.Set(reflect.MakeSlice(t, 0, 0))
			return
		}
		dst.SetZero()
		dst.Grow(n) // unlike MakeSlice, it allocates no header
		dst.SetLen(n)
		dst.SetCap(n)
		reflect.Copy(dst, src)
		if elem.copy == nil || !to.enter() {
			return
		}
		defer to.leave()
		for i := range n {
			elem.copy(to, dst.Index(i), src.Index(i))
		}
	}
	own.equal = func(a, b reflect.Value) bool {
		n := a.Len()
		if n != b.Len() || a.IsNil() != b.IsNil() {
			return false
		}
		if t.Elem().Kind() == reflect.Uint8 {
			return bytes.Equal(a.Bytes(), b.Bytes())
		}
		for i := range n {
			if !elem.equal(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	}
	return elem != nil
}

func copyStrings(to *memory, dst, src reflect.Value) {
	*dst.Addr().Interface().(*[]string) = to.clone(*src.Addr().Interface().(*[]string))
}

// memory is where a copy is put. Short lists of strings share allocations: there may be
// thousands, and together they are not much larger than what one of them may keep alive.
type memory struct {
	strings []string
	depth   int  // how many lists, maps and pointers the copy is in
	tooDeep bool // that were too many: the copy is of no use
}

// maxDepth is more than a document may have.
const maxDepth = 1000

// enter notes that the copy goes into a list, a map or a pointer, and reports whether it may.
func (m *memory) enter() bool {
	m.tooDeep = m.tooDeep || m.depth == maxDepth
	if !m.tooDeep {
		m.depth++
	}
	return !m.tooDeep
}

func (m *memory) leave() { m.depth-- }

const (
	sharedStrings = 64 // in one allocation, at most
	shortStrings  = 8  // a list that gets a part of one
)

func (m *memory) clone(list []string) []string {
	n := len(list)
	if n == 0 || n > shortStrings {
		return slices.Clone(list)
	}
	if cap(m.strings)-len(m.strings) < n {
		m.strings = make([]string, 0, max(n, min(2*cap(m.strings), sharedStrings)))
	}
	start := len(m.strings)
	m.strings = append(m.strings, list...)
	return m.strings[start : start+n : start+n]
}

func equalStrings(a, b reflect.Value) bool {
	x, y := *a.Addr().Interface().(*[]string), *b.Addr().Interface().(*[]string)
	return (x == nil) == (y == nil) && slices.Equal(x, y)
}

func (p *planner) array(own *plan, t reflect.Type) bool {
	elem := p.plan(t.Elem())
	own.copy = func(to *memory, dst, src reflect.Value) {
		for i := range t.Len() {
			elem.deepen(to, dst.Index(i), src.Index(i))
		}
	}
	own.equal = func(a, b reflect.Value) bool {
		for i := range t.Len() {
			if !elem.equal(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	}
	return elem != nil
}

func (p *planner) mapping(own *plan, t reflect.Type) bool {
	key, elem := p.plan(t.Key()), p.plan(t.Elem())
	own.copy = func(to *memory, dst, src reflect.Value) {
		if src.IsNil() || !to.enter() {
			return
		}
		defer to.leave()
		dst.Set(reflect.MakeMapWithSize(t, src.Len()))
		for entries := src.MapRange(); entries.Next(); {
			dst.SetMapIndex(entries.Key(), elem.own(to, entries.Value()))
		}
	}
	own.equal = func(a, b reflect.Value) bool {
		if a.Len() != b.Len() || a.IsNil() != b.IsNil() {
			return false
		}
		for entries := a.MapRange(); entries.Next(); {
			other := b.MapIndex(entries.Key())
			if !other.IsValid() || !elem.equal(addressable(entries.Value()), addressable(other)) {
				return false
			}
		}
		return true
	}
	return key != nil && isKey(t.Key().Kind()) && elem != nil
}

// own returns a deep copy of a map's element.
func (p *plan) own(to *memory, element reflect.Value) reflect.Value {
	if p.copy == nil {
		return element
	}
	src := addressable(element)
	dst := addressable(element)
	p.copy(to, dst, src)
	return dst
}

// addressable returns a shallow copy of a map's element.
func addressable(element reflect.Value) reflect.Value {
	v := reflect.New(element.Type()).Elem()
	v.Set(element)
	return v
}

func isKey(kind reflect.Kind) bool {
	return kind == reflect.String || reflect.Int <= kind && kind <= reflect.Uintptr
}

func (p *planner) pointer(own *plan, t reflect.Type) bool {
	switch t.Elem().Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map: // null would be the pointer, not what it points to
		return false
	}
	elem := p.plan(t.Elem())
	own.copy = func(to *memory, dst, src reflect.Value) {
		if src.IsNil() || !to.enter() {
			return
		}
		defer to.leave()
		dst.Set(reflect.New(t.Elem()))
		dst.Elem().Set(src.Elem())
		elem.deepen(to, dst.Elem(), src.Elem())
	}
	own.equal = func(a, b reflect.Value) bool {
		return a.Pointer() == b.Pointer() || !a.IsNil() && !b.IsNil() && elem.equal(a.Elem(), b.Elem())
	}
	return elem != nil
}

// field is a field of a struct that is encoded.
type field struct {
	*plan
	index      int
	emptyIsNil bool // it is left out if it is an empty list or map
}

func (p *planner) structure(own *plan, t reflect.Type) bool {
	fields, whole, ok := p.fields(t)
	if !ok {
		return false
	}
	own.equal = func(a, b reflect.Value) bool {
		for _, f := range fields {
			x, y := a.Field(f.index), b.Field(f.index)
			if f.emptyIsNil && x.Len() == 0 && y.Len() == 0 {
				continue
			}
			if !f.equal(x, y) {
				return false
			}
		}
		return true
	}
	if !whole {
		own.copy = func(to *memory, dst, src reflect.Value) {
			dst.SetZero() // of what is not encoded
			for _, f := range fields {
				dst.Field(f.index).Set(src.Field(f.index))
				f.set(to, dst.Field(f.index), src.Field(f.index))
			}
		}
		return true
	}
	var deep []field
	for _, f := range fields {
		if f.copy != nil || f.emptyIsNil || f.equal == nil { // the last: it is met inside itself
			deep = append(deep, f)
		}
	}
	if len(deep) > 0 {
		own.copy = func(to *memory, dst, src reflect.Value) {
			for _, f := range deep {
				f.set(to, dst.Field(f.index), src.Field(f.index))
			}
		}
	}
	return true
}

// set makes dst, a shallow copy of the field, a deep one.
func (f field) set(to *memory, dst, src reflect.Value) {
	if f.emptyIsNil && src.Len() == 0 {
		dst.SetZero()
		return
	}
	f.deepen(to, dst, src)
}

// fields returns those that are encoded. whole is false if there are others.
func (p *planner) fields(t reflect.Type) (fields []field, whole, ok bool) {
	names := make(map[string]bool)
	whole = true
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		switch {
		case f.Anonymous:
			return nil, false, false
		case tag == "-", !f.IsExported():
			whole = false
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		if name == "" {
			name = f.Name
		}
		if names[name] || !ordinary(name) || strings.Contains(options, "string") {
			return nil, false, false
		}
		names[name] = true
		plan := p.plan(f.Type)
		if plan == nil {
			return nil, false, false
		}
		kind := f.Type.Kind()
		emptyIsNil := strings.Contains(options, "omitempty") && (kind == reflect.Slice || kind == reflect.Map)
		fields = append(fields, field{plan, i, emptyIsNil})
	}
	return fields, whole, true
}

// ordinary reports whether encoding/json takes a name as it is.
func ordinary(name string) bool {
	return name != "" && strings.Trim(name, "_-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}

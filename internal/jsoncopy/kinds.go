package jsoncopy

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"unsafe"
)

// equalScalar returns how values of a kind are compared that have nothing inside.
func equalScalar(t reflect.Type) func(a, b unsafe.Pointer) bool {
	if t.Kind() == reflect.String {
		return func(a, b unsafe.Pointer) bool { return *(*string)(a) == *(*string)(b) }
	}
	switch t.Size() { // floats too: -0 is encoded as such, and NaN not at all
	case 1:
		return func(a, b unsafe.Pointer) bool { return *(*uint8)(a) == *(*uint8)(b) }
	case 2:
		return func(a, b unsafe.Pointer) bool { return *(*uint16)(a) == *(*uint16)(b) }
	case 4:
		return func(a, b unsafe.Pointer) bool { return *(*uint32)(a) == *(*uint32)(b) }
	}
	return func(a, b unsafe.Pointer) bool { return *(*uint64)(a) == *(*uint64)(b) }
}

// sliceHeader is how a slice is laid out in memory.
type sliceHeader struct {
	data     unsafe.Pointer
	len, cap int
}

func (p *planner) slice(own *plan, t reflect.Type) bool {
	elem, size := p.plan(t.Elem()), t.Elem().Size()
	if t == reflect.TypeFor[[]string]() {
		own.copy = func(to *memory, dst, src unsafe.Pointer) { *(*[]string)(dst) = to.clone(*(*[]string)(src)) }
		own.equal = func(a, b unsafe.Pointer) bool {
			x, y := *(*[]string)(a), *(*[]string)(b)
			return (x == nil) == (y == nil) && slices.Equal(x, y)
		}
		return true
	}
	own.copy = func(to *memory, dst, src unsafe.Pointer) {
		from := reflect.NewAt(t, src).Elem()
		if from.IsNil() {
			return
		}
		n := from.Len()
		made := reflect.NewAt(t, dst).Elem()
		made.Set(reflect.MakeSlice(t, n, n))
		reflect.Copy(made, from)
		if elem.copy == nil || n == 0 || !to.enter() {
			return
		}
		defer to.leave()
		d, s := (*sliceHeader)(dst).data, (*sliceHeader)(src).data
		for i := range uintptr(n) {
			elem.copy(to, unsafe.Add(d, i*size), unsafe.Add(s, i*size))
		}
	}
	own.equal = func(a, b unsafe.Pointer) bool {
		x, y := (*sliceHeader)(a), (*sliceHeader)(b)
		if x.len != y.len || (x.data == nil) != (y.data == nil) {
			return false
		}
		if t.Elem().Kind() == reflect.Uint8 {
			return bytes.Equal(unsafe.Slice((*byte)(x.data), x.len), unsafe.Slice((*byte)(y.data), y.len))
		}
		for i := range uintptr(x.len) {
			if !elem.equal(unsafe.Add(x.data, i*size), unsafe.Add(y.data, i*size)) {
				return false
			}
		}
		return true
	}
	if elem == nil || elem.assign == nil {
		return elem != nil
	}
	own.assign = func(to *memory, dst, src unsafe.Pointer) (changed bool) {
		x, y := (*sliceHeader)(dst), (*sliceHeader)(src)
		if x.len != y.len || x.len == 0 {
			return own.replace(to, dst, src)
		}
		for i := range uintptr(x.len) {
			if elem.set(to, unsafe.Add(x.data, i*size), unsafe.Add(y.data, i*size)) {
				changed = true
			}
		}
		return changed
	}
	return true
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

func (p *planner) array(own *plan, t reflect.Type) bool {
	elem, n, size := p.plan(t.Elem()), uintptr(t.Len()), t.Elem().Size()
	own.copy = func(to *memory, dst, src unsafe.Pointer) {
		for i := range n {
			elem.deepen(to, unsafe.Add(dst, i*size), unsafe.Add(src, i*size))
		}
	}
	own.equal = func(a, b unsafe.Pointer) bool {
		for i := range n {
			if !elem.equal(unsafe.Add(a, i*size), unsafe.Add(b, i*size)) {
				return false
			}
		}
		return true
	}
	return elem != nil
}

func (p *planner) mapping(own *plan, t reflect.Type) bool {
	key, elem := p.plan(t.Key()), p.plan(t.Elem())
	own.copy = func(to *memory, dst, src unsafe.Pointer) {
		from := reflect.NewAt(t, src).Elem()
		if from.IsNil() || !to.enter() {
			return
		}
		defer to.leave()
		made := reflect.MakeMapWithSize(t, from.Len())
		reflect.NewAt(t, dst).Elem().Set(made)
		for entries := from.MapRange(); entries.Next(); {
			made.SetMapIndex(entries.Key(), elem.own(to, entries.Value()))
		}
	}
	own.equal = func(a, b unsafe.Pointer) bool {
		x, y := reflect.NewAt(t, a).Elem(), reflect.NewAt(t, b).Elem()
		if x.Len() != y.Len() || x.IsNil() != y.IsNil() {
			return false
		}
		for entries := x.MapRange(); entries.Next(); {
			other := y.MapIndex(entries.Key())
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
	dst := addressable(element)
	p.copy(to, dst, addressable(element))
	return reflect.NewAt(element.Type(), dst).Elem()
}

// addressable returns where a shallow copy of a map's element is.
func addressable(element reflect.Value) unsafe.Pointer {
	v := reflect.New(element.Type())
	v.Elem().Set(element)
	return v.UnsafePointer()
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
	own.copy = func(to *memory, dst, src unsafe.Pointer) {
		from := *(*unsafe.Pointer)(src)
		if from == nil || !to.enter() {
			return
		}
		defer to.leave()
		made := reflect.New(t.Elem())
		made.Elem().Set(reflect.NewAt(t.Elem(), from).Elem())
		*(*unsafe.Pointer)(dst) = made.UnsafePointer()
		elem.deepen(to, made.UnsafePointer(), from)
	}
	own.equal = func(a, b unsafe.Pointer) bool {
		x, y := *(*unsafe.Pointer)(a), *(*unsafe.Pointer)(b)
		return x == y || x != nil && y != nil && elem.equal(x, y)
	}
	return elem != nil
}

// field is a field of a struct that is encoded.
type field struct {
	*plan
	reflect.StructField
	emptyIsNil bool // it is left out if it is an empty list or map
}

func (p *planner) structure(own *plan, t reflect.Type) bool {
	fields, whole, ok := p.fields(t)
	if !ok {
		return false
	}
	own.equal = func(a, b unsafe.Pointer) bool {
		for i := range fields {
			f := &fields[i]
			x, y := unsafe.Add(a, f.Offset), unsafe.Add(b, f.Offset)
			if f.emptyIsNil && f.empty(x) && f.empty(y) {
				continue
			}
			if !f.equal(x, y) {
				return false
			}
		}
		return true
	}
	own.assign = func(to *memory, dst, src unsafe.Pointer) (changed bool) {
		for i := range fields {
			f := &fields[i]
			x, y := unsafe.Add(dst, f.Offset), unsafe.Add(src, f.Offset)
			switch {
			case !f.emptyIsNil || !f.empty(y):
				if f.set(to, x, y) {
					changed = true
				}
			case !f.empty(x):
				reflect.NewAt(f.Type, x).Elem().SetZero()
				changed = true
			}
		}
		return changed
	}
	if !whole {
		own.copy = func(to *memory, dst, src unsafe.Pointer) {
			made, from := reflect.NewAt(t, dst).Elem(), reflect.NewAt(t, src).Elem()
			made.SetZero() // of what is not encoded
			for i := range fields {
				f := &fields[i]
				made.FieldByIndex(f.Index).Set(from.FieldByIndex(f.Index))
				f.own(to, unsafe.Add(dst, f.Offset), unsafe.Add(src, f.Offset))
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
		own.copy = func(to *memory, dst, src unsafe.Pointer) {
			for i := range deep {
				f := &deep[i]
				f.own(to, unsafe.Add(dst, f.Offset), unsafe.Add(src, f.Offset))
			}
		}
	}
	return true
}

// own makes dst, a shallow copy of the field, a deep one.
func (f *field) own(to *memory, dst, src unsafe.Pointer) {
	if f.emptyIsNil && f.empty(src) {
		reflect.NewAt(f.Type, dst).Elem().SetZero()
		return
	}
	f.deepen(to, dst, src)
}

// empty reports whether a list or a map is empty.
func (f *field) empty(at unsafe.Pointer) bool { return reflect.NewAt(f.Type, at).Elem().Len() == 0 }

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
		fields = append(fields, field{plan, f, emptyIsNil})
	}
	return fields, whole, true
}

// ordinary reports whether encoding/json takes a name as it is.
func ordinary(name string) bool {
	return name != "" && strings.Trim(name, "_-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}

package jsoncopy

import (
	"bytes"
	"reflect"
	"slices"
	"unsafe"
)

// header is how a slice is laid out in memory.
type header struct {
	data     unsafe.Pointer
	len, cap int
}

// list plans for slices of a type.
type list struct {
	own, elem *plan
	size      uintptr // of an element
}

func (p *planner) slice(own *plan, t reflect.Type) bool {
	if t == reflect.TypeFor[[]string]() {
		own.copy = func(to *memory, dst, src unsafe.Pointer) { *(*[]string)(dst) = to.clone(*(*[]string)(src)) }
		own.equal = func(a, b unsafe.Pointer) bool {
			x, y := *(*[]string)(a), *(*[]string)(b)
			return (x == nil) == (y == nil) && slices.Equal(x, y)
		}
		return true
	}
	l := list{own, p.plan(t.Elem()), t.Elem().Size()}
	if l.elem == nil {
		return false
	}
	own.copy, own.equal = l.copy, l.equal
	if t.Elem().Kind() == reflect.Uint8 {
		own.equal = equalBytes
	}
	if l.elem.assign != nil {
		own.assign = l.assign
	}
	return true
}

func (l list) copy(to *memory, dst, src unsafe.Pointer) {
	from := reflect.NewAt(l.own.typ, src).Elem()
	if from.IsNil() {
		return
	}
	n := from.Len()
	made := reflect.NewAt(l.own.typ, dst).Elem()
	made.Set(reflect.MakeSlice(l.own.typ, n, n))
	reflect.Copy(made, from)
	if l.elem.copy == nil || n == 0 || !to.enter() {
		return
	}
	defer to.leave()
	d, s := (*header)(dst).data, (*header)(src).data
	for i := range uintptr(n) {
		l.elem.copy(to, unsafe.Add(d, i*l.size), unsafe.Add(s, i*l.size))
	}
}

func (l list) equal(a, b unsafe.Pointer) bool {
	x, y := (*header)(a), (*header)(b)
	if x.len != y.len || (x.data == nil) != (y.data == nil) {
		return false
	}
	for i := range uintptr(x.len) {
		if !l.elem.equal(unsafe.Add(x.data, i*l.size), unsafe.Add(y.data, i*l.size)) {
			return false
		}
	}
	return true
}

func (l list) assign(to *memory, dst, src unsafe.Pointer) (changed bool) {
	x, y := (*header)(dst), (*header)(src)
	if x.len != y.len || x.len == 0 {
		return l.own.replace(to, dst, src)
	}
	for i := range uintptr(x.len) {
		if l.elem.set(to, unsafe.Add(x.data, i*l.size), unsafe.Add(y.data, i*l.size)) {
			changed = true
		}
	}
	return changed
}

func equalBytes(a, b unsafe.Pointer) bool {
	x, y := *(*[]byte)(a), *(*[]byte)(b)
	return (x == nil) == (y == nil) && bytes.Equal(x, y)
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

package jsoncopy

import (
	"reflect"
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

package jsoncopy

import (
	"reflect"
	"unsafe"
)

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

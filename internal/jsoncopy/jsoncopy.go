// Package jsoncopy makes the deep copy that encoding a value to JSON and decoding it
// again would make, and compares values as their JSON would be, for types where that can
// be done without the detour: some twenty times as fast.
package jsoncopy

import (
	"bytes"
	"encoding/json"
	"reflect"
	"sync"
)

// Copier copies and compares values of T. It may be used concurrently.
type Copier[T any] struct{ plan *plan }

// Of returns a Copier of T, or nil if T is not made of what it knows well enough:
// booleans, numbers and strings; lists, arrays, and maps by strings or integers, of
// those; structs of those without embedded ones; pointers to what cannot be null
// itself. A type that has a say in its encoding is none of them, nor is an interface.
func Of[T any]() *Copier[T] {
	t := reflect.TypeFor[T]()
	if known, ok := copiers.Load(t); ok {
		return known.(*Copier[T])
	}
	p := planner{met: make(map[reflect.Type]*plan)}
	var made *Copier[T]
	if plan := p.plan(t); plan != nil {
		made = &Copier[T]{plan}
	}
	copiers.Store(t, made)
	return made
}

// copiers are those that were made already, by their types.
var copiers sync.Map

// Copy returns a copy that shares no memory with value but that of strings. It is what
// encoding and decoding makes of value, if that succeeds and [Kept] is true of the text.
// It is nil if value is nested too deeply: it may be a part of itself.
func (c *Copier[T]) Copy(value *T) *T {
	made := new(T)
	*made = *value
	to := new(memory)
	c.plan.deepen(to, reflect.ValueOf(made).Elem(), reflect.ValueOf(value).Elem())
	if to.tooDeep {
		return nil
	}
	return made
}

// Same reports whether two values have the same encoding. It may say no where both are
// left out, as a list that is empty and one that is nil.
func (c *Copier[T]) Same(a, b *T) bool {
	return c.plan.equal(reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem())
}

// Kept reports whether all strings of a value survived its encoding. encoding/json writes
// a byte that is not UTF-8 like this; a text that says so itself is not told from it.
func Kept(encoded []byte) bool { return !bytes.Contains(encoded, []byte(`\ufffd`)) }

// plan is how values of a type are copied and compared.
type plan struct {
	copy  func(to *memory, dst, src reflect.Value) // nil: dst is right as it is
	equal func(a, b reflect.Value) bool
}

// deepen makes of dst, which is a shallow copy of src, a deep one.
func (p *plan) deepen(to *memory, dst, src reflect.Value) {
	if p.copy != nil {
		p.copy(to, dst, src)
	}
}

// planner looks at each type once, however often it is met.
type planner struct{ met map[reflect.Type]*plan }

// plan returns how values of t are copied, nil if it is not plain. One that is met inside
// itself is still empty then.
func (p *planner) plan(t reflect.Type) *plan {
	if t == reflect.TypeFor[json.Number]() || hasSay(t) {
		return nil
	}
	if known, ok := p.met[t]; ok {
		return known
	}
	own := new(plan)
	p.met[t] = own
	if !p.fill(own, t) {
		p.met[t] = nil
		return nil
	}
	return own
}

// hasSay reports whether values of t, or their addresses, have a method that
// encoding/json asks.
func hasSay(t reflect.Type) bool {
	for _, name := range []string{"MarshalJSON", "MarshalText", "UnmarshalJSON", "UnmarshalText", "IsZero"} {
		if _, has := reflect.PointerTo(t).MethodByName(name); has {
			return true
		}
	}
	return false
}

// fill plans for t, and reports false if it is not plain.
func (p *planner) fill(own *plan, t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Bool, reflect.String, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		own.equal = equalScalar(t.Kind())
		return true
	case reflect.Slice:
		return p.slice(own, t)
	case reflect.Array:
		return p.array(own, t)
	case reflect.Map:
		return p.mapping(own, t)
	case reflect.Pointer:
		return p.pointer(own, t)
	case reflect.Struct:
		return p.structure(own, t)
	}
	return false
}

// Package jsoncopy makes the deep copy that encoding a value to JSON and decoding it
// again would make, and compares values as their JSON would be, for types where that can
// be done without the detour: many times as fast.
package jsoncopy

import (
	"bytes"
	"encoding/json"
	"reflect"
	"sync"
	"unsafe"
)

// Copier copies and compares values of T. It may be used concurrently.
type Copier[T any] struct {
	plan      *plan
	recursive bool // a value may be a part of itself
}

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
		made = &Copier[T]{plan, p.recursive}
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
	c.plan.deepen(to, unsafe.Pointer(made), unsafe.Pointer(value))
	if to.tooDeep {
		return nil
	}
	return made
}

// Assign makes *dst what [Copier.Copy] of src is, and reports whether it was something
// else. It keeps those parts of *dst that are the same already. It reports !ok, and changes
// nothing, if src is nested too deeply.
func (c *Copier[T]) Assign(dst, src *T) (changed, ok bool) {
	if !c.recursive {
		return c.plan.set(new(memory), unsafe.Pointer(dst), unsafe.Pointer(src)), true
	}
	if c.Same(dst, src) {
		return false, true
	}
	made := c.Copy(src)
	if made == nil {
		return false, false
	}
	*dst = *made
	return true, true
}

// Same reports whether two values have the same encoding. It may say no where both are
// left out, as a list that is empty and one that is nil.
func (c *Copier[T]) Same(a, b *T) bool {
	return c.plan.equal(unsafe.Pointer(a), unsafe.Pointer(b))
}

// Kept reports whether all strings of a value survived its encoding. encoding/json writes
// a byte that is not UTF-8 as the escape \ufffd, and nothing else.
func Kept(encoded []byte) bool {
	for {
		before, after, found := bytes.Cut(encoded, []byte(`\ufffd`))
		if !found {
			return true
		}
		backslashes := len(before) - len(bytes.TrimRight(before, `\`))
		if backslashes%2 == 0 { // else the last of them stands for a backslash, with the one that was found
			return false
		}
		encoded = after
	}
}

// plan is how values of a type are copied and compared.
type plan struct {
	copy  func(to *memory, dst, src unsafe.Pointer) // nil: dst is right as it is
	equal func(a, b unsafe.Pointer) bool

	// assign is replace for what has parts of which some may stay; nil: there are none.
	assign func(to *memory, dst, src unsafe.Pointer) (changed bool)
	typ    reflect.Type
}

// set makes dst a deep copy of src, and reports whether it was something else.
func (p *plan) set(to *memory, dst, src unsafe.Pointer) (changed bool) {
	if p.assign != nil {
		return p.assign(to, dst, src)
	}
	return p.replace(to, dst, src)
}

// replace is set for a value as a whole.
func (p *plan) replace(to *memory, dst, src unsafe.Pointer) (changed bool) {
	if p.equal(dst, src) {
		return false
	}
	reflect.NewAt(p.typ, dst).Elem().Set(reflect.NewAt(p.typ, src).Elem())
	p.deepen(to, dst, src)
	return true
}

// deepen makes of dst, which is a shallow copy of src, a deep one.
func (p *plan) deepen(to *memory, dst, src unsafe.Pointer) {
	if p.copy != nil {
		p.copy(to, dst, src)
	}
}

// planner looks at each type once, however often it is met.
type planner struct {
	met       map[reflect.Type]*plan
	recursive bool // a type was met inside itself
}

// plan returns how values of t are copied, nil if it is not plain. One that is met inside
// itself is still empty then.
func (p *planner) plan(t reflect.Type) *plan {
	if t == reflect.TypeFor[json.Number]() || hasSay(t) {
		return nil
	}
	if known, ok := p.met[t]; ok {
		p.recursive = p.recursive || known != nil && known.equal == nil
		return known
	}
	own := &plan{typ: t}
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
		own.equal = equalScalar(t)
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

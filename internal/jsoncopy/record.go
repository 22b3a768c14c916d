package jsoncopy

import (
	"reflect"
	"strings"
	"unsafe"
)

// record plans for a struct.
type record struct {
	own    *plan
	fields []field // that are encoded
	deep   []field // that a shallow copy does not copy
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
	r := &record{own: own, fields: fields}
	for _, f := range fields {
		if f.copy != nil || f.emptyIsNil || f.equal == nil { // the last: it is met inside itself
			r.deep = append(r.deep, f)
		}
	}
	own.equal, own.assign = r.equal, r.assign
	switch {
	case !whole:
		own.copy = r.copyPart
	case len(r.deep) > 0:
		own.copy = r.copy
	}
	return true
}

func (r *record) copy(to *memory, dst, src unsafe.Pointer) {
	for i := range r.deep {
		f := &r.deep[i]
		f.own(to, unsafe.Add(dst, f.Offset), unsafe.Add(src, f.Offset))
	}
}

// copyPart is copy for a struct with fields that are not encoded. They are zero in a copy.
func (r *record) copyPart(to *memory, dst, src unsafe.Pointer) {
	made, from := reflect.NewAt(r.own.typ, dst).Elem(), reflect.NewAt(r.own.typ, src).Elem()
	made.SetZero()
	for i := range r.fields {
		f := &r.fields[i]
		made.FieldByIndex(f.Index).Set(from.FieldByIndex(f.Index))
	}
	r.copy(to, dst, src)
}

func (r *record) equal(a, b unsafe.Pointer) bool {
	for i := range r.fields {
		f := &r.fields[i]
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

func (r *record) assign(to *memory, dst, src unsafe.Pointer) (changed bool) {
	for i := range r.fields {
		f := &r.fields[i]
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

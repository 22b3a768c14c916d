package zkstate

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/zkstate/zkstate/diff"
)

// ambiguous finds an object in doc, a good document, with two keys that encoding/json
// reads into the same field of a T, since they differ from its name only in case. Which
// of them counts, another reader cannot know. Keys of maps, and of what T does not know,
// may differ only in case.
func ambiguous[T any](doc []byte) (where diff.Path, found bool) {
	f := fieldFinder{known: make(map[reflect.Type]fields)}
	return f.ambiguous(reflect.TypeFor[T](), doc, nil)
}

// fields are those of a struct, by their names in JSON.
type fields map[string]reflect.Type

// maxPointers is more than any type has one behind another, but for one that points to itself.
const maxPointers = 16

// fieldFinder looks at each type once.
type fieldFinder struct{ known map[reflect.Type]fields }

func (f fieldFinder) ambiguous(t reflect.Type, doc []byte, at diff.Path) (where diff.Path, found bool) {
	for range maxPointers {
		if t.Kind() != reflect.Pointer || decodesItself(t) {
			break
		}
		t = t.Elem()
	}
	if decodesItself(t) {
		return nil, false
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Array:
		var elements []json.RawMessage
		_ = json.Unmarshal(doc, &elements) // it may be null, or a string for bytes
		for i, element := range elements {
			if where, found := f.ambiguous(t.Elem(), element, append(at, diff.Index(i))); found {
				return where, true
			}
		}
	case reflect.Map:
		for key, member := range members(doc) {
			if where, found := f.ambiguous(t.Elem(), member, append(at, diff.Key(key))); found {
				return where, true
			}
		}
	case reflect.Struct:
		return f.ambiguousStruct(f.of(t), doc, at)
	}
	return nil, false
}

func (f fieldFinder) ambiguousStruct(known fields, doc []byte, at diff.Path) (where diff.Path, found bool) {
	object := members(doc)
	keys := slices.Sorted(maps.Keys(object))
	for _, name := range slices.Sorted(maps.Keys(known)) {
		fits := slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return !strings.EqualFold(key, name) })
		inexact := slices.IndexFunc(fits, func(key string) bool { return known[key] == nil })
		if len(fits) > 1 && inexact >= 0 {
			return append(slices.Clone(at), diff.Key(fits[inexact])), true
		}
		for _, key := range fits {
			if where, found := f.ambiguous(known[name], object[key], append(at, diff.Key(key))); found {
				return where, true
			}
		}
	}
	return nil, false
}

// members returns what is in an object, nothing for any other value.
func members(doc []byte) (found map[string]json.RawMessage) {
	_ = json.Unmarshal(doc, &found)
	return found
}

// of returns the fields of a struct and, where it has none of that name, those of the
// structs that it embeds.
func (f fieldFinder) of(t reflect.Type) fields {
	found, ok := f.known[t]
	if ok {
		return found
	}
	found = make(fields)
	f.known[t] = found // for what embeds itself
	var embedded []reflect.Type
	for i := range t.NumField() {
		field := t.Field(i)
		tag := field.Tag.Get("json")
		name, _, _ := strings.Cut(tag, ",")
		inner := field.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		switch {
		case tag == "-":
		case field.Anonymous && name == "" && inner.Kind() == reflect.Struct:
			embedded = append(embedded, inner)
		case field.IsExported() && name == "":
			found[field.Name] = field.Type
		case field.IsExported():
			found[name] = field.Type
		}
	}
	for _, inner := range embedded {
		for name, field := range f.of(inner) {
			if found[name] == nil {
				found[name] = field
			}
		}
	}
	return found
}

// decodesItself reports whether encoding/json asks the type.
func decodesItself(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]())
}

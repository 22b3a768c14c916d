package zkstate

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/zkstate/zkstate/diff"
)

// ambiguous finds an object in doc, a good document, with two keys that encoding/json
// reads into the same field of a T, since they differ from its name only in case. Which
// of them counts, another reader cannot know. Keys of maps, and of what T does not know,
// may differ only in case.
func ambiguous[T any](doc []byte) (where diff.Path, found bool) {
	f := fieldFinder{text: json.NewDecoder(bytes.NewReader(doc)), known: make(map[reflect.Type]fields)}
	f.text.UseNumber()
	f.value(reflect.TypeFor[T](), nil)
	return f.where, f.where != nil
}

// fieldFinder reads the text once, and looks at each type once.
type fieldFinder struct {
	text  *json.Decoder
	known map[reflect.Type]fields
	where diff.Path // the key that was found
}

// fields are those of a struct.
type fields struct {
	exact  map[string]reflect.Type // by their names in JSON
	folded map[string]reflect.Type // by those names, folded
}

// value reads the next value, which is decoded into a t, or into nothing if t is nil. It
// reports whether to stop: a key was found, or the text ends.
func (f *fieldFinder) value(t reflect.Type, at diff.Path) (stop bool) {
	if t = container(t); t == nil {
		return f.text.Decode(new(json.RawMessage)) != nil
	}
	token, err := f.text.Token()
	switch token {
	case json.Delim('['):
		return f.elements(t, at)
	case json.Delim('{'):
		return f.members(t, at)
	}
	return err != nil // it may be null, or a string for bytes
}

func (f *fieldFinder) elements(t reflect.Type, at diff.Path) (stop bool) {
	var elem reflect.Type
	if t.Kind() == reflect.Slice || t.Kind() == reflect.Array {
		elem = t.Elem()
	}
	for i := 0; f.text.More(); i++ {
		if f.value(elem, append(at, diff.Index(i))) {
			return true
		}
	}
	_, err := f.text.Token()
	return err != nil
}

func (f *fieldFinder) members(t reflect.Type, at diff.Path) (stop bool) {
	seen := make(map[string]string) // the keys that fit fields, by their folded names
	for f.text.More() {
		token, err := f.text.Token()
		key, isKey := token.(string)
		if err != nil || !isKey {
			return true
		}
		var member reflect.Type
		switch t.Kind() {
		case reflect.Map:
			member = t.Elem()
		case reflect.Struct:
			var twice string
			if member, twice = f.of(t).take(key, seen); twice != "" {
				f.where = append(slices.Clone(at), diff.Key(twice))
				return true
			}
		}
		if f.value(member, append(at, diff.Key(key))) {
			return true
		}
	}
	_, err := f.text.Token()
	return err != nil
}

// take returns the type of the field that a key fits, nil if there is none. If a key in seen
// fits it too, twice is that one of the two which is not a field's name as it is.
func (f fields) take(key string, seen map[string]string) (field reflect.Type, twice string) {
	name := folded(key)
	field = f.exact[key]
	inexact := field == nil
	if inexact {
		field = f.folded[name]
	}
	if field == nil {
		return nil, ""
	}
	switch other, met := seen[name]; {
	case !met:
		seen[name] = key
	case f.exact[other] == nil:
		return field, other
	case inexact:
		return field, key
	}
	return field, ""
}

// folded returns what is the same for all texts that differ only in case.
func folded(text string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		return least
	}, text)
}

// maxPointers is more than any type has one behind another, but for one that points to itself.
const maxPointers = 16

// container returns the list, map or struct that encoding/json decodes a t into by itself,
// nil if it is none.
func container(t reflect.Type) reflect.Type {
	for range maxPointers {
		if t == nil || t.Kind() != reflect.Pointer || decodesItself(t) {
			break
		}
		t = t.Elem()
	}
	if t == nil || decodesItself(t) {
		return nil
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map, reflect.Struct:
		return t
	}
	return nil
}

// of returns the fields of a struct and, where it has none of that name, those of the
// structs that it embeds.
func (f *fieldFinder) of(t reflect.Type) fields {
	found, ok := f.known[t]
	if ok {
		return found
	}
	found = fields{make(map[string]reflect.Type), make(map[string]reflect.Type)}
	f.known[t] = found // for what embeds itself
	var embedded []reflect.Type
	for i := range t.NumField() {
		field := t.Field(i)
		name := tagName(field)
		inner := field.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		embeds := field.Anonymous && inner.Kind() == reflect.Struct
		switch {
		case field.Tag.Get("json") == "-":
		case embeds && name == "":
			embedded = append(embedded, inner)
		case field.IsExported() && name == "":
			found.add(field.Name, field.Type)
		case field.IsExported() || embeds:
			found.add(name, field.Type)
		}
	}
	for _, inner := range embedded {
		for name, field := range f.of(inner).exact {
			found.add(name, field)
		}
	}
	return found
}

// add adds a field, unless there is one of that name.
func (f fields) add(name string, t reflect.Type) {
	if f.exact[name] == nil {
		f.exact[name] = t
	}
	if fold := folded(name); f.folded[fold] == nil {
		f.folded[fold] = t
	}
}

// tagName returns the name that a field's tag gives it in JSON, nothing if there is none, or
// one that encoding/json ignores.
func tagName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	odd := strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(" !#$%&()*+-./:;<=>?@[]^_{|}~", r)
	})
	if odd {
		return ""
	}
	return name
}

// decodesItself reports whether encoding/json asks the type.
func decodesItself(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]())
}

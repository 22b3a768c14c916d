package zkstate

import (
	"cmp"
	"reflect"
	"slices"
	"sync"

	"github.com/zkstate/zkstate/diff"
)

// byKey is how lists of T's document pair their elements: by the fields that are
// tagged
//
//	ID string `json:"id" zkstate:"key"`
//
// anywhere in T. Then an element is the same one wherever it moved and however it
// changed, in change sets and in what Update writes; see [diff.ByKey], which says
// which lists that holds for. A name counts in every list of the document.
func byKey[T any]() diff.Option {
	t := reflect.TypeFor[T]()
	found, ok := keys.Load(t)
	if !ok {
		names := keyFinder{seen: make(map[reflect.Type]bool)}
		names.visit(t)
		found, _ = keys.LoadOrStore(t, diff.ByKey(names.found...))
	}
	return found.(diff.Option)
}

// keys are the diff.Option of each type that was asked for.
var keys sync.Map

// keyFinder collects the names that key fields have in JSON.
type keyFinder struct {
	seen  map[reflect.Type]bool
	found []string
}

func (k *keyFinder) visit(t reflect.Type) {
	if k.seen[t] {
		return
	}
	k.seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		k.visit(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			k.field(t.Field(i))
		}
	}
}

func (k *keyFinder) field(f reflect.StructField) {
	if f.Tag.Get("json") == "-" || !f.IsExported() && !f.Anonymous {
		return
	}
	if f.Tag.Get("zkstate") == "key" {
		name := cmp.Or(tagName(f), f.Name)
		if !slices.Contains(k.found, name) {
			k.found = append(k.found, name)
		}
	}
	k.visit(f.Type)
}

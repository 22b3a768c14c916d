package zkstate

//lint:file-ignore SA5008 names that encoding/json does not take are tested here

import (
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/zkstate/zkstate/diff"
)

type endless *endless

// TestAmbiguousInItself: a type that points to itself has no fields.
func TestAmbiguousInItself(t *testing.T) {
	if where, found := ambiguous[endless]([]byte(`{"a":1,"A":2}`)); found {
		t.Errorf("found at %v", where)
	}
}

type inner struct{ Deep, DEEP int }

// odd has fields whose names encoding/json does not take as they are written.
type odd struct {
	Quoted int `json:"don't"`
	Marked int `json:"a b!"`
	inner  `json:"in"`
	Next   *odd
	Any    any
	List   []odd
	ByName map[string]odd
}

// TestAmbiguousWhere: found is what encoding/json reads into one field, wherever it is, and
// nothing else.
func TestAmbiguousWhere(t *testing.T) {
	for doc, want := range map[string]string{
		`{"Quoted":1,"quoted":2}`:                                 "/quoted", // the tag is no name
		`{"don't":1,"DON'T":2}`:                                   "",
		`{"a b!":1,"A b!":2}`:                                     "/A b!",
		`{"A b!":1,"a b!":2}`:                                     "/A b!",
		`{"in":{"Deep":1,"DEEP":2}}`:                              "",
		`{"in":{"Deep":1,"DEEP":2,"deep":3}}`:                     "/in/deep",
		`{"in":{},"IN":{}}`:                                       "/IN",
		`{"next":{"next":{"List":[{},{"ByName":1,"bYnAME":2}]}}}`: "/next/next/List/1/bYnAME",
		`{"ByName":{"k":{},"K":{}}}`:                              "",
		`{"ByName":{"k":{"Any":1,"any":1}}}`:                      "/ByName/k/any",
		`{"Any":{"Any":1,"any":1}, "x":{"Any":1,"ANY":2}}`:        "",
		`{"Next":[{"Any":1,"any":1}],"List":{"Any":1,"any":1}}`:   "", // refused as of the wrong type
		`{"Li\u017ft":[],"List":[]}`:                              "/Li\u017ft",
		`{"Next":null,"List":null,"ANY":1e999}`:                   "",
		`{"Any":1,"any":`:                                         "/any",
		`{"Any":[1,`:                                              "",
	} {
		where, found := ambiguous[odd]([]byte(doc))
		if found != (want != "") || where.Pointer() != want {
			t.Errorf("%s: %q, %v", doc, where.Pointer(), found)
		}
	}
}

// TestAmbiguousCost: what is nested is read once, not once for each level.
func TestAmbiguousCost(t *testing.T) {
	nested := func(depth, keys int) []byte {
		var doc strings.Builder
		doc.WriteString(strings.Repeat(`{"Next":`, depth) + `{"Any":{"a":"","A":""`)
		for i := range keys {
			fmt.Fprintf(&doc, `,"k%d":"","K%d":""`, i, i)
		}
		doc.WriteString("}}" + strings.Repeat("}", depth))
		return []byte(doc.String())
	}
	cost := func(doc []byte) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, found := ambiguous[odd](doc); found {
			t.Error("found something")
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	if flat, deep := cost(nested(1, 2000)), cost(nested(diff.MaxDepth-2, 2000)); deep > 4*flat {
		t.Errorf("the same in %d levels costs %d bytes, not %d", diff.MaxDepth-2, deep, flat)
	}
}

// TestKeyOfIgnoredName: elements are identified by the member that encoding/json writes.
func TestKeyOfIgnoredName(t *testing.T) {
	names := keyFinder{seen: make(map[reflect.Type]bool)}
	names.visit(reflect.TypeFor[[]struct {
		ID   int `json:"the\"id" zkstate:"key"`
		Name int `json:"name" zkstate:"key"`
	}]())
	if want := []string{"ID", "name"}; !slices.Equal(names.found, want) {
		t.Errorf("found %v, want %v", names.found, want)
	}
}

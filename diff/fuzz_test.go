package diff_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/zkstate/zkstate/diff"
)

// The corpora of these targets are kept in testdata/fuzz, a file for each kind of
// thing that could go wrong.

func FuzzCheck(f *testing.F) {
	for _, c := range refused {
		if len(c.doc) < 1000 {
			f.Add([]byte(c.doc))
		}
	}
	f.Add([]byte(`{"a":[1,2.5e-3,"ü\ud83d\ude00"],"b":{"":null}}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		err := diff.Check(doc)
		if err == nil && !json.Valid(doc) {
			t.Fatal("Check passes what encoding/json does not")
		}
		if _, lookupErr := diff.Lookup(doc, ""); (err == nil) != (lookupErr == nil) {
			t.Fatalf("checking alone says %v, reading %v", err, lookupErr)
		}
		if err != nil {
			return
		}
		if changes, err := diff.Diff(doc, doc); err != nil || len(changes) != 0 {
			t.Fatalf("differs from itself by %v, %v", changes, err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, doc); err != nil {
			t.Fatal(err)
		}
		if same, err := diff.Equal(doc, compact.Bytes()); err != nil || !same {
			t.Fatalf("white space counts: %v, %v", same, err)
		}
	})
}

func FuzzDiff(f *testing.F) {
	f.Add([]byte(`{"a":[1,2,3]}`), []byte(`{"a":[2,3,4],"b":1}`))
	f.Add([]byte(`[]`), []byte(`[[],{}]`))
	f.Fuzz(func(t *testing.T, old, new []byte) {
		changes, err := diff.Diff(old, new)
		if err != nil {
			return
		}
		got, err := diff.Apply(old, changes)
		if err != nil {
			t.Fatal(err)
		}
		if len(new) == 0 {
			if got != nil {
				t.Fatalf("deleted to %s", got)
			}
			return
		}
		if same, err := diff.Equal(got, new); err != nil || !same {
			t.Fatalf("Apply gave %s, %v", got, err)
		}
		if patched, err := diff.ToPatch(changes).Apply(old); err != nil || !bytes.Equal(patched, got) {
			t.Fatalf("the patch gave %s, %v", patched, err)
		}
		keyed, err := diff.Diff(old, new, diff.ByKey("id", "a"))
		if err == nil {
			got, err = diff.Apply(old, keyed)
		}
		if same, equalErr := diff.Equal(got, new); err != nil || equalErr != nil || !same {
			t.Fatalf("by key, Apply gave %s, %v", got, errors.Join(err, equalErr))
		}
	})
}

func FuzzApply(f *testing.F) {
	f.Add([]byte(`{"a":[1]}`), []byte(`[{"kind":"added","path":["a",1],"new":2}]`))
	f.Add([]byte(`[]`), []byte(`[{"kind":"removed","path":[],"old":[]}]`))
	f.Fuzz(func(t *testing.T, doc, text []byte) {
		var changes []diff.Change
		if json.Unmarshal(text, &changes) != nil {
			return
		}
		got, err := diff.Apply(doc, changes)
		if err != nil || got == nil {
			return
		}
		if diff.Check(got) != nil {
			t.Fatalf("Apply made %s", got)
		}
		back, err := diff.Apply(got, diff.Invert(changes))
		if same, equalErr := diff.Equal(back, doc); err != nil || equalErr != nil || !same {
			t.Fatalf("the inverse made %s, %v", back, errors.Join(err, equalErr))
		}
	})
}

func FuzzPatch(f *testing.F) {
	for _, c := range patchCases {
		f.Add([]byte(c.doc), []byte(c.patch))
	}
	f.Fuzz(func(t *testing.T, doc, text []byte) {
		patch, err := diff.ParsePatch(text)
		if err != nil {
			return
		}
		again, err := json.Marshal(patch)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		got, err := patch.Apply(doc)
		if err != nil {
			var operation *diff.OperationError
			if diff.Check(doc) == nil && !errors.As(err, &operation) || got != nil {
				t.Fatalf("made %s, and does not say which operation failed: %v", got, err)
			}
			return
		}
		if got != nil && diff.Check(got) != nil {
			t.Fatalf("made %s", got)
		}
		reread, err := diff.ParsePatch(again)
		if err != nil {
			t.Fatalf("written as %s: %v", again, err)
		}
		if twice, err := reread.Apply(doc); err != nil || !bytes.Equal(twice, got) {
			t.Fatalf("made %s, and written and read %s, %v", got, twice, err)
		}
	})
}

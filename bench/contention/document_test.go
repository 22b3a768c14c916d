package main

import (
	"encoding/json"
	"testing"
)

func TestDocument(t *testing.T) {
	doc := newDocument().encode()
	if len(doc) != documentSize {
		t.Errorf("%d bytes", len(doc))
	}
	for want := int64(1); want <= 120; want++ {
		next, err := bump(doc)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := counterOf(next); err != nil || got != want {
			t.Fatalf("%d, %v after %d increments", got, err, want)
		}
		doc = next
	}
	var d document
	if err := json.Unmarshal(doc, &d); err != nil {
		t.Fatal(err)
	}
	if d.Counter = 0; string(d.encode()) != string(newDocument().encode()) {
		t.Error("bump changed more than the counter")
	}
}

func TestBumpRefuses(t *testing.T) {
	for _, doc := range []string{"", "{}", `{"counter":`, `{"counter":1}`, `{"counter":x,"a":1}`, `{"note":"","counter":1,"a":1}`} {
		if next, err := bump([]byte(doc)); err == nil {
			t.Errorf("%q became %q", doc, next)
		}
	}
}

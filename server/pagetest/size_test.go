package pagetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/zkstate/zkstate/store"
)

// Two thousand documents are one list, of which only the rows in sight are drawn.
func TestManyDocuments(t *testing.T) {
	s := newSite(t, nil)
	ops := make([]store.Op, 0, 2000)
	for i := range 2000 {
		ops = append(ops, store.Create{Path: fmt.Sprintf("/fleet/region-%d/host-%03d", i%10, i/10), Data: []byte(`{"on":true}`)})
	}
	if _, err := s.store.Commit(t.Context(), ops...); err != nil {
		t.Fatal(err)
	}
	w := newWindow(t, 1280, 800)
	w.open(s, "")
	w.see(".documents", "2000 documents")
	took := eval[float64](w, `performance.now()`)
	w.see(".documents .row", "fleet/")
	w.replace("input[type=search]", "host-1")
	w.see(".documents", "1000 of 2000 documents")
	w.shoot("many-documents")
	if rows := eval[int](w, `document.querySelectorAll('.documents .row').length`); rows < 20 || rows > 100 {
		t.Errorf("%d rows are drawn for 1000 documents", rows)
	}
	w.replace("input[type=search]", "region-7/host-123")
	w.see(".documents", "1 of 2000 documents")
	w.click(".documents .row", "host-123")
	w.see("h1", "/fleet/region-7/host-123")
	w.replace("input[type=search]", "")
	w.see(".documents .row.selected", "host-123")
	t.Logf("2000 documents were in sight %.0f ms after the page began to load", took)
}

// Of a large document only the rows in sight are drawn, and a change in it shows.
func TestLargeDocument(t *testing.T) {
	s := newSite(t, nil)
	document := objectOf(5800, func(i int) string {
		return fmt.Sprintf(`"item-%04d":{"name":"%s","tags":["a","b"],"size":%d,"on":true,"text":"%s"}`, i, strings.Repeat("n", 10), i, strings.Repeat("lorem ", 12))
	})
	s.call("PUT", "documents/large", "", document)
	w := newWindow(t, 1280, 800)
	w.open(s, "live/large")
	w.see(".live .row", "item-0007")
	shown := eval[float64](w, `performance.now()`)
	painted := eval[float64](w, `performance.getEntriesByName('first-contentful-paint')[0].startTime`)
	if rows := eval[int](w, `document.querySelectorAll('.live .row').length`); rows < 10 || rows > 100 {
		t.Errorf("%d rows are drawn", rows)
	}
	w.shoot("large-document")
	s.call("PATCH", "documents/large", "", `{"item-0003":{"size":77777}}`)
	w.see(".row.changed-modified", "77777")
	w.open(s, "edit/large")
	w.typeOver(`"size": 5,`, `"size": 555555,`)
	w.click("button", "Review and commit")
	w.see(".review .changes", "/item-0005/size")
	if rows := eval[int](w, `document.querySelectorAll('.difference tr').length`); rows > 20 {
		t.Errorf("%d lines of the difference are drawn", rows)
	}
	t.Logf("a document of %d bytes: first paint after %.0f ms, its rows in sight after %.0f ms", len(document), painted, shown)
}

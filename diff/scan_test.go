package diff

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestScannerAgreesWithExplainer: the two read the same language.
func TestScannerAgreesWithExplainer(t *testing.T) {
	pieces := []string{
		"{", "}", "[", "]", ",", ":", `"`, `"a"`, `"\u0061"`, `"b":`, "1", "-", "0", "1.5e+3", ".", "e", "true", "nul", "null", " ", "\n", "\x00", "\x1f",
		`\`, `\n`, `\ud83d\ude00`, `\ud800`, "\xff", "é", "\xed\xa0\x80", "abcdefgh", "abcdefg\x7f", `"abcdefghijk",`,
	}
	rapid.Check(t, func(t *rapid.T) {
		agree(t, []byte(strings.Join(rapid.SliceOf(rapid.SampledFrom(pieces)).Draw(t, "pieces"), "")))
	})
}

// TestScannerAgreesOnStrings: every byte at every place of a string, which is looked
// at in words of eight.
func TestScannerAgreesOnStrings(t *testing.T) {
	for length := range 20 {
		for at := range length {
			for c := range 256 {
				inside := slices.Repeat([]byte{'x'}, length)
				inside[at] = byte(c)
				agree(t, slices.Concat([]byte(`{"`), inside, []byte(`":1}`)))
			}
		}
	}
}

// TestScannerAgreesOnKeys: a repeated key, at any place among few and many.
func TestScannerAgreesOnKeys(t *testing.T) {
	for _, n := range []int{2, 3, fewChildren, fewChildren + 1, 100} {
		for i := range n {
			keys := make([]string, n)
			for k := range keys {
				keys[k] = `"` + strings.Repeat("k", k) + `":0`
			}
			agree(t, []byte("{"+strings.Join(keys, ",")+"}"))
			keys[i] = `"\u006b":0` // that of keys[1]
			agree(t, []byte("{"+strings.Join(keys, ",")+"}"))
		}
	}
}

func agree(t interface{ Fatalf(string, ...any) }, doc []byte) {
	var s scanner
	s.reset(doc, nil)
	ok := s.document(0)
	_, built := s.build(doc, 0, new(tree))
	e := explainer{src: doc}
	if e.document(); ok != built || ok != (e.reason == reasonTrailing && e.pos == len(doc)) {
		t.Fatalf("%q: scanned %v, built %v, %q at byte %d", doc, ok, built, e.reason, e.offset)
	}
}

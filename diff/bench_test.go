package diff_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/zkstate/zkstate/diff"
)

// BenchmarkTwoChanges is a document of 1 MB in which the first and a late value changed;
// Valid is what encoding/json takes to look at both texts.
func BenchmarkTwoChanges(b *testing.B) {
	old := big()
	new := []byte(strings.NewReplacer(`"counter":9`, `"counter":10`, `"service-4000"`, `"x"`).Replace(string(old)))
	b.Run("Valid", func(b *testing.B) {
		b.SetBytes(int64(len(old) + len(new)))
		for b.Loop() {
			if !json.Valid(old) || !json.Valid(new) {
				b.Fatal("not valid")
			}
		}
	})
	b.Run("Diff", func(b *testing.B) {
		b.SetBytes(int64(len(old) + len(new)))
		b.ReportAllocs()
		for b.Loop() {
			if changes, err := diff.Diff(old, new); err != nil || len(changes) != 2 {
				b.Fatal(changes, err)
			}
		}
	})
}

// big is a document of a little over 1 MB.
func big() []byte {
	var b strings.Builder
	for i := 0; b.Len() < 1<<20; i++ {
		fmt.Fprintf(&b, `,{"id":%d,"name":"service-%d","globs":["systemd*","rsync*"],"limits":{"cpu":%d.5,"mem":1048576},"enabled":true}`, i, i, i%7)
	}
	return []byte(`{"counter":9,"services":[` + b.String()[1:] + `]}`)
}

package zkstate_test

import (
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store/sqlitestore"
)

// BenchmarkRead has beside it what no read that promises an age can do without. It is on
// SQLite, whose confirmation of a copy is kept; that of the memory store is a clock read.
func BenchmarkRead(b *testing.B) {
	file, err := sqlitestore.Open(b.Context(), filepath.Join(b.TempDir(), "state.db"), sqlitestore.Config{})
	if err != nil {
		b.Fatal(err)
	}
	st, err := zkstate.Open(b.Context(), file, "/app/config", initial())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := errors.Join(st.Close(), file.Close()); err != nil {
			b.Error(err)
		}
	})
	b.Run("floor", func(b *testing.B) {
		var copy atomic.Pointer[config]
		for b.Loop() {
			_, _ = time.Now(), copy.Load()
		}
	})
	b.Run("Read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := st.Read(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Snapshot", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := st.Snapshot(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

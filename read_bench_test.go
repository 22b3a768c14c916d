package zkstate_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store/memstore"
)

// BenchmarkRead has beside it what no read that promises an age can do without.
func BenchmarkRead(b *testing.B) {
	st, err := zkstate.Open(b.Context(), memstore.New(), "/app/config", initial())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := st.Close(); err != nil {
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

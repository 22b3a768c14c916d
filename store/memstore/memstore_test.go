package memstore_test

import (
	"errors"
	"testing"

	"go.uber.org/goleak"

	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
	"github.com/zkstate/zkstate/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Opener {
		first := memstore.New()
		return func() store.Store { return first.Attach() }
	})
}

// TestAbsenceInANewMemory: it has an order like every other, so that a State sees that it
// is another history than before. 0 is what a backend says that knows none.
func TestAbsenceInANewMemory(t *testing.T) {
	rec, err := memstore.New().Load(t.Context(), "/doc", store.Version{}, store.Linearizable)
	if !errors.Is(err, store.ErrNotFound) || rec.AsOf == 0 {
		t.Errorf("as of %d, %v", rec.AsOf, err)
	}
}

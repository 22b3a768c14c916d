package memstore_test

import (
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

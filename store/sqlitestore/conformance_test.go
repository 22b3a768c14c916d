package sqlitestore_test

import (
	"path/filepath"
	"testing"

	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/sqlitestore"
	"github.com/zkstate/zkstate/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Opener {
		file := filepath.Join(t.TempDir(), "state.db")
		return func() store.Store {
			s, err := sqlitestore.Open(t.Context(), file, sqlitestore.Config{})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
	})
}

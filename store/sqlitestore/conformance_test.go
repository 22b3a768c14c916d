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

func TestRemovedRecords(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.db")
	storetest.RunRemoved(t, func() store.Store { return open(t, file) }, func(path, id string) {
		statement(t, file, "DELETE FROM listeners WHERE path = ? AND id = ?", path, id)
	})
}

package sqlitestore

import (
	"errors"
	"testing"

	"github.com/zkstate/zkstate/store"
)

// TestLittleSpace: a file that needs more than any disk has.
func TestLittleSpace(t *testing.T) {
	s := openTemp(t, t.TempDir()+"/state.db", Config{})
	in := &inspection{store: s, path: "/doc", files: []partFile{{name: s.file, size: 1 << 60}}}
	in.checkSpace()
	if len(in.found.Findings) != 1 || in.found.Findings[0].Check != "disk-space" {
		t.Errorf("%+v", in.found)
	}
}

func TestInspectFails(t *testing.T) {
	s := openTemp(t, t.TempDir()+"/state.db", Config{})
	if _, err := s.Inspect(t.Context(), "no/path"); !errors.Is(err, store.ErrInvalidPath) {
		t.Error(err)
	}
	s.Close()
	if _, err := s.Inspect(t.Context(), "/doc"); !errors.Is(err, store.ErrClosed) {
		t.Error(err)
	}
}

package zkstore

import (
	"testing"
	"time"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zkserver"
)

// TestTheLostAreForgotten: nobody waits, and yet who was lost for good does not stay in the
// roster for ever; who is lost for less than it may serve what it has, or has come back, does.
func TestTheLostAreForgotten(t *testing.T) {
	t.Parallel()
	server := zkserver.Standalone(t)
	s, err := Open(Config{Servers: []string{server.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, path := range []string{"/one", "/two"} {
		if err := s.Announce(t.Context(), path, "me", []byte(`{"status":"applied"}`)); err != nil {
			t.Fatal(err)
		}
	}
	enter := func(id, data string) {
		t.Helper()
		if _, err := s.call(t.Context(), zk.Create{Path: s.entryOf("/two", id), Data: []byte(data), ACL: OpenACL.wire()}); err != nil {
			t.Fatal(err)
		}
	}
	enter("dead", `{"max_staleness_ns":30000000000}`)
	enter("back", `{"max_staleness_ns":30000000000}`)
	l := &lostListeners{store: s}
	begun := time.Now()
	forget := func(after time.Duration) {
		for range 4 { // one document and one listener at a time
			l.forgetOne(begun.Add(after))
		}
	}
	left := func() int {
		t.Helper()
		found, err := s.Absent(t.Context(), "/two", []string{"me"})
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	forget(0)
	if forget(29 * time.Second); left() != 2 || len(l.lost) != 2 {
		t.Errorf("after 29 s %d are left, and %d are known", left(), len(l.lost))
	}
	if _, err := s.call(t.Context(), zk.Set{Path: s.entryOf("/two", "back"), Version: zk.AnyVersion}); err != nil {
		t.Fatal(err)
	}
	if forget(31 * time.Second); left() != 1 {
		t.Errorf("after 31 s %d are left", left())
	}
}

// TestGoodByesOfOthers: a record that is being written, for as long as no server answers, holds
// back no other record's good-bye.
func TestGoodByesOfOthers(t *testing.T) {
	t.Parallel()
	server := zkserver.Standalone(t)
	s, err := Open(Config{Servers: []string{server.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	other, err := Open(Config{Servers: []string{server.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	paths := []string{"/one", "/two", "/three"}
	for _, path := range paths {
		if err := s.Announce(t.Context(), path, "me", []byte(`{}`)); err != nil {
			t.Fatal(err)
		}
	}
	give, err := s.take(t.Context(), s.recordOf("/two", "me"))
	if err != nil {
		t.Fatal(err)
	}
	defer give()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		found, err := other.Absent(t.Context(), path, nil)
		if err != nil || (len(found) == 0) != (path != "/two") {
			t.Errorf("%s: %v, %v", path, found, err)
		}
	}
}

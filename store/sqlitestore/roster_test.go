package sqlitestore_test

import (
	"errors"
	"testing"
	"time"

	"github.com/zkstate/zkstate/store"
)

// awaitListener waits until a record is there with the given content.
func awaitListener(t *testing.T, s store.Store, id, data string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		found, err := s.Listeners(t.Context(), "/doc")
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range found {
			if l.ID == id && string(l.Data) == data {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("no record %s=%s, there are %v", id, data, found)
		}
	}
}

// TestRemovedRecordComesBack: whoever removed it, and whether or not the handle follows
// anything. What was withdrawn stays away.
func TestRemovedRecordComesBack(t *testing.T) {
	file := tempFile(t)
	s, other := open(t, file), open(t, file)
	for _, data := range []string{"first", "last"} {
		if err := s.Announce(t.Context(), "/doc", "a", []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Commit(t.Context(), store.Create{Path: "/doc"}, store.Receipt{Path: "/doc", ID: "b", Data: []byte("receipt")}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Announce(t.Context(), "/doc", "c", nil), s.Withdraw(t.Context(), "/doc", "c")); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"DELETE FROM listeners", "DELETE FROM listeners WHERE id = 'b'", "DELETE FROM listeners; DELETE FROM roster", "DROP TABLE listeners; CREATE TABLE listeners (path TEXT NOT NULL, id TEXT NOT NULL, session TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (path, id)) WITHOUT ROWID"} {
		statement(t, file, text)
		awaitListener(t, other, "a", "last")
		awaitListener(t, other, "b", "receipt")
	}
	wantListeners(t, other, "/doc", "a=last", "b=receipt")
	if err := errors.Join(s.Withdraw(t.Context(), "/doc", "a"), s.Withdraw(t.Context(), "/doc", "b")); err != nil {
		t.Fatal(err)
	}
	statement(t, file, "DELETE FROM listeners")
	if found, err := other.Absent(t.Context(), "/doc", nil); err != nil || len(found) != 0 {
		t.Errorf("absent are %v, %v", found, err)
	}
}

// TestRecordsOutliveARestoredBackup: a file is restored from before anybody announced itself.
func TestRecordsOutliveARestoredBackup(t *testing.T) {
	file := untaggedFile(t)
	backup := backUp(t, file)
	s := open(t, file)
	if err := s.Announce(t.Context(), "/doc", "a", []byte("here")); err != nil {
		t.Fatal(err)
	}
	restore(t, file, backup)
	awaitListener(t, open(t, file), "a", "here")
}

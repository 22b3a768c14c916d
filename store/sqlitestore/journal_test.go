package sqlitestore_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	"github.com/zkstate/zkstate/store"
)

// TestLongJournal: a journal that is longer than any can be set to takes entries, is read
// as far as is asked for, and is lowered in steps that an end of the context divides.
func TestLongJournal(t *testing.T) {
	const long = 25_000
	file := t.TempDir() + "/s.db"
	s := open(t, file)
	defer s.Close()
	versions, err := s.Commit(t.Context(), store.Create{Path: "/doc", Data: []byte("0")})
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{
		fmt.Sprintf("INSERT INTO journals (path, keep) VALUES ('/doc', %d)", 10*long),
		fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < %d)
			INSERT INTO history (path, changed, mtime, body) SELECT '/doc', 0, 0, CAST(i AS BLOB) FROM n`, long),
		"UPDATE journals SET keep = 100",
	} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	length := func() (n int) {
		t.Helper()
		if err := db.QueryRow("SELECT count(*) FROM history").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if _, err := s.Commit(t.Context(), store.Put{Path: "/doc", Base: versions[0], Data: []byte("1")}, store.Append{Path: "/doc", Data: []byte("e")}); err != nil {
		t.Fatal(err)
	}
	if n := length(); n <= 100 || n >= long {
		t.Errorf("a commit left %d entries of %d", n, long)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.SetJournal(ended, "/doc", 10); err == nil {
		t.Error("it is lowered without an end")
	}
	if err := s.SetJournal(t.Context(), "/doc", 10); err != nil {
		t.Fatal(err)
	}
	if n := length(); n != 10 {
		t.Errorf("%d entries are left", n)
	}
	_, entries, err := s.Journal(t.Context(), "/doc", 1)
	if err != nil || len(entries) != 1 || string(entries[0].Data) != "e" {
		t.Errorf("the newest is %v, %v", entries, err)
	}
}

// TestWornCounter: edits by other tools count up to the end of an int32 and no further.
func TestWornCounter(t *testing.T) {
	file := t.TempDir() + "/s.db"
	s := open(t, file)
	defer s.Close()
	if _, err := s.Commit(t.Context(), store.Create{Path: "/doc", Data: []byte("0")}); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{"UPDATE documents SET counter = 2147483647", "UPDATE documents SET body = CAST('1' AS BLOB)"} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	rec, err := s.Load(t.Context(), "/doc", store.Version{}, store.Linearizable)
	if err != nil || string(rec.Data) != "1" {
		t.Fatal(rec, err)
	}
	made, err := s.Commit(t.Context(), store.Put{Path: "/doc", Base: rec.Version, Data: []byte("2")})
	if err != nil || !rec.Version.Before(made[0]) {
		t.Error(made, err)
	}
	if _, err := s.Commit(t.Context(), store.Delete{Path: "/doc", Base: made[0]}); err != nil {
		t.Error(err)
	}
}

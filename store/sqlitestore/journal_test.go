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

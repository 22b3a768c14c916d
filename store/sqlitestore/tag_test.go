package sqlitestore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"modernc.org/sqlite"

	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/sqlitestore"
	"github.com/zkstate/zkstate/store/storetest"
)

// untaggedFile makes a file as programs from before there were tags did.
func untaggedFile(t *testing.T) string {
	t.Helper()
	script, err := os.ReadFile("testdata/untagged.sql")
	if err != nil {
		t.Fatal(err)
	}
	file := tempFile(t)
	statement(t, file, string(script))
	return file
}

// untagged is the document's version in such a file.
var untagged = store.NewVersion(1, 3, 2)

// tagged reports whether a file's tables hold tags.
func tagged(t *testing.T, file string) (yes bool) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow("SELECT count(*) FROM pragma_table_info('documents') WHERE name = 'tag'").Scan(&yes); err != nil {
		t.Fatal(err)
	}
	return yes
}

// TestUntaggedFileIsRead: a file from before there were tags is read as it is, and nothing is
// written to it. Its versions have no tags.
func TestUntaggedFileIsRead(t *testing.T) {
	file := untaggedFile(t)
	s, err := sqlitestore.Open(t.Context(), file, sqlitestore.Config{MustExist: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w := storetest.NewWatch(s, "/doc", time.Second)
	defer w.Stop()
	rec := load(t, s, "/doc")
	if rec.Version != untagged || string(rec.Data) != "2" {
		t.Errorf("loaded %v %q", rec.Version, rec.Data)
	}
	if rec, err := s.Load(t.Context(), "/doc", untagged, store.Local); err != nil || rec.Data != nil {
		t.Errorf("loaded what was known: %q, %v", rec.Data, err)
	}
	if place, err := s.Stat(t.Context(), "/doc", store.Local); err != nil || place.Version != untagged {
		t.Errorf("stat: %v, %v", place.Version, err)
	}
	if _, entries, err := s.Journal(t.Context(), "/doc", 10); err != nil || len(entries) != 1 || entries[0].Order != 3 || entries[0].Tag != 0 {
		t.Errorf("journal: %+v, %v", entries, err)
	}
	waitConfirmed(t, w, untagged)
	if tagged(t, file) {
		t.Error("looking changed the tables")
	}
}

// waitConfirmed waits until a version is confirmed, for which no hint is owed.
func waitConfirmed(t *testing.T, w store.Watcher, v store.Version) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); w.Confirmed(v).IsZero(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("version %v is not confirmed", v)
		}
	}
}

// TestUntaggedFileIsMigrated: the first write makes the tables hold tags, and handles that
// had the file open before go on. What is written from then on has tags.
func TestUntaggedFileIsMigrated(t *testing.T) {
	file := untaggedFile(t)
	before, s := open(t, file), open(t, file)
	load(t, before, "/doc")
	if got := create(t, s, "/new", "1"); got.Tag() == 0 || !tagged(t, file) {
		t.Errorf("the first write made %v, tables with tags: %v", got, tagged(t, file))
	}
	if v := load(t, before, "/doc").Version; v != untagged {
		t.Errorf("what was there is at %v", v)
	}
	versions, err := before.Commit(t.Context(), store.Put{Path: "/doc", Base: untagged, Data: []byte("3")}, store.Append{Path: "/doc", Data: []byte("{}")})
	if err != nil || versions[0].Tag() == 0 {
		t.Fatalf("made %v, %v", versions, err)
	}
	if v := load(t, s, "/doc").Version; v != versions[0] {
		t.Errorf("made %v, loaded %v", versions[0], v)
	}
	if _, entries, err := s.Journal(t.Context(), "/doc", 10); err != nil || len(entries) != 2 || entries[0].Tag != 0 || entries[1].Tag != versions[0].Tag() {
		t.Errorf("journal: %+v, %v", entries, err)
	}
}

// TestOlderFilesGetWhatTheyLack: a file from before documents had an index by their last change,
// or before there was a roster, with tags or without. The first write makes both; until then
// the file is followed without.
func TestOlderFilesGetWhatTheyLack(t *testing.T) {
	for name, file := range map[string]string{"without tags": untaggedFile(t), "with tags": untaggedFile(t)} {
		t.Run(name, func(t *testing.T) {
			if name == "with tags" {
				s := open(t, file)
				create(t, s, "/new", "1")
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			statement(t, file, "DROP INDEX documents_changed; DROP TABLE IF EXISTS roster")
			s, other := open(t, file), open(t, file)
			w := storetest.NewWatch(s, "/doc", time.Second)
			defer w.Stop()
			waitConfirmed(t, w, untagged)
			statement(t, file, "UPDATE documents SET body = 'edited' WHERE path = '/doc'")
			waitConfirmed(t, w, load(t, s, "/doc").Version)
			if found, err := s.Absent(t.Context(), "/doc", nil); err != nil || len(found) != 0 {
				t.Errorf("absent: %v, %v", found, err)
			}
			if n := rows(t, file, "SELECT count(*) FROM sqlite_master WHERE name IN ('documents_changed', 'roster')"); n != 0 {
				t.Errorf("looking made %d of them", n)
			}
			if err := other.Announce(t.Context(), "/doc", "a", nil); err != nil {
				t.Fatal(err)
			}
			if n := rows(t, file, "SELECT count(*) FROM sqlite_master WHERE name IN ('documents_changed', 'roster')"); n != 2 {
				t.Errorf("the first write made %d of them", n)
			}
			if how := explain(t, file, "SELECT path, created, changed, counter, tag FROM documents WHERE changed > 5"); !strings.Contains(how, "documents_changed") {
				t.Errorf("what changed is found by %s", how)
			}
		})
	}
}

// explain returns how SQLite carries a query out.
func explain(t *testing.T, file, query string) (detail string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var ignored int
	if err := db.QueryRow("EXPLAIN QUERY PLAN "+query).Scan(&ignored, &ignored, &ignored, &detail); err != nil {
		t.Fatal(err)
	}
	return detail
}

// TestEveryWriteHasATag: by programs from before there were tags, and by other tools.
func TestEveryWriteHasATag(t *testing.T) {
	file := untaggedFile(t)
	s := open(t, file)
	w := storetest.NewWatch(s, "/doc", time.Second)
	defer w.Stop()
	create(t, s, "/other", "0")
	last := load(t, s, "/doc").Version
	for what, text := range map[string]string{
		"an older program writes":    "UPDATE meta SET sequence = sequence + 1; UPDATE documents SET changed = (SELECT sequence FROM meta), counter = counter + 1, mtime = 1, body = x'33' WHERE path = '/doc'",
		"another tool writes":        "UPDATE documents SET body = x'34' WHERE path = '/doc'",
		"an older program recreates": "DELETE FROM documents WHERE path = '/doc'; UPDATE meta SET sequence = sequence + 1; INSERT INTO documents (path, created, changed, counter, mtime, body) SELECT '/doc', sequence, sequence, 0, 1, x'35' FROM meta",
		"another tool recreates":     "DELETE FROM documents WHERE path = '/doc'; INSERT INTO documents (path, body) VALUES ('/doc', x'36')",
		"another tool replaces":      "INSERT OR REPLACE INTO documents (path, body) VALUES ('/doc', x'37')",
	} {
		statement(t, file, "BEGIN IMMEDIATE; "+text+"; COMMIT")
		v := load(t, s, "/doc").Version
		if !last.Before(v) || v.Tag() == 0 || v.Tag() == last.Tag() {
			t.Errorf("%s: %v after %v", what, v, last)
		}
		waitConfirmed(t, w, v)
		last = v
	}
}

// backUp makes a copy of a database.
func backUp(t *testing.T, file string) (backup string) {
	t.Helper()
	backup = tempFile(t)
	statement(t, file, fmt.Sprintf("VACUUM INTO '%s'", backup))
	return backup
}

// restore copies a backup over a file in place, as .restore of the sqlite3 tool does.
func restore(t *testing.T, file, backup string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = conn.Raw(func(driver any) error {
		b, err := driver.(interface {
			NewRestore(string) (*sqlite.Backup, error)
		}).NewRestore("file:" + backup)
		if err != nil {
			return err
		}
		for more := true; more && err == nil; {
			more, err = b.Step(-1)
		}
		return errors.Join(err, b.Finish())
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestUntaggedBackupIsRestored: a backup from before there were tags is restored in place. A
// handle that knows tags fails once at the most, and then goes on.
func TestUntaggedBackupIsRestored(t *testing.T) {
	file := untaggedFile(t)
	backup := backUp(t, file)
	s := open(t, file)
	w := storetest.NewWatch(s, "/doc", time.Second)
	defer w.Stop()
	create(t, s, "/new", "1")
	restore(t, file, backup)
	for name, call := range map[string]func() error{
		"load": func() error {
			_, err := s.Load(t.Context(), "/doc", store.Version{}, store.Local)
			return err
		},
		"stat":    func() error { _, err := s.Stat(t.Context(), "/doc", store.Local); return err },
		"journal": func() error { _, _, err := s.Journal(t.Context(), "/doc", 1); return err },
		"commit": func() error {
			_, err := s.Commit(t.Context(), store.Create{Path: "/again"})
			return err
		},
	} {
		if err := call(); err != nil && !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
		if err := call(); err != nil && !errors.Is(err, store.ErrExists) {
			t.Errorf("%s, again: %v", name, err)
		}
	}
	waitConfirmed(t, w, untagged)
}

// TestFollowedFileIsRestored: of two documents one is as it was before the backup, and the
// sequence has come to the same number, or beyond it, before anybody looked. The follower of
// the other one finds out, and nothing undone is confirmed after that.
func TestFollowedFileIsRestored(t *testing.T) {
	for name, commits := range map[string]int{"equal": 1, "beyond": 2, "far beyond": 300} {
		t.Run(name, func(t *testing.T) {
			file := tempFile(t)
			s := open(t, file)
			first := create(t, s, "/doc", "0")
			w := storetest.NewWatch(s, "/doc", time.Second)
			defer w.Stop()
			backup := backUp(t, file)
			versions, err := s.Commit(t.Context(), store.Put{Path: "/doc", Base: first, Data: []byte("1")})
			if err != nil {
				t.Fatal(err)
			}
			waitConfirmed(t, w, versions[0])
			for i := range commits {
				statement(t, backup, fmt.Sprintf("INSERT INTO documents (path, body) VALUES ('/other%d', x'31')", i))
			}
			restore(t, file, backup)
			waitConfirmed(t, w, first)
			if at := w.Confirmed(versions[0]); !at.IsZero() {
				t.Errorf("what was undone is confirmed for %v", at)
			}
		})
	}
}

// TestLongPauseBetweenLooks: more is committed between two looks than there are tags kept of.
func TestLongPauseBetweenLooks(t *testing.T) {
	file := tempFile(t)
	s, other := open(t, file), open(t, file)
	v := create(t, s, "/doc", "0")
	gone := create(t, s, "/gone", "0")
	w, absent := storetest.NewWatch(s, "/doc", time.Second), storetest.NewWatch(s, "/gone", time.Second)
	defer w.Stop()
	defer absent.Stop()
	waitConfirmed(t, w, v)
	if _, err := other.Commit(context.Background(), store.Delete{Path: "/gone", Base: gone}); err != nil {
		t.Fatal(err)
	}
	statement(t, file, "WITH RECURSIVE n(i) AS (VALUES (1) UNION SELECT i + 1 FROM n WHERE i < 600) INSERT INTO documents (path, body) SELECT '/many' || i, x'31' FROM n; UPDATE documents SET body = x'32' WHERE path = '/doc'")
	v = load(t, s, "/doc").Version
	waitConfirmed(t, w, v)
	waitConfirmed(t, absent, store.Version{})
}

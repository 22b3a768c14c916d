package sqlitestore_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/sqlitestore"
	"github.com/zkstate/zkstate/store/storetest"
)

func TestOpenCreates(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a", "b", "state.db")
	s := open(t, file)
	create(t, s, "/doc", "{}")
	for name, mode := range map[string]fs.FileMode{file: 0o600, file + "-wal": 0o600, filepath.Dir(file): fs.ModeDir | 0o700} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != mode {
			t.Errorf("%s has mode %v, want %v", name, info.Mode(), mode)
		}
	}
}

// Handles that open an absent file at once all get the same database.
func TestOpenAtOnce(t *testing.T) {
	file := tempFile(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			s, err := sqlitestore.Open(t.Context(), file, sqlitestore.Config{})
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			_, err = s.Commit(t.Context(), store.Create{Path: "/counter", Data: []byte("0")})
			if err != nil && !errors.Is(err, store.ErrExists) {
				t.Error(err)
			}
			if err := increment(t.Context(), s, "/counter"); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got := string(load(t, open(t, file), "/counter").Data); got != "8" {
		t.Fatalf("counter is %s, want 8", got)
	}
}

func TestMustExist(t *testing.T) {
	file := filepath.Join(t.TempDir(), "absent", "state.db")
	_, err := sqlitestore.Open(t.Context(), file, sqlitestore.Config{MustExist: true})
	wantErr(t, err, store.ErrNotFound, file)
	if _, err := os.Stat(filepath.Dir(file)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("looking created the directory: %v", err)
	}

	empty := tempFile(t)
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = sqlitestore.Open(t.Context(), empty, sqlitestore.Config{MustExist: true})
	wantErr(t, err, store.ErrNotFound, empty)
	create(t, open(t, empty), "/doc", "{}")
	s, err := sqlitestore.Open(t.Context(), empty, sqlitestore.Config{MustExist: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	load(t, s, "/doc")
}

func TestForeignFilesAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		make func(t *testing.T, file string)
		says string
	}{
		"another application": {func(t *testing.T, file string) {
			statement(t, file, "CREATE TABLE t (x); INSERT INTO t VALUES (1)")
		}, "another application"},
		"another application id": {func(t *testing.T, file string) {
			statement(t, file, "PRAGMA application_id = 42")
		}, "another application (application id 0x2a)"},
		"another format": {func(t *testing.T, file string) {
			s := open(t, file)
			create(t, s, "/doc", "{}")
			_ = s.Close()
			statement(t, file, "PRAGMA user_version = 99")
		}, "use the program that made it"},
		"no database": {func(t *testing.T, file string) {
			if err := os.WriteFile(file, bytes.Repeat([]byte("no database\n"), 1000), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "not a database"},
		"directory": {func(t *testing.T, file string) {
			if err := os.Mkdir(file, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "is a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			file := tempFile(t)
			c.make(t, file)
			before, _ := os.ReadFile(file)
			for _, cfg := range []sqlitestore.Config{{}, {MustExist: true}} {
				_, err := sqlitestore.Open(t.Context(), file, cfg)
				want := store.ErrUnavailable
				if name == "no database" {
					want = store.ErrDamaged
				}
				wantErr(t, err, want, file, c.says)
			}
			if after, _ := os.ReadFile(file); !bytes.Equal(before, after) {
				t.Error("the file was written to")
			}
		})
	}
	_, err := sqlitestore.Open(t.Context(), "", sqlitestore.Config{})
	wantErr(t, err, store.ErrUnavailable)
	_, err = sqlitestore.Open(t.Context(), "/dev/null", sqlitestore.Config{})
	wantErr(t, err, store.ErrUnavailable, "not a regular file")
	_, err = sqlitestore.Open(t.Context(), "/dev/null/state.db", sqlitestore.Config{})
	wantErr(t, err, store.ErrUnavailable)
}

// statement lets another program work on the file.
func statement(t *testing.T, file, query string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("PRAGMA busy_timeout = 10000"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(query, args...); err != nil {
		t.Fatal(err)
	}
}

func TestFileNames(t *testing.T) {
	for _, name := range []string{
		"with space.db", "what?.db", "#1.db", "100%.db", "%41.db", "a&b=c;d.db", "ünï☃.db", ":memory:", "file:x.db", "q?mode=ro", "'\"`.db", "\xff.db",
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, name)
		s := open(t, file)
		if err := s.Announce(t.Context(), "/doc", "a", nil); err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		create(t, s, "/doc", "{}")
		load(t, open(t, file), "/doc")
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 4 {
			t.Errorf("%q made %v (%v), want the file, -wal, -shm and .sessions", name, entries, err)
		}
	}
}

func TestRelativeNamesAndLinks(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	s := open(t, "state.db")
	create(t, s, "/doc", "{}")
	if err := s.Announce(t.Context(), "/doc", "a", nil); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("state.db", "link.db"); err != nil && runtime.GOOS == "windows" {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	linked := open(t, filepath.Join(dir, "link.db"))
	wantListeners(t, linked, "/doc", "a=")
	wantErr(t, linked.Announce(t.Context(), "/doc", "a", nil), store.ErrTaken)
	w := storetest.NewWatch(linked, "/doc", time.Second)
	hints, stop := w.Hints, w.Stop
	defer stop()
	if err := s.Withdraw(t.Context(), "/doc", "a"); err != nil {
		t.Fatal(err)
	}
	create(t, s, "/other", "{}")
	waitFor(t, hints, func() bool { return len(load(t, linked, "/other").Data) == 2 })
}

// A handle whose file was taken away says so instead of going on alone.
func TestReplacedFile(t *testing.T) {
	file := tempFile(t)
	s := open(t, file)
	version := create(t, s, "/doc", "{}")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(file + suffix); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.Load(t.Context(), "/doc", store.Version{}, store.Local)
	wantErr(t, err, store.ErrUnavailable, "/doc", file)
	other := open(t, file)
	create(t, other, "/doc", "new")
	_, err = s.Commit(t.Context(), store.Put{Path: "/doc", Base: version, Data: []byte("lost")})
	wantErr(t, err, store.ErrUnavailable, "replaced")
	if got := string(load(t, other, "/doc").Data); got != "new" {
		t.Fatalf("new file holds %q", got)
	}
}

// What was committed is in the log alone for a while. A handle whose log, or the log's index,
// was taken away commits no more, and nobody else opens the file beside it; when it is
// closed it writes back what it has committed.
func TestRemovedLog(t *testing.T) {
	for _, suffix := range []string{"-wal", "-shm"} {
		t.Run(suffix, func(t *testing.T) {
			file := tempFile(t)
			s := open(t, file)
			version := create(t, s, "/doc", "committed")
			unused := open(t, file)
			remove(t, file+suffix)
			_, err := unused.Commit(t.Context(), store.Create{Path: "/lost"})
			wantErr(t, err, store.ErrUnavailable, file+suffix, "end all programs")
			_, err = s.Commit(t.Context(), store.Put{Path: "/doc", Base: version, Data: []byte("lost")})
			wantErr(t, err, store.ErrUnavailable, file+suffix, "end all programs")
			if s.Status().Connected {
				t.Error("the handle says that it is connected")
			}
			if suffix == "-wal" {
				_, err = sqlitestore.Open(t.Context(), file, sqlitestore.Config{})
				wantErr(t, err, store.ErrUnavailable, file+suffix, "end all programs")
			}
			_, err = s.Load(t.Context(), "/doc", store.Version{}, store.Local)
			wantErr(t, err, store.ErrUnavailable, file+suffix, "end all programs")
			if err := errors.Join(unused.Close(), s.Close()); err != nil {
				t.Fatal(err)
			}
			s = open(t, file)
			if rec := load(t, s, "/doc"); rec.Version != version || string(rec.Data) != "committed" {
				t.Errorf("left %q at %v", rec.Data, rec.Version)
			}
			if got := integrity(t, file); got != "ok" {
				t.Error(got)
			}
		})
	}
}

// A handle over whose file another one was renamed, or whose file was made a directory.
func TestRenamedOver(t *testing.T) {
	file := tempFile(t)
	s := open(t, file)
	version := create(t, s, "/doc", "{}")
	backup := backUp(t, file)
	call := func() error {
		_, err := s.Commit(t.Context(), store.Put{Path: "/doc", Base: version, Data: []byte("lost")})
		return err
	}
	if err := os.Rename(backup, file); err != nil {
		t.Fatal(err)
	}
	wantErr(t, call(), store.ErrUnavailable, file, "open it again")
	remove(t, file)
	wantErr(t, call(), store.ErrUnavailable, file, "was removed", "open it again")
	if err := os.Mkdir(file, 0o700); err != nil {
		t.Fatal(err)
	}
	wantErr(t, call(), store.ErrUnavailable, file, "open it again")
}

// Other tools edit the table; triggers make versions of it.
func TestEditedByOtherTools(t *testing.T) {
	file := tempFile(t)
	s := open(t, file)
	first := create(t, s, "/doc", "old")
	w := storetest.NewWatch(s, "/doc", time.Second)
	hints, stop := w.Hints, w.Stop
	defer stop()
	statement(t, file, "UPDATE documents SET body = 'new' WHERE path = '/doc'")
	waitFor(t, hints, func() bool { return string(load(t, s, "/doc").Data) == "new" })
	second := load(t, s, "/doc")
	if !first.Before(second.Version) || second.Version.Since(first) != 1 {
		t.Errorf("edit led from %v to %v", first, second.Version)
	}
	statement(t, file, "DELETE FROM documents")
	statement(t, file, "INSERT INTO documents (path, body) VALUES ('/doc', 'again')")
	third := load(t, s, "/doc")
	if string(third.Data) != "again" || !second.Version.Before(third.Version) ||
		third.Version.Created() == first.Created() || third.Version.Counter() != 0 || third.Time.Before(second.Time) {
		t.Errorf("recreation led from %v to %+v", second.Version, third)
	}
}

func TestOpenHonoursContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	file := tempFile(t)
	_, err := sqlitestore.Open(ctx, file, sqlitestore.Config{})
	wantErr(t, err, context.Canceled)
	if _, err := os.Stat(file); err == nil {
		t.Error("the file was created")
	}
}

// TestMalformed: an old copy is put in the place of a file whose log was left. That is
// said when it is opened.
func TestMalformed(t *testing.T) {
	file := tempFile(t)
	s := open(t, file)
	for _, path := range []string{"/left", "/right"} {
		create(t, s, path, string(newPayload(0)))
	}
	if err := s.Close(); err != nil { // the log is empty now, and gone
		t.Fatal(err)
	}
	backup, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s = open(t, file)
	for i := range 200 { // the file grows, and is written back from the log
		create(t, s, fmt.Sprint("/more/", i), strings.Repeat("more", 1000))
	}
	c := spawn(t, "write", file)
	for range 20 {
		c.line()
	}
	c.kill()
	log, err := os.ReadFile(file + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{file: backup, file + "-wal": log} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, cfg := range []sqlitestore.Config{{}, {MustExist: true}} {
		_, err := sqlitestore.Open(t.Context(), file, cfg)
		wantErr(t, err, store.ErrDamaged, file, "restore it from a backup")
	}
}

// TestSpoiledWhileOpen: a handle that has the file open says so too, in each call, and does not
// take it for something that passes.
func TestSpoiledWhileOpen(t *testing.T) {
	file := tempFile(t)
	s := open(t, file)
	version := create(t, s, "/doc", "{}")
	for i := range 6 { // so much that it is not read as a whole when it is opened
		create(t, s, fmt.Sprint("/large/", i), strings.Repeat("large", 180_000))
	}
	if err := s.Close(); err != nil { // all is in the file now
		t.Fatal(err)
	}
	s = open(t, file)
	spawn(t, "scribble", file).finish()
	_, err := s.Load(t.Context(), "/doc", store.Version{}, store.Local)
	wantErr(t, err, store.ErrDamaged, "/doc", file, "restore it from a backup")
	_, err = s.Commit(t.Context(), store.Put{Path: "/doc", Base: version, Data: []byte("{}")})
	wantErr(t, err, store.ErrDamaged, "/doc", file, "restore it from a backup")
	_, err = s.Listeners(t.Context(), "/doc")
	wantErr(t, err, store.ErrDamaged, "/doc", file, "restore it from a backup")
}

// TestGiantRecords: what another tool made too large to be read says so itself.
func TestGiantRecords(t *testing.T) {
	file := tempFile(t)
	s := open(t, file)
	for _, id := range []string{"a", "b"} {
		if err := s.Announce(t.Context(), "/doc", id, []byte(id)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.SetJournal(t.Context(), "/doc", 10); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/doc", "/other"} {
		_, err := s.Commit(t.Context(), store.Create{Path: path, Data: []byte("{}")}, store.Append{Path: path, Data: []byte("entry")})
		if err != nil {
			t.Fatal(err)
		}
	}
	statement(t, file, "UPDATE listeners SET body = zeroblob(5000000) WHERE id = 'a'")
	statement(t, file, "UPDATE history SET body = zeroblob(5000000), mtime = 'yesterday'")
	found, err := s.Listeners(t.Context(), "/doc")
	if err != nil || len(found) != 2 || string(found[1].Data) != "b" {
		t.Fatalf("%v, %v", found, err)
	}
	wantErr(t, found[0].Err, store.ErrTooLarge)
	_, entries, err := s.Journal(t.Context(), "/doc", 10)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%v, %v", entries, err)
	}
	wantErr(t, entries[0].Err, store.ErrTooLarge)
}

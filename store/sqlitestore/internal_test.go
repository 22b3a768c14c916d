package sqlitestore

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/storetest"
)

func openTemp(t testing.TB, file string, cfg Config) *Store {
	t.Helper()
	s, err := Open(t.Context(), file, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// SQLITE_FULL in the middle of a set of operations undoes all of it.
func TestDatabaseFull(t *testing.T) {
	s := openTemp(t, filepath.Join(t.TempDir(), "state.db"), Config{})
	ctx := t.Context()
	versions, err := s.Commit(ctx, store.Create{Path: "/doc", Data: []byte("old")})
	if err != nil {
		t.Fatal(err)
	}
	limit := func(pages int) {
		t.Helper()
		conn, err := s.writer.Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		var got int
		if err := (&tx{conn: conn, ctx: ctx}).scan(fmt.Sprintf("PRAGMA max_page_count = %d", pages), nil, &got); err != nil {
			t.Fatal(err)
		}
	}
	limit(50)
	big := bytes.Repeat([]byte("z"), 500_000)
	_, err = s.Commit(ctx, store.Put{Path: "/doc", Base: versions[0], Data: []byte("new")},
		store.Create{Path: "/big", Data: big})
	if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "make room on the disk") || strings.Contains(err.Error(), "zz") {
		t.Fatalf("error is %v", err)
	}
	rec, err := s.Load(ctx, "/doc", store.Version{}, store.Local)
	if err != nil || string(rec.Data) != "old" || rec.Version != versions[0] {
		t.Fatalf("left %q at %v, %v", rec.Data, rec.Version, err)
	}
	if _, err := s.Commit(ctx, store.Put{Path: "/doc", Base: rec.Version, Data: []byte("small")}); err != nil {
		t.Fatalf("a small commit after it: %v", err)
	}
	limit(1_000_000)
	if _, err := s.Commit(ctx, store.Create{Path: "/big", Data: big}); err != nil {
		t.Fatal(err)
	}
}

func TestSettle(t *testing.T) {
	s := openTemp(t, filepath.Join(t.TempDir(), "state.db"), Config{})
	versions, err := s.Commit(t.Context(), store.Create{Path: "/doc"})
	if err != nil {
		t.Fatal(err)
	}
	failed := commitError{errors.New("the disk did not confirm")}
	if err := s.settle(t.Context(), versions[0].Order(), failed); !errors.Is(err, store.ErrUnknownOutcome) {
		t.Errorf("a commit that may have been this one is there: %v", err)
	}
	if err := s.settle(t.Context(), versions[0].Order()+1, failed); err != error(failed) {
		t.Errorf("a commit that was overwritten: %v", err)
	}
	next, err := s.Commit(t.Context(), store.Create{Path: "/next"})
	if err != nil || next[0].Order() != versions[0].Order()+2 {
		t.Errorf("the number of a failed commit was given again: %v, %v", next, err)
	}
}

// Without the kernel's notices, polling finds the changes.
func TestWatchWithoutNotices(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.db")
	s, other := openTemp(t, file, Config{PollInterval: time.Hour}), openTemp(t, file, Config{})
	s.watch.notify = func(string) (*fsnotify.Watcher, error) { return nil, errors.New("too many") }
	w := storetest.NewWatch(s, "/doc", time.Second)
	hints, stop := w.Hints, w.Stop
	defer stop()
	var version store.Version
	for _, op := range []func() store.Op{
		func() store.Op { return store.Create{Path: "/doc"} },
		func() store.Op { return store.Put{Path: "/doc", Base: version} },
		func() store.Op { return store.Delete{Path: "/doc", Base: version} },
		func() store.Op { return store.Create{Path: "/doc"} },
	} {
		versions, err := other.Commit(t.Context(), op())
		if err != nil {
			t.Fatal(err)
		}
		version = versions[0]
		select {
		case <-hints:
		case <-time.After(30 * time.Second):
			t.Fatalf("no hint for %T", op())
		}
	}
}

// What is written beside the log, as fast as possible, wakes nobody.
func TestOtherFilesWakeNobody(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.db")
	s := openTemp(t, file, Config{PollInterval: time.Hour})
	w, err := notify(file + "-wal")
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	defer s.Watch("/doc", time.Second, func() {}).Stop()
	other, err := os.Create(filepath.Join(filepath.Dir(file), "other"))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	looks, last := 0, s.watch.proof.Load()
	for range 20_000 {
		if _, err := other.WriteAt([]byte("x"), 0); err != nil {
			t.Fatal(err)
		}
		if proof := s.watch.proof.Load(); proof != last {
			looks, last = looks+1, proof
		}
	}
	if looks > 40 { // after a look come others, at doubling intervals
		t.Errorf("%d looks while another file was written", looks)
	}
	if _, err := s.Commit(t.Context(), store.Create{Path: "/doc"}); err != nil {
		t.Fatal(err)
	}
	if event := <-w.Events; event.Name != file+"-wal" { // the kernel keeps their order
		t.Errorf("a notice of %v", event)
	}
}

// A document that was seen, deleted and is absent again at the next look is
// hinted although both looks find nothing.
func TestHintForWhatCameAndWent(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.db")
	s, other := openTemp(t, file, Config{}), openTemp(t, file, Config{})
	s.watch.start.Do(func() {}) // this test looks by itself
	w := storetest.NewWatch(s, "/doc", time.Second)
	hints, stop := w.Hints, w.Stop
	defer stop()
	p := &poller{store: s}
	defer p.close()
	p.look(t.Context())
	versions, err := other.Commit(t.Context(), store.Create{Path: "/doc"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Commit(t.Context(), store.Delete{Path: "/doc", Base: versions[0]}); err != nil {
		t.Fatal(err)
	}
	p.look(t.Context())
	select {
	case <-hints:
	default:
		t.Fatal("no hint")
	}
	if _, err := other.Commit(t.Context(), store.Create{Path: "/other"}); err != nil {
		t.Fatal(err)
	}
	p.look(t.Context())
	select {
	case <-hints:
		t.Fatal("a hint for another document's change")
	default:
	}
}

// A record that somebody removed is missed until its handle has put it back, and nobody else
// gets its id meanwhile. It may be forgotten.
func TestRemovedRecordIsMissed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.db")
	s, other := openTemp(t, file, Config{PollInterval: time.Minute}), openTemp(t, file, Config{})
	for _, handle := range []*Store{s, other} {
		handle.watch.start.Do(func() {}) // this test looks by itself
	}
	p := &poller{store: s}
	defer p.close()
	absent := func(present []string, want string) store.Listener {
		t.Helper()
		found, err := other.Absent(t.Context(), "/doc", present)
		text := ""
		for _, l := range found {
			text += l.ID + "=" + string(l.Data)
		}
		if err != nil || text != want {
			t.Fatalf("absent are %q, %v, want %q", text, err, want)
		}
		return append(found, store.Listener{})[0]
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	remove := func() {
		t.Helper()
		check(other.write(t.Context(), durable, func(t *tx) error { return t.exec("DELETE FROM listeners") }))
	}
	putBack := func() {
		t.Helper()
		p.checkAt = time.Time{}
		p.look(t.Context())
		p.putBack(t.Context())
		found, err := other.Listeners(t.Context(), "/doc")
		if err != nil || len(found) != 1 || string(found[0].Data) != "last" {
			t.Fatalf("listeners are %v, %v", found, err)
		}
	}
	check(s.Announce(t.Context(), "/doc", "a", []byte("first")))
	check(s.Announce(t.Context(), "/doc", "a", []byte("last")))
	absent([]string{"a"}, "")
	remove()
	lost := absent(nil, "a=first")
	if err := other.Announce(t.Context(), "/doc", "a", nil); !errors.Is(err, store.ErrTaken) {
		t.Errorf("another handle announced it: %v", err)
	}
	putBack()
	check(other.Forget(t.Context(), "/doc", lost))
	remove()
	check(other.Forget(t.Context(), "/doc", lost)) // it was there since
	lost = absent(nil, "a=last")
	check(other.Forget(t.Context(), "/doc", lost))
	absent(nil, "")
	putBack()
	remove()
	check(s.Close())
	absent(nil, "")
}

// Sessions are born while others ask for them and remove the dead.
func TestSessionsAreMadeWhileOthersRemoveTheDead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sessions")
	database, err := os.Stat(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var removers sync.WaitGroup
	for range 2 {
		removers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				for _, id := range lockFiles(dir) {
					removeSession(dir, id)
				}
			}
		})
	}
	for i := range 300 {
		s, err := newSession(t.Context(), dir, database)
		if err != nil {
			t.Fatal(err)
		}
		if !s.inPlace() || !alive(dir, s.id) {
			t.Fatalf("session %d was removed while it lived", i)
		}
		s.release()
		if alive(dir, s.id) {
			t.Fatalf("session %d lives after its release", i)
		}
	}
	close(stop)
	removers.Wait()
	if left := lockFiles(dir); len(left) != 0 {
		t.Errorf("lock files left: %v", left)
	}
}

func BenchmarkCommit(b *testing.B) {
	s := openTemp(b, filepath.Join(b.TempDir(), "state.db"), Config{})
	data := bytes.Repeat([]byte("z"), 1000)
	versions, err := s.Commit(b.Context(), store.Create{Path: "/doc", Data: data})
	for b.Loop() {
		if err != nil {
			b.Fatal(err)
		}
		versions, err = s.Commit(b.Context(), store.Put{Path: "/doc", Base: versions[0], Data: data})
	}
}

func BenchmarkLoadUnchanged(b *testing.B) {
	s := openTemp(b, filepath.Join(b.TempDir(), "state.db"), Config{})
	versions, err := s.Commit(b.Context(), store.Create{Path: "/doc", Data: []byte("{}")})
	for b.Loop() {
		if err != nil {
			b.Fatal(err)
		}
		_, err = s.Load(b.Context(), "/doc", versions[0], store.Linearizable)
	}
}

func BenchmarkIdleLook(b *testing.B) {
	s := openTemp(b, filepath.Join(b.TempDir(), "state.db"), Config{})
	p := &poller{store: s}
	defer p.close()
	for b.Loop() {
		p.look(b.Context())
	}
}

// TestLimitOfPauses: a handle that hears nothing of others' writes looks by itself often enough.
func TestLimitOfPauses(t *testing.T) {
	told := notices{events: make(chan fsnotify.Event)}
	for _, c := range []struct {
		notices    notices
		poll, want time.Duration
	}{
		{told, time.Hour, time.Hour},
		{told, time.Millisecond, time.Millisecond},
		{notices{}, time.Hour, blindPoll},
		{notices{}, time.Millisecond, time.Millisecond},
	} {
		if got := c.notices.limit(c.poll); got != c.want {
			t.Errorf("%v: %v, want %v", c.poll, got, c.want)
		}
	}
}

// TestDamageForgetsNoReplacedLog: the log was replaced when a transaction fails for damage. The
// readers' connections are to the old one, so the new one is not taken for theirs.
func TestDamageForgetsNoReplacedLog(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.db")
	s := openTemp(t, file, Config{})
	if _, err := s.Commit(t.Context(), store.Create{Path: "/doc", Data: []byte("1")}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(t.Context(), "/doc", store.Version{}, store.Local); err != nil {
		t.Fatal(err)
	}
	garbage := filepath.Join(t.TempDir(), "garbage.db")
	if err := os.WriteFile(garbage, bytes.Repeat([]byte("no database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+garbage)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	_, damage := db.Exec("CREATE TABLE t (x)")
	err = s.write(t.Context(), durable, func(*tx) error {
		log, err := os.ReadFile(file + "-wal")
		if err == nil {
			err = errors.Join(os.Remove(file+"-wal"), os.WriteFile(file+"-wal", log, 0o600))
		}
		return errors.Join(damage, err)
	})
	if !isDamage(err) {
		t.Fatalf("the test's premise: %v", err)
	}
	for range 2 {
		if _, err := s.Load(t.Context(), "/doc", store.Version{}, store.Local); !errors.Is(err, errLogReplaced) {
			t.Errorf("the replaced log was read: %v", err)
		}
	}
}

// TestReadOnlyFileSystem: no right helps there.
func TestReadOnlyFileSystem(t *testing.T) {
	err := classify("state.db", &os.PathError{Op: "open", Path: "state.db", Err: syscall.EROFS})
	if !errors.Is(err, store.ErrDenied) || !strings.Contains(err.Error(), "make the file system writable") || strings.Contains(err.Error(), "right") {
		t.Errorf("the error is %v", err)
	}
}

package zkstate_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"modernc.org/sqlite"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/sqlitestore"
)

// onFile opens a plain connection to an SQLite file, as any other tool would.
func onFile(t *testing.T, file string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// backUp makes a copy of an SQLite file.
func backUp(t *testing.T, file string) (backup string) {
	t.Helper()
	backup = filepath.Join(t.TempDir(), "backup.db")
	if _, err := onFile(t, file).Exec("VACUUM INTO ?", backup); err != nil {
		t.Fatal(err)
	}
	return backup
}

// restore does what the command .restore of the sqlite3 tool does: it copies a backup over
// the file in place, while programs have it open.
func restore(t *testing.T, file, backup string) {
	t.Helper()
	conn, err := onFile(t, file).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = conn.Raw(func(driver any) error {
		copying, err := driver.(interface {
			NewRestore(string) (*sqlite.Backup, error)
		}).NewRestore("file:" + backup)
		if err != nil {
			return err
		}
		for more := true; more && err == nil; {
			more, err = copying.Step(-1)
		}
		return errors.Join(err, copying.Finish())
	})
	if err != nil {
		t.Fatal(err)
	}
}

// warnings counts log records by their message.
type warnings struct {
	slog.Handler
	mu    sync.Mutex // guards count
	count map[string]int
}

func newWarnings() *warnings {
	return &warnings{Handler: slog.DiscardHandler, count: make(map[string]int)}
}

func (w *warnings) Enabled(context.Context, slog.Level) bool { return true }

func (w *warnings) Handle(_ context.Context, r slog.Record) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count[r.Message]++
	return nil
}

// replaced is how often it was said that the history was replaced.
func (w *warnings) replaced() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for message, count := range w.count {
		if strings.Contains(message, "history was replaced") {
			n += count
		}
	}
	return n
}

// blind is a store whose watchers tell nothing, so that a State finds out only when it
// has a reason of its own to look.
type blind struct{ store.Store }

type blindWatcher struct{ store.Watcher }

func (b blind) Watch(path string, every time.Duration, _ func()) store.Watcher {
	return blindWatcher{b.Store.Watch(path, every, func() {})}
}

func (blindWatcher) Confirmed(store.Version) time.Time { return time.Time{} }

// restoredFile is an SQLite file that was restored while a State had it open.
type restoredFile struct {
	*env
	file   string
	backup string
	st     *zkstate.State[config]
	said   *warnings
}

const undone = 4 // commits after the backup

// newRestoredFile opens a State, through a wrapper if there is one, and makes commits before
// a backup and after it.
func newRestoredFile(t *testing.T, wrap func(store.Store) store.Store, opts ...zkstate.OpenOption) *restoredFile {
	f := &restoredFile{env: &env{T: t, ctx: t.Context()}, file: filepath.Join(t.TempDir(), "state.db"), said: newWarnings()}
	f.handle = func() store.Store {
		s, err := sqlitestore.Open(t.Context(), f.file, sqlitestore.Config{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	s := f.handle()
	if wrap != nil {
		s = wrap(s)
	}
	f.st = openOn(f.env, s, append(opts, zkstate.WithLogger(slog.New(f.said)))...)
	f.commit(f.st, 2)
	f.backup = backUp(t, f.file)
	f.commit(f.st, undone)
	return f
}

func (f *restoredFile) commit(st *zkstate.State[config], n int) {
	f.Helper()
	for range n {
		if _, err := st.Update(f.ctx, bump); err != nil {
			f.Fatal(err)
		}
	}
}

// replay restores the backup, and has another program make so many commits, the last of
// which sets the interval to 1000.
func (f *restoredFile) replay(commits int) {
	f.Helper()
	restore(f.T, f.file, f.backup)
	if commits == 0 {
		return
	}
	other := f.open()
	f.commit(other, commits-1)
	if _, err := other.Update(f.ctx, set(1000)); err != nil {
		f.Fatal(err)
	}
}

// TestRestoredInPlace: an SQLite file is restored while a State has it open, and then fewer,
// as many and more commits come than were undone. Read follows within a refresh; the change
// set says what happened, and so does the log, once. If more commits come than were undone,
// it can only be told where the State looks in between.
func TestRestoredInPlace(t *testing.T) {
	for commits, told := range map[int]bool{0: true, undone - 1: true, undone: true, undone + 1: false} {
		t.Run(fmt.Sprint(commits), func(t *testing.T) {
			f := newRestoredFile(t, nil, zkstate.WithRefresh(200*time.Millisecond))
			before, _ := f.st.Snapshot()
			sets := f.changes(f.st)
			want := 3
			if commits > 0 {
				want = 1000
			}
			f.replay(commits)
			if got, _, err := f.st.ReadConsistent(t.Context()); err != nil || got.Interval != want {
				t.Errorf("the quorum's is %+v, %v", got, err)
			}
			if got, err := f.st.Read(); err != nil || got.Interval != want {
				t.Errorf("read %+v, %v", got, err)
			}
			set := next(t, sets)
			if told && !set.Replaced || set.From != before.Version {
				t.Errorf("%+v", set)
			}
			f.commit(f.st, 1)
			if set := next(t, sets); set.Replaced && told {
				t.Errorf("said twice: %+v", set)
			}
			if got, err := f.open().Read(); err != nil || got.Interval != want+1 {
				t.Errorf("one more is %+v, %v", got, err)
			}
			if n := f.said.replaced(); n > 1 || n != 1 && told {
				t.Errorf("it was logged %d times", n)
			}
		})
	}
}

// TestReadFollowsARestore: nobody asks for anything, and Read follows all the same, within a
// refresh.
func TestReadFollowsARestore(t *testing.T) {
	for _, commits := range []int{undone - 1, undone, undone + 1} {
		t.Run(fmt.Sprint(commits), func(t *testing.T) {
			f := newRestoredFile(t, nil, zkstate.WithRefresh(200*time.Millisecond))
			f.replay(commits)
			f.eventually("the restored document is read", func() bool {
				got, err := f.st.Read()
				return err == nil && got.Interval == 1000
			})
		})
	}
}

// TestUpdateAfterARestore: a State that has not noticed a restore updates at once. What it
// has is of the old history, so that conflicts, and the function runs again on what is there.
func TestUpdateAfterARestore(t *testing.T) {
	for _, commits := range []int{0, undone - 1, undone, undone + 1} {
		t.Run(fmt.Sprint(commits), func(t *testing.T) {
			f := newRestoredFile(t, func(s store.Store) store.Store { return blind{s} },
				zkstate.WithRefresh(time.Hour), zkstate.WithMaxStaleness(3*time.Hour))
			want := 3
			if commits > 0 {
				want = 1000
			}
			f.replay(commits)
			var ran []int
			_, err := f.st.Update(t.Context(), func(c *config) error {
				ran = append(ran, c.Interval)
				return bump(c)
			})
			if err != nil || fmt.Sprint(ran) != fmt.Sprint([]int{3 + undone, want}) {
				t.Errorf("it ran on %v, %v", ran, err)
			}
			if got, _, err := f.open().ReadConsistent(t.Context()); err != nil || got.Interval != want+1 {
				t.Errorf("what is stored is %+v, %v", got, err)
			}
		})
	}
}

// TestIfVersionOfAReplacedHistory: a version that was noted before a restore is not the one
// with the same numbers after it. One from before there were tags can only go by them.
func TestIfVersionOfAReplacedHistory(t *testing.T) {
	f := newRestoredFile(t, nil)
	noted, _ := f.st.Snapshot()
	f.replay(undone)
	for range 2 { // the State knows of the restore the second time at the latest
		if _, err := f.st.Update(t.Context(), bump, zkstate.IfVersion(noted.Version)); !errors.Is(err, zkstate.ErrConflict) {
			t.Errorf("on a version of the old history: %v", err)
		}
		if _, _, err := f.st.ReadConsistent(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.st.Update(t.Context(), bump, zkstate.IfVersion(noted.Version.WithTag(0))); err != nil {
		t.Errorf("on the numbers alone: %v", err)
	}
}

// TestFollowersOfARestoredFile: of many followed documents some are as they were, some are
// not, and the sequence has passed what the followers have seen. All of them find out.
func TestFollowersOfARestoredFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.db")
	open := func() *sqlitestore.Store {
		s, err := sqlitestore.Open(t.Context(), file, sqlitestore.Config{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	e := &env{T: t, ctx: t.Context()}
	s := open()
	var states []*zkstate.State[int]
	for i := range 10 {
		st, err := zkstate.Open(t.Context(), s, fmt.Sprint("/doc", i), 0, zkstate.WithRefresh(200*time.Millisecond))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { closeState(t, st) })
		states = append(states, st)
	}
	to := func(i, value int) {
		t.Helper()
		if _, err := states[i].Update(t.Context(), func(v *int) error { *v = value; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	to(3, 1)
	backup := backUp(t, file)
	to(3, 2)
	to(4, 1)
	e.eventually("the handle has looked", func() bool {
		snap, err := states[4].Snapshot()
		return err == nil && snap.Fresh() && snap.Age() < 100*time.Millisecond
	})
	// In one transaction, so that no look comes in between.
	restoreAnd(t, file, backup, func(backup *sql.DB) {
		for range 20 {
			if _, err := backup.Exec("UPDATE documents SET body = CAST(body AS INTEGER) + 1 WHERE path = '/doc9'"); err != nil {
				t.Fatal(err)
			}
		}
	})
	for i, want := range []int{0, 0, 0, 1, 0, 0, 0, 0, 0, 20} {
		e.eventually(fmt.Sprintf("/doc%d is %d", i, want), func() bool {
			got, err := states[i].Read()
			return err == nil && got == want
		})
	}
}

// restoreAnd changes a backup before it is restored.
func restoreAnd(t *testing.T, file, backup string, change func(*sql.DB)) {
	t.Helper()
	db := onFile(t, backup)
	change(db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	restore(t, file, backup)
}

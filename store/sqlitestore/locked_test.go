package sqlitestore_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/zkstate/zkstate/store"
)

// lock holds the write lock of a file until release is called.
func lock(t *testing.T, file string) (release func()) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	release = sync.OnceFunc(func() {
		_ = conn.Close()
		_ = db.Close()
	})
	t.Cleanup(release)
	return release
}

func TestLockedByAnother(t *testing.T) {
	file := tempFile(t)
	s := open(t, file)
	version := create(t, s, "/doc", "old")
	release := lock(t, file)

	put := store.Put{Path: "/doc", Base: version, Data: []byte("new")}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	_, err := s.Commit(ctx, put)
	wantErr(t, err, store.ErrUnavailable, "/doc", file)
	wantErr(t, err, context.DeadlineExceeded)
	wantErr(t, s.Announce(ctx, "/doc", "a", nil), context.DeadlineExceeded)
	if got := string(load(t, s, "/doc").Data); got != "old" {
		t.Fatalf("a commit that failed left %q", got)
	}

	done := make(chan error)
	go func() {
		_, err := s.Commit(t.Context(), put)
		done <- err
	}()
	release()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := string(load(t, s, "/doc").Data); got != "new" {
		t.Fatalf("%q after the lock was released", got)
	}
}

func TestCloseWhileLocked(t *testing.T) {
	file := tempFile(t)
	s, other := open(t, file), open(t, file)
	version := create(t, s, "/doc", "{}")
	if err := s.Announce(t.Context(), "/doc", "a", nil); err != nil {
		t.Fatal(err)
	}
	stop := s.Watch("/doc", time.Second, func() {}).Stop
	defer stop()
	release := lock(t, file)

	done := make(chan error)
	go func() {
		_, err := s.Commit(t.Context(), store.Put{Path: "/doc", Base: version, Data: []byte("x")})
		done <- err
	}()
	begun := time.Now()
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took > 5*time.Second { // it promises 2
		t.Errorf("Close took %v", took)
	}
	wantErr(t, <-done, store.ErrClosed)
	wantListeners(t, other, "/doc")
	release()
	if err := other.Announce(t.Context(), "/doc", "a", []byte("other")); err != nil {
		t.Fatal(err)
	}
	wantListeners(t, other, "/doc", "a=other")
}

// A lock file that somebody removed is made anew at the next announcement.
func TestRemovedLockFile(t *testing.T) {
	file := tempFile(t)
	s, other := open(t, file), open(t, file)
	for _, id := range []string{"a", "b"} {
		if err := s.Announce(t.Context(), "/doc", id, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range lockFiles(t, file) {
		remove(t, name)
	}
	wantListeners(t, other, "/doc")
	if err := s.Announce(t.Context(), "/doc", "a", nil); err != nil {
		t.Fatal(err)
	}
	wantListeners(t, other, "/doc", "a=", "b=")
}

func remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
}

// TestLockOfTheDeadIsBusy: who waits for a lock whose holder died, and cannot take its place
// because somebody is in a transaction, hears of that: nobody holds the lock.
func TestLockOfTheDeadIsBusy(t *testing.T) {
	file := tempFile(t)
	s := open(t, file)
	c := spawn(t, "lock", file, "first")
	c.want("locked")
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	left := make(chan error, 1)
	go func() {
		_, err := s.Lock(ctx, "/doc", "second")
		left <- err
	}()
	for queue := []store.Waiter(nil); len(queue) < 2; {
		var err error
		if queue, err = s.Queue(t.Context(), "/doc"); err != nil {
			t.Fatal(err)
		}
	}
	lock(t, file)
	c.kill()
	err := <-left
	wantErr(t, err, store.ErrUnavailable)
	wantErr(t, err, context.DeadlineExceeded)
	if errors.Is(err, store.ErrLocked) {
		t.Error(err)
	}
}

//go:build unix

package sqlitestore_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/sqlitestore"
)

func init() {
	roles["denied"] = roleDenied
	roles["full"] = roleFull
	roles["transaction"] = roleTransaction
}

// A process that is stopped within a transaction keeps all writers waiting. The error
// names it.
func TestStoppedWriterIsNamed(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux lists its locks")
	}
	file := tempFile(t)
	s := open(t, file)
	version := create(t, s, "/doc", "old")
	c := spawn(t, "transaction", file)
	c.want("begun")
	commit := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := s.Commit(ctx, store.Put{Path: "/doc", Base: version, Data: []byte("new")})
		return err
	}
	wantErr(t, commit(), store.ErrUnavailable, fmt.Sprintf("process %d is in a transaction", c.cmd.Process.Pid))
	if err := c.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); !strings.Contains(fmt.Sprint(commit()), "which is stopped"); {
		if time.Now().After(deadline) {
			t.Fatal(commit())
		}
	}
	if err := c.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	c.finish()
	if _, err := s.Commit(t.Context(), store.Put{Path: "/doc", Base: version, Data: []byte("new")}); err != nil {
		t.Fatal(err)
	}
}

// roleTransaction is in a write transaction until its input ends.
func roleTransaction(file string, _ []string) error {
	db, err := sql.Open("sqlite", file)
	if err != nil {
		return err
	}
	conn, err := db.Conn(context.Background())
	if err != nil {
		return err
	}
	if _, err := conn.ExecContext(context.Background(), "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	fmt.Println("begun")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
	}
	return errors.Join(conn.Close(), db.Close())
}

// A stopped process still is a listener: nobody can know that it will not go on.
func TestStoppedListenerStays(t *testing.T) {
	file := tempFile(t)
	s := open(t, file)
	c := spawn(t, "announce", file, "a")
	c.want("announced")
	if err := c.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	wantListeners(t, s, "/doc", "a=child")
	if err := c.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	c.finish()
	wantListeners(t, s, "/doc")
}

func TestPermissions(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	closed := filepath.Join(dir, "closed")
	if err := os.Mkdir(closed, 0o500); err != nil {
		t.Fatal(err)
	}
	c := spawn(t, "denied", filepath.Join(closed, "new.db"))
	c.want("open: denied")
	c.finish()

	file := filepath.Join(dir, "state.db")
	s := open(t, file)
	create(t, s, "/doc", "{}")
	for _, name := range []string{file, file + "-wal", file + "-shm"} {
		if err := os.Chmod(name, 0o444); err != nil {
			t.Fatal(err)
		}
	}
	c = spawn(t, "denied", file)
	c.want("load: {}")
	c.want("commit: denied")
	c.want("announce: denied")
	c.finish()
}

// roleDenied tries what a user may who is nobody in particular.
func roleDenied(file string, _ []string) error {
	if os.Getuid() == 0 {
		if err := syscall.Setuid(65534); err != nil {
			return err
		}
	}
	ctx := context.Background()
	s, err := sqlitestore.Open(ctx, file, sqlitestore.Config{})
	if errors.Is(err, store.ErrDenied) {
		fmt.Println("open: denied")
		return nil
	}
	if err != nil {
		return err
	}
	rec, err := s.Load(ctx, "/doc", store.Version{}, store.Local)
	if err != nil {
		return err
	}
	fmt.Printf("load: %s\n", rec.Data)
	_, err = s.Commit(ctx, store.Put{Path: "/doc", Base: rec.Version, Data: []byte("{1}")})
	if !errors.Is(err, store.ErrDenied) {
		return fmt.Errorf("commit: %w", err)
	}
	fmt.Println("commit: denied")
	if err := s.Announce(ctx, "/doc", "a", nil); !errors.Is(err, store.ErrDenied) {
		return fmt.Errorf("announce: %w", err)
	}
	fmt.Println("announce: denied")
	return s.Close()
}

// A COMMIT whose writes fail, as on a full disk, leaves everything as it was.
func TestFailingWrites(t *testing.T) {
	file := tempFile(t)
	s := open(t, file)
	create(t, s, "/doc", "old")
	c := spawn(t, "full", file)
	c.want("refused")
	if got := string(load(t, s, "/doc").Data); got != "old" {
		t.Fatalf("a commit that failed left %.20q", got)
	}
	if _, err := s.Commit(t.Context(), store.Create{Path: "/another", Data: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	c.say("go on")
	c.want("committed")
	c.finish()
	if got := len(load(t, s, "/doc").Data); got != 500_000 {
		t.Fatalf("%d bytes after the disk has room again", got)
	}
	if got := integrity(t, file); got != "ok" {
		t.Fatal(got)
	}
}

// roleFull commits while its files may not grow, and again when they may.
func roleFull(file string, _ []string) error {
	signal.Ignore(syscall.SIGXFSZ)
	return inRole(file, func(ctx context.Context, s *sqlitestore.Store) error {
		rec, err := s.Load(ctx, "/doc", store.Version{}, store.Local)
		if err != nil {
			return err
		}
		put := store.Put{Path: "/doc", Base: rec.Version, Data: []byte(strings.Repeat("z", 500_000))}
		var limit syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			return err
		}
		tight := syscall.Rlimit{Cur: 200_000, Max: limit.Max}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &tight); err != nil {
			return err
		}
		_, err = s.Commit(ctx, put)
		if !errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrUnknownOutcome) || strings.Contains(err.Error(), "zz") {
			return fmt.Errorf("with no room: %w", err)
		}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			return err
		}
		fmt.Println("refused")
		if _, err := fmt.Scanln(new(string), new(string)); err != nil {
			return err
		}
		if _, err := s.Commit(ctx, put); err != nil {
			return err
		}
		fmt.Println("committed")
		return nil
	})
}

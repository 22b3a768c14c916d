//go:build unix

package sqlitestore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/sqlitestore"
)

func init() {
	roles["share"] = roleShare
	roles["attempt"] = roleAttempt
}

// Users and a group that own nothing else.
const (
	alice  = 64101
	bob    = 64102
	shared = 64100
)

// become makes this process another user's, of the given group and a further one; only root
// can. Its umask is the usual one.
func become(user, group, further string) error {
	syscall.Umask(0o022)
	if os.Geteuid() != 0 || user == "" {
		return nil
	}
	var ids [3]int
	for i, text := range []string{user, group, further} {
		id, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		ids[i] = id
	}
	return errors.Join(syscall.Setgroups(ids[2:]), syscall.Setgid(ids[1]), syscall.Setuid(ids[0]))
}

// roleShare works on a file as one of several users: it tells whom it sees, and lives until it
// is told to end.
func roleShare(file string, args []string) error {
	if err := become(args[1], args[2], args[3]); err != nil {
		return err
	}
	return inRole(file, func(ctx context.Context, s *sqlitestore.Store) error {
		if err := s.Announce(ctx, "/counter", args[0], nil); err != nil {
			return err
		}
		if _, err := s.Commit(ctx, store.Create{Path: "/counter", Data: []byte("0")}); err != nil && !errors.Is(err, store.ErrExists) {
			return err
		}
		l, err := s.Lock(ctx, "/counter", args[0])
		if err != nil {
			return err
		}
		if err := errors.Join(increment(ctx, s, "/counter"), l.Unlock(ctx)); err != nil {
			return err
		}
		found, err := s.Listeners(ctx, "/counter")
		if err != nil {
			return err
		}
		for _, l := range found {
			fmt.Print(l.ID, " ")
		}
		fmt.Println("listen")
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		}
		return nil
	})
}

// TestSharedFile: users with a usual umask share a file through its group, or with everybody.
// Each sees who lives and who does not, whoever came first. Root has no special place.
func TestSharedFile(t *testing.T) {
	for name, c := range map[string]struct {
		directory, file fs.FileMode
		own             bool // each user's group is their own; the shared one is a further one
		strangers       bool // they have no group in common
	}{
		"group":                  {directory: 0o770, file: 0o660},
		"further group":          {directory: 0o770, file: 0o660, own: true},
		"directory of the group": {directory: fs.ModeSetgid | 0o770, file: 0o660, own: true},
		"others read":            {directory: 0o775, file: 0o664, own: true},
		"everybody":              {directory: 0o777, file: 0o666, own: true, strangers: true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := sharedDirectory(t, c.directory)
			file := filepath.Join(dir, "state.db")
			if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Chmod(file, c.file), give(file, alice, shared)); err != nil {
				t.Fatal(err)
			}
			enter := func(id string, user int) *child {
				group, further := shared, shared
				if c.own {
					group = user
				}
				if c.strangers {
					further = user
				}
				return spawn(t, "share", file, id, fmt.Sprint(user), fmt.Sprint(group), fmt.Sprint(further))
			}
			first := enter("a", alice)
			first.want("a listen")
			second := enter("b", bob)
			second.want("a b listen")
			wantShared(t, dir, c.file, !c.strangers)
			first.kill()
			third := enter("c", alice)
			third.want("b c listen")
			second.kill()
			third.finish()
			// Nobody has the file open now.
			last := enter("d", bob)
			last.want("d listen")
			again := enter("a", alice)
			again.want("a d listen")
			wantShared(t, dir, c.file, !c.strangers)
			again.finish()
			last.finish()
			root := open(t, file)
			if err := root.Announce(t.Context(), "/counter", "root", nil); err != nil {
				t.Fatal(err)
			}
			wantShared(t, dir, c.file, !c.strangers)
			last = enter("e", bob)
			last.want("e root listen")
			last.finish()
		})
	}
}

// sharedDirectory makes a directory that other users reach.
func sharedDirectory(t *testing.T, mode fs.FileMode) string {
	t.Helper()
	dir := t.TempDir()
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755), give(dir, os.Getuid(), shared), os.Chmod(dir, mode)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// give hands a file to a user and a group, if this process is root's.
func give(name string, user, group int) error {
	if os.Geteuid() != 0 {
		return nil
	}
	return os.Chown(name, user, group)
}

// wantShared checks the permissions of all that is beside a database.
func wantShared(t *testing.T, dir string, file fs.FileMode, inGroup bool) {
	t.Helper()
	seen := 0
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		seen++
		mode := file
		if info.IsDir() {
			mode |= mode & 0o444 >> 2
		}
		group := int(info.Sys().(*syscall.Stat_t).Gid)
		if info.Mode().Perm() != mode || inGroup && os.Geteuid() == 0 && group != shared {
			t.Errorf("%s has mode %v and group %d, want %v", name, info.Mode(), group, mode)
		}
		return nil
	})
	if err != nil || seen < 5 { // file, -wal, -shm, .sessions and a lock file
		t.Errorf("%d files, %v", seen, err)
	}
}

// TestSessionsOfEarlierVersions: a directory that was made as narrow as a umask says is mended
// by its owner. Until then others hear what to do.
func TestSessionsOfEarlierVersions(t *testing.T) {
	dir := sharedDirectory(t, 0o770)
	file := filepath.Join(dir, "state.db")
	sessions := file + ".sessions"
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Chmod(file, 0o660), give(file, alice, shared),
		os.Mkdir(sessions, 0o500), give(sessions, alice, alice)); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 { // one user alone cannot be both
		c := spawn(t, "attempt", file, "announce", fmt.Sprint(bob), fmt.Sprint(shared), fmt.Sprint(shared))
		c.wantDenied(sessions + " the permissions and the group")
	}
	c := spawn(t, "share", file, "a", fmt.Sprint(alice), fmt.Sprint(alice), fmt.Sprint(shared))
	c.want("a listen")
	wantShared(t, dir, 0o660, true)
	c.finish()
}

// TestDenied: whatever a user may not read, or write, is said to be denied, with its name and
// what to do. It is not "unavailable", which would be tried again.
func TestDenied(t *testing.T) {
	for name, c := range map[string]struct {
		deny func(file string) error
		do   string
		says string // %s is the file
	}{
		"read the file":            {func(file string) error { return os.Chmod(file, 0) }, "open", "may not read %s ("},
		"reach the file":           {func(file string) error { return os.Chmod(filepath.Dir(file), 0o600) }, "open", "%s: permission denied: give user"},
		"read the log":             {func(file string) error { return os.Chmod(file+"-wal", 0) }, "open", "may not read %s-wal ("},
		"read the log's index":     {func(file string) error { return os.Chmod(file+"-shm", 0) }, "open", "may not read %s-shm ("},
		"make a log":               {withoutLog, "open", "where SQLite has to make state.db-wal: give it that right"},
		"write the file":           {func(file string) error { return os.Chmod(file, 0o444) }, "commit", "may not read and write %s ("},
		"write the log":            {func(file string) error { return os.Chmod(file+"-wal", 0o444) }, "commit", "may not read and write %s-wal ("},
		"write the log's index":    {func(file string) error { return os.Chmod(file+"-shm", 0o444) }, "commit", "may not read and write %s-shm ("},
		"make the lock directory":  {func(file string) error { return os.Chmod(filepath.Dir(file), 0o555) }, "announce", "mkdir %s.sessions: permission denied"},
		"create a file":            {func(file string) error { return os.Chmod(filepath.Dir(file), 0o555) }, "create", "%s.new: permission denied: give user"},
		"create a directory":       {func(file string) error { return os.Chmod(filepath.Dir(file), 0o555) }, "create below", "%s.d: permission denied: give user"},
		"read it while it is open": {func(file string) error { return os.Chmod(filepath.Dir(file), 0o600) }, "go on", "%s: permission denied: give user"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := sharedDirectory(t, 0o777)
			file := filepath.Join(dir, "state.db")
			user := fmt.Sprint(alice)
			keeper := spawn(t, "share", file, "a", user, user, user)
			keeper.want("a listen")
			t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
			if c.do == "announce" {
				if err := os.RemoveAll(file + ".sessions"); err != nil {
					t.Fatal(err)
				}
			}
			var another *child
			if c.do == "go on" {
				another = spawn(t, "attempt", file, c.do, user, user, user)
				another.want("goes on")
			}
			if err := c.deny(file); err != nil {
				t.Fatal(err)
			}
			if another == nil {
				another = spawn(t, "attempt", file, c.do, user, user, user)
			} else {
				another.say("")
			}
			another.wantDenied(strings.ReplaceAll(c.says, "%s", file))
			if err := os.Chmod(dir, 0o700); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// withoutLog takes away what a database has beside it, and the right to make it.
func withoutLog(file string) error {
	return errors.Join(os.Remove(file+"-wal"), os.Remove(file+"-shm"), os.Chmod(filepath.Dir(file), 0o555))
}

// roleAttempt does one thing as a user and says how that ends.
func roleAttempt(file string, args []string) error {
	if err := become(args[1], args[2], args[3]); err != nil {
		return err
	}
	err := attempt(context.Background(), file, args[0])
	fmt.Println(errors.Is(err, store.ErrDenied), err)
	return nil
}

func attempt(ctx context.Context, file, do string) error {
	switch do {
	case "create":
		file += ".new"
	case "create below":
		file += ".d/state.db"
	}
	s, err := sqlitestore.Open(ctx, file, sqlitestore.Config{})
	if err != nil {
		return err
	}
	defer s.Close()
	switch do {
	case "announce":
		return s.Announce(ctx, "/counter", "x", nil)
	case "commit":
		_, err = s.Commit(ctx, store.Create{Path: "/another"})
	case "go on":
		fmt.Println("goes on")
		if _, err := fmt.Scanln(); err != nil && !strings.Contains(err.Error(), "newline") {
			return err
		}
		_, err = s.Load(ctx, "/counter", store.Version{}, store.Local)
	}
	return err
}

// wantDenied waits for what an attempt came to.
func (c *child) wantDenied(says string) {
	c.t.Helper()
	if got := c.line(); !strings.HasPrefix(got, "true ") || !strings.Contains(got, says) {
		c.t.Errorf("child says %q, want it denied, and %q", got, says)
	}
}

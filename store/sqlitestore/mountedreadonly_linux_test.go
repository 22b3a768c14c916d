package sqlitestore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/sqlitestore"
)

func init() { roles["read-only"] = roleReadOnly }

// ownMounts lets a process have mounts that no other sees.
func ownMounts() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		attr.Cloneflags = unix.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return attr
}

// TestMountedReadOnly: on a file system that is mounted for reading, what cannot be done says
// what would help, and nothing is lost once it can be written again. Documents can be read
// if a program that ended in the middle has left its log.
func TestMountedReadOnly(t *testing.T) {
	probe := exec.Command("true")
	probe.SysProcAttr = ownMounts()
	if err := probe.Run(); errors.Is(err, syscall.EPERM) { // as in most containers
		t.Skip("nothing can be mounted here:", err)
	} else if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		left []string // of a file's parts
		want []string
	}{
		"closed":              {[]string{""}, []string{"open: denied"}},
		"ended in the middle": {[]string{"", "-wal", "-shm"}, []string{"load: old", "commit: denied", "announce: denied"}},
	} {
		t.Run(name, func(t *testing.T) {
			used, file := tempFile(t), tempFile(t)
			s := open(t, used)
			create(t, s, "/doc", "old")
			if len(c.left) == 1 {
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			for _, part := range c.left {
				if data, err := os.ReadFile(used + part); err != nil {
					t.Fatal(err)
				} else if err := os.WriteFile(file+part, data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cmd := roleCommand("read-only", file)
			cmd.SysProcAttr = ownMounts()
			child := start(t, cmd)
			for _, want := range append(c.want, "another file: denied", "writable: committed") {
				child.want(want)
			}
			child.finish()
			if got := string(load(t, open(t, file), "/doc").Data); got != "new" {
				t.Errorf("the document is %q", got)
			}
			if got := integrity(t, file); got != "ok" {
				t.Error(got)
			}
		})
	}
}

// roleReadOnly tries what there is to do on a file system that is for reading only, and goes
// on when it can be written.
func roleReadOnly(file string, _ []string) error {
	dir := filepath.Dir(file)
	if err := errors.Join(unix.Mount(dir, dir, "", unix.MS_BIND, ""), remount(dir, unix.MS_RDONLY)); err != nil {
		return err
	}
	if err := tryReadOnly(file); err != nil {
		return err
	}
	_, err := sqlitestore.Open(context.Background(), filepath.Join(dir, "another.db"), sqlitestore.Config{})
	fmt.Println("another file:", verdict(err))
	if err := remount(dir, 0); err != nil {
		return err
	}
	return inRole(file, func(ctx context.Context, s *sqlitestore.Store) error {
		rec, err := s.Load(ctx, "/doc", store.Version{}, store.Linearizable)
		if err != nil || string(rec.Data) != "old" {
			return fmt.Errorf("the document is %q, %w", rec.Data, err)
		}
		_, err = s.Commit(ctx, store.Put{Path: "/doc", Base: rec.Version, Data: []byte("new")})
		if err == nil {
			fmt.Println("writable: committed")
		}
		return err
	})
}

func remount(dir string, flags uintptr) error {
	return unix.Mount("", dir, "", unix.MS_BIND|unix.MS_REMOUNT|flags, "")
}

func tryReadOnly(file string) error {
	ctx := context.Background()
	s, err := sqlitestore.Open(ctx, file, sqlitestore.Config{})
	if err != nil {
		fmt.Println("open:", verdict(err))
		return nil
	}
	rec, err := s.Load(ctx, "/doc", store.Version{}, store.Linearizable)
	if err != nil {
		return err
	}
	fmt.Printf("load: %s\n", rec.Data)
	_, err = s.Commit(ctx, store.Put{Path: "/doc", Base: rec.Version, Data: []byte("new")})
	fmt.Println("commit:", verdict(err))
	fmt.Println("announce:", verdict(s.Announce(ctx, "/doc", "a", nil)))
	return s.Close()
}

// verdict is "denied" for an error that says so, and what helps.
func verdict(err error) string {
	if errors.Is(err, store.ErrDenied) && strings.Contains(err.Error(), "make the file system writable") {
		return "denied"
	}
	return fmt.Sprint(err)
}

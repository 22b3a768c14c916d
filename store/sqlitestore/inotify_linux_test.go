package sqlitestore_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/sqlitestore"
	"github.com/zkstate/zkstate/store/storetest"
)

func init() { roles["last instance"] = roleLastInstance }

// TestNoNoticesLeft: the kernel gives a user so many inotify instances, 128 as a rule. The next
// handle polls and says so; it fails in nothing.
func TestNoNoticesLeft(t *testing.T) {
	text, err := os.ReadFile("/proc/sys/fs/inotify/max_user_instances")
	if err != nil {
		t.Fatal(err)
	}
	if limit, err := strconv.Atoi(strings.TrimSpace(string(text))); err != nil || limit > 1000 || os.Geteuid() != 0 {
		t.Skipf("%d instances, %v: it would take them all from other programs of this user", limit, err)
	}
	dir := sharedDirectory(t, 0o777)
	file := filepath.Join(dir, "state.db")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Chmod(file, 0o666)); err != nil {
		t.Fatal(err)
	}
	s := open(t, file)
	version := create(t, s, "/doc", "old")
	user := strconv.Itoa(alice)
	c := spawn(t, "last instance", file, user, user, user)
	c.want("sqlitestore: no file notices, polling instead")
	c.want("old")
	if _, err := s.Commit(t.Context(), store.Put{Path: "/doc", Base: version, Data: []byte("new")}); err != nil {
		t.Fatal(err)
	}
	c.want("new")
	c.finish()
}

// roleLastInstance follows /doc where no inotify instance is to be had.
func roleLastInstance(file string, args []string) error {
	if err := become(args[0], args[1], args[2]); err != nil {
		return err
	}
	var err error
	for err == nil {
		_, err = unix.InotifyInit1(unix.IN_CLOEXEC)
	}
	if !errors.Is(err, unix.EMFILE) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	logged := messages{slog.DiscardHandler, make(chan string, 100)}
	s, err := sqlitestore.Open(ctx, file, sqlitestore.Config{Logger: slog.New(logged)})
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Announce(ctx, "/doc", "last", nil); err != nil {
		return err
	}
	w := storetest.NewWatch(s, "/doc", time.Second)
	defer w.Stop()
	fmt.Println(<-logged.texts)
	for last := ""; last != "new"; {
		rec, err := s.Load(ctx, "/doc", store.Version{}, store.Local)
		if err != nil {
			return err
		}
		if data := string(rec.Data); data != last {
			last = data
			fmt.Println(data)
		}
		if last != "new" {
			select {
			case <-w.Hints:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}

// messages passes on what is logged, without its attributes.
type messages struct {
	slog.Handler
	texts chan string
}

func (messages) Enabled(context.Context, slog.Level) bool { return true }

func (m messages) Handle(_ context.Context, r slog.Record) error {
	m.texts <- r.Message
	return nil
}

package storeurl_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"testing"

	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
	"github.com/zkstate/zkstate/store/sqlitestore"
	"github.com/zkstate/zkstate/store/storeurl"
	"github.com/zkstate/zkstate/store/zkstore"
)

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for url, want := range map[string]store.Store{
		"mem:":                            &memstore.Store{},
		"sqlite:relative.db":              &sqlitestore.Store{},
		"sqlite:sub/a b%20c?.db":          &sqlitestore.Store{},
		"sqlite:" + dir + "/absolute.db":  &sqlitestore.Store{},
		"sqlite://" + dir + "/slashes.db": &sqlitestore.Store{},
		"zk://127.0.0.1:1":                &zkstore.Store{},
		"zk://a.invalid,b.invalid:2182/chroot/sub?session=4s": &zkstore.Store{},
		"zk://[::1]:2181,[::1]":                               &zkstore.Store{},
		"zk://user:p%40ss%2Fword@127.0.0.1:1/chroot":          &zkstore.Store{},
		"zk://user:p@ss@127.0.0.1:1":                          &zkstore.Store{},
		"zk://a.invalid:1, b.invalid/with%40and%2C":           &zkstore.Store{},
		"ZK://127.0.0.1:1":                                    &zkstore.Store{},
		"Mem:":                                                &memstore.Store{},
	} {
		s, err := storeurl.Open(t.Context(), url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if fmt.Sprintf("%T", s) != fmt.Sprintf("%T", want) {
			t.Errorf("%s is a %T", url, s)
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
	for _, file := range []string{"relative.db", "sub/a b%20c?.db", "absolute.db", "slashes.db"} {
		if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
			t.Error(err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, url := range []string{
		"", "file.db", "mem", "mem:x", "sqlite:", "sqlite://host/file", "zk:", "zk://", "zk:host", "zk://a:b:c", "zk://h:0",
		"zk://h//x", "zk://h/../x", "zk://h?session=soon", "zk://h?session=-1s", "zk://h?other=1", "etcd://h",
		"zk://h?session=597h", "zk://h?session=1ms", "zk://h?session=4s&session=5s", "zk://h1/a,h2/b", "zk://h/%zz", "zk://h,,h", "zk://-h",
	} {
		if s, err := storeurl.Open(t.Context(), url); !errors.Is(err, storeurl.ErrURL) {
			t.Errorf("%q opened %T, %v", url, s, err)
		}
	}
	absent := filepath.Join(t.TempDir(), "absent.db")
	if _, err := storeurl.Open(t.Context(), "sqlite:"+absent, storeurl.MustExist()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("absent file: %v", err)
	}
	if _, err := os.Stat(absent); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("looking created it: %v", err)
	}
}

func TestDefault(t *testing.T) {
	t.Setenv("HOME", "/home/somebody")
	for state, want := range map[string]string{
		"":         "sqlite:/home/somebody/.local/state/zkstate/state.db",
		"relative": "sqlite:/home/somebody/.local/state/zkstate/state.db",
		"/state":   "sqlite:/state/zkstate/state.db",
	} {
		t.Setenv("XDG_STATE_HOME", state)
		if got, err := storeurl.Default(); got != want || err != nil {
			t.Errorf("with XDG_STATE_HOME=%q: %s, %v, want %s", state, got, err, want)
		}
	}
	t.Setenv("XDG_STATE_HOME", "")
	for _, home := range []string{"", "relative"} {
		t.Setenv("HOME", home)
		if got, err := storeurl.Default(); err == nil {
			t.Errorf("with HOME=%q: %s, which others could have made", home, got)
		}
	}
}

func ExampleOpen() {
	ctx := context.Background()
	s, err := storeurl.Open(ctx, "mem:") // or "sqlite:app.db", or "zk://zk1,zk2,zk3/chroot"
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	versions, err := s.Commit(ctx, store.Create{Path: "/doc", Data: []byte(`{}`)})
	fmt.Println(len(versions), err)
	// Output: 1 <nil>
}

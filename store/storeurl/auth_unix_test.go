//go:build unix

package storeurl_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/zkstate/zkstate/store/storeurl"
)

func TestEnvironmentAuth(t *testing.T) {
	write := func(mode os.FileMode, text string) string {
		file := filepath.Join(t.TempDir(), "secrets")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		return file
	}
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	open := func(file, variable string, opts ...storeurl.Option) error {
		t.Setenv(storeurl.AuthFile, file)
		t.Setenv(storeurl.AuthVariable, variable)
		s, err := storeurl.Open(t.Context(), "zk://127.0.0.1:1", opts...)
		if err == nil {
			err = s.Close()
		}
		return err
	}
	for name, c := range map[string]struct{ file, variable string }{
		"group may read":   {write(0o640, "digest:user:hidden\n"), ""},
		"others may read":  {write(0o604, "digest:user:hidden\n"), ""},
		"absent":           {filepath.Join(t.TempDir(), "none"), ""},
		"directory":        {t.TempDir(), ""},
		"pipe":             {pipe, ""},
		"empty":            {write(0o600, "# nothing\n\n"), ""},
		"no scheme":        {write(0o600, "hidden\n"), ""},
		"no user":          {write(0o600, "# who\ndigest:hidden\n"), ""},
		"a blank before":   {write(0o600, " digest:user:hidden\n"), ""},
		"huge":             {write(0o600, strings.Repeat("hidden", 20_000)), ""},
		"bad variable":     {"", "hidden"},
		"digest, no user":  {"", "digest:hidden"},
		"digest, no words": {"", "digest::"},
		"scheme left out":  {"", "user:hidden"},
	} {
		err := open(c.file, c.variable, storeurl.Environment())
		if !errors.Is(err, storeurl.ErrAuth) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v", name, err)
		}
	}
	good := write(0o600, "# ours\r\n\ndigest:user:pa:ss wo#rd\r\ndigest:more:words\n")
	if err := open(good, "digest:other:word", storeurl.Environment()); err != nil {
		t.Error(err)
	}
	if err := open("no-such-file", "hidden"); err != nil {
		t.Errorf("the environment is looked at without being asked to: %v", err)
	}
}

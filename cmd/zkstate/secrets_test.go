package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/zkstate/zkstate/store/storeurl"
)

// TestNoSecretIsPrinted: not by an error, the log, a panic, the help or the demo,
// wherever the URL comes from.
func TestNoSecretIsPrinted(t *testing.T) {
	t.Setenv(storeurl.AuthVariable, "digest:user:hidden")
	for _, url := range []string{
		"zk://user:hidden@127.0.0.1:1/c", "zk://user:hid/hidden@h", "zk://user:hid?hidden@h1,h2", "zk:user:hidden@h", "ZK://user:hidden@h:0",
		" zk://user:hidden@h", "'zk://user:hidden@h'", "etcd://user:hidden@h", "user:hidden@h", "mem:hidden", "sqlite://user:hidden@h/f", "zk://hidden@h", "zk://user:hidden",
	} {
		for _, args := range [][]string{
			{"get", "/doc"}, {"set", "/doc", "1"}, {"listeners", "/doc"}, {"watch", "/doc"}, {"lock", "/doc", "--", "true"}, {"edit", "/doc"}, {"diff", "/a", "/b"},
			{"demo"}, {"--help"}, {"get", "--help"}, {"lock", "/doc", "--help"}, {"get", "--nonsense"}, {"get"},
		} {
			for _, flag := range []bool{true, false} {
				t.Setenv(storeVariable, url)
				all := append([]string{"-v", "--timeout", "20ms"}, args...)
				if flag {
					t.Setenv(storeVariable, "")
					all = append(all[:3:3], append([]string{"--store", url}, args...)...)
				} else if args[0] == "demo" { // without --store it is on a file of its own
					continue
				}
				var out lockedBuffer // a connection that is being closed may still log
				run(t.Context(), all, strings.NewReader(""), &out, &out)
				if strings.Contains(out.String(), "hidden") {
					t.Errorf("%q: %s", all, out.String())
				}
			}
		}
	}
}

// TestChildEnv: a command that a user has this program run gets the address of the store
// and no credentials.
func TestChildEnv(t *testing.T) {
	t.Setenv(storeurl.AuthVariable, "digest:user:hidden")
	t.Setenv(storeurl.AuthFile, "/hidden")
	file := "sqlite:" + filepath.Join(t.TempDir(), "a@b.db")
	for url, want := range map[string]string{
		file:                           storeVariable + "=" + file,
		"zk://h1,h2/c":                 storeVariable + "=zk://h1,h2/c",
		"zk://user:hidden@h1:2181,h2":  storeVariable + "=zk://h1:2181,h2",
		"zk://user:hid/hidden@h1,h2/c": "",
		"user:hidden@h":                "",
		"":                             storeVariable + "=",
	} {
		t.Setenv(storeVariable, url)
		var got string
		for _, entry := range childEnv() {
			if strings.Contains(entry, "hidden") || strings.HasPrefix(entry, storeurl.AuthVariable) {
				t.Errorf("with %s a command gets %s", url, entry)
			}
			if strings.HasPrefix(entry, storeVariable+"=") {
				got = entry
			}
		}
		if got != want {
			t.Errorf("with %s a command gets %q, want %q", url, got, want)
		}
	}
}

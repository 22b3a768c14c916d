//go:build unix

package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zkstate/zkstate/internal/zkserver"
)

var update = flag.Bool("update", false, "write the messages that the commands print now to testdata/messages")

// TestMessages holds what every command says in every failure, to be read aloud. A file
// of testdata/messages has lines that begin with $, which a shell runs one after another
// in one directory, and what they print. -update writes the latter.
func TestMessages(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { checkMessages(t, "sqlite:state.db") })
	t.Run("following", func(t *testing.T) { checkMessages(t, "sqlite:state.db") })
	t.Run("unreachable", func(t *testing.T) {
		// Whether the client or the caller noticed first is a matter of luck.
		checkMessages(t, "zk://127.0.0.1:1", strings.NewReplacer(": no answer from ZooKeeper", ""))
	})
	t.Run("zookeeper", func(t *testing.T) {
		server := zkserver.Standalone(t)
		checkMessages(t, "zk://"+server.Addr()+"/app", strings.NewReplacer(server.Addr(), "SERVER"))
	})
}

func checkMessages(t *testing.T, store string, hide ...*strings.Replacer) {
	golden := filepath.Join("testdata", "messages", filepath.Base(t.Name())+".golden")
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if golden, err = filepath.Abs(golden); err != nil {
		t.Fatal(err)
	}
	sh := newShell(t, store)
	var got bytes.Buffer
	for line := range strings.Lines(string(want)) {
		switch {
		case strings.HasPrefix(line, "$ "):
			out := sh.run(strings.TrimSpace(line[2:]))
			for _, r := range hide {
				out = r.Replace(out)
			}
			fmt.Fprintf(&got, "%s%s", line, out)
		case strings.HasPrefix(line, "#"), line == "\n":
			got.WriteString(line)
		}
	}
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("the messages have changed; if they read well, run go test -run TestMessages -update:\n%s", diff)
	}
}

// shell runs command lines in a directory of their own.
type shell struct {
	dir  string
	env  []string
	hide *strings.Replacer
}

func newShell(t *testing.T, store string) *shell {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin, dir := t.TempDir(), t.TempDir()
	if err := os.Symlink(self, filepath.Join(bin, "zkstate")); err != nil {
		t.Fatal(err)
	}
	host, _ := os.Hostname()
	return &shell{
		dir: dir,
		env: []string{
			"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir, storeVariable + "=" + store, "GORACE=atexit_sleep_ms=0",
		},
		hide: strings.NewReplacer(dir, "$HOME", host, "HOST"),
	}
}

var volatile = []struct {
	form *regexp.Regexp
	as   string
}{
	{regexp.MustCompile(`(lookup \S+)( on \S+)?: .*?: check`), "$1: REASON: check"}, // each resolver has its own words
	{regexp.MustCompile(`\b(\d+)\.[0-9a-f]+\.[0-9a-f]+(\.[0-9a-f]{8,})?\b`), "$1.X.X"},
	{regexp.MustCompile(`zkstate-\d+\.(json|yaml)`), "zkstate-N.$1"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[.\dZ]*`), "TIME"},
	{regexp.MustCompile(`\b(process|commit of) \d+`), "$1 N"},
	{regexp.MustCompile(`HOST-\d+-[0-9a-f]{8}`), "ID"},
}

// run returns what a command line prints on both streams, and its exit code, if it is
// not 0.
func (s *shell) run(line string) string {
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir, cmd.Env = s.dir, s.env
	out, err := cmd.CombinedOutput()
	text := s.hide.Replace(string(out))
	for _, v := range volatile {
		text = v.form.ReplaceAllString(text, v.as)
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	if err != nil {
		text += fmt.Sprintf("(exit %d)\n", cmd.ProcessState.ExitCode())
	}
	return text
}

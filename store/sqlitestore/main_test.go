package sqlitestore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/sqlitestore"
)

// patience bounds what a test waits for; it decides nothing when things work.
const patience = 30 * time.Second

// roleVariable makes this test binary one of the child processes in roles.
const roleVariable = "SQLITESTORE_TEST_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		if err := roles[role](os.Args[1], os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, role+":", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// child is another process that works on the same file.
type child struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   *bufio.Scanner
}

// spawn starts a child. It ends with the test at the latest.
func spawn(t *testing.T, role, file string, args ...string) *child {
	t.Helper()
	return start(t, roleCommand(role, file, args...))
}

func roleCommand(role, file string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], append([]string{file}, args...)...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role,
		"GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE")) // else the race detector adds a second
	cmd.Stderr = os.Stderr
	return cmd
}

func start(t *testing.T, cmd *exec.Cmd) *child {
	t.Helper()
	stdin, err1 := cmd.StdinPipe()
	stdout, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	c := &child{t: t, cmd: cmd, stdin: stdin, out: bufio.NewScanner(stdout)}
	t.Cleanup(c.kill)
	return c
}

// line waits for the child's next line of output, "" at its end.
func (c *child) line() string {
	timer := time.AfterFunc(patience, func() { _ = c.cmd.Process.Kill() })
	defer timer.Stop()
	if !c.out.Scan() {
		return ""
	}
	return c.out.Text()
}

// want waits for a line and fails the test if it is another.
func (c *child) want(line string) {
	c.t.Helper()
	if got := c.line(); got != line {
		c.t.Fatalf("child says %q, want %q", got, line)
	}
}

// say sends the child a line.
func (c *child) say(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c.stdin, line+"\n"); err != nil {
		c.t.Fatal(err)
	}
}

// finish waits for the child to end well.
func (c *child) finish() {
	c.t.Helper()
	_ = c.stdin.Close()
	for c.out.Scan() {
	}
	if err := c.cmd.Wait(); err != nil {
		c.t.Fatalf("child: %v", err)
	}
}

// kill ends the child the hard way, as kill -9 does, and waits until it is gone.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.stdin.Close()
	_ = c.cmd.Wait()
}

func tempFile(t *testing.T) string { return filepath.Join(t.TempDir(), "state.db") }

func open(t *testing.T, file string) *sqlitestore.Store {
	t.Helper()
	s, err := sqlitestore.Open(t.Context(), file, sqlitestore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func create(t *testing.T, s store.Store, path, data string) store.Version {
	t.Helper()
	versions, err := s.Commit(t.Context(), store.Create{Path: path, Data: []byte(data)})
	if err != nil {
		t.Fatal(err)
	}
	return versions[0]
}

func load(t *testing.T, s store.Store, path string) store.Record {
	t.Helper()
	rec, err := s.Load(t.Context(), path, store.Version{}, store.Linearizable)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func wantErr(t *testing.T, err error, matches error, contains ...string) {
	t.Helper()
	if !errors.Is(err, matches) {
		t.Fatalf("error is %v, want one that matches %q", err, matches)
	}
	for _, text := range contains {
		if !strings.Contains(err.Error(), text) {
			t.Fatalf("error %q does not mention %q", err, text)
		}
	}
}

func wantListeners(t *testing.T, s store.Store, path string, want ...string) {
	t.Helper()
	found, err := s.Listeners(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range found {
		got = append(got, l.ID+"="+string(l.Data))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("listeners are %v, want %v", got, want)
	}
}

// waitFor repeats check at every hint until it is content.
func waitFor(t *testing.T, hints <-chan struct{}, check func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for !check() {
		select {
		case <-hints:
		case <-ctx.Done():
			t.Fatal("no hint for what happened")
		}
	}
}

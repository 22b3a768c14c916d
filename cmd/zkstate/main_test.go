package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/zkstate/zkstate/internal/zkserver"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"zkstate": main})
}

// TestScripts runs testdata/script on the real program, over an SQLite file and
// over a real ZooKeeper. What differs is one environment variable.
func TestScripts(t *testing.T) {
	if required() { // else scripts go without what is missing
		needs(t, "bash", "curl")
	}
	t.Run("sqlite", func(t *testing.T) {
		runScripts(t, "sqlite", func(env *testscript.Env) string { return "sqlite:" + filepath.Join(env.WorkDir, "state.db") })
	})
	t.Run("zk", func(t *testing.T) {
		server := zkserver.Standalone(t)
		var chroots atomic.Int64
		runScripts(t, "zk", func(*testscript.Env) string {
			return fmt.Sprintf("zk://%s/script%d?session=4s", server.Addr(), chroots.Add(1))
		})
	})
}

// required reports whether what a test needs must be here, as [zkserver.Require] has it.
func required() bool { return os.Getenv("ZKSTATE_REQUIRE_ZOOKEEPER") == "1" }

// needs skips a test where a program that it runs is not installed, or fails it if that is
// required.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, program := range programs {
		switch _, err := exec.LookPath(program); {
		case err == nil:
		case required():
			t.Fatal(err, "(run scripts/programs)")
		default:
			t.Skip(err)
		}
	}
}

func runScripts(t *testing.T, store string, url func(*testscript.Env) string) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("ZKSTATE_STORE", url(env))
			env.Setenv("GORACE", "atexit_sleep_ms=0") // else a race build sleeps a second at every exit
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("TMPDIR", env.WorkDir)
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name == "sqlite" || name == "zk" {
				return name == store, nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code":     exitCode,
			"diffcode": diffCode,
			"waitfor":  waitFor,
		},
	})
}

// exitCode is "code N PROGRAM ARG...": the program must exit with N and, unless N is
// 0, say why in exactly one line.
func exitCode(ts *testscript.TestScript, neg bool, args []string) {
	want := execForCode(ts, neg, args)
	said := ts.ReadFile("stderr")
	if want != 0 && !regexp.MustCompile(`^zkstate: [^\n]+\n$`).MatchString(said) {
		ts.Fatalf("not one line of explanation: %q", said)
	}
}

// diffCode is "diffcode N PROGRAM ARG...": the program must exit with N, and has
// nothing to explain.
func diffCode(ts *testscript.TestScript, neg bool, args []string) {
	execForCode(ts, neg, args)
	if said := ts.ReadFile("stderr"); said != "" {
		ts.Fatalf("it explains %q", said)
	}
}

func execForCode(ts *testscript.TestScript, neg bool, args []string) (code int) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N program [arg...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exited *exec.ExitError
	if errors.As(err, &exited) {
		got = exited.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
	return want
}

// waitFor is "waitfor FILE REGEXP": until the file matches.
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: waitfor file regexp")
	}
	want, err := regexp.Compile(`(?m)` + args[1])
	ts.Check(err)
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		text, err := os.ReadFile(ts.MkAbs(args[0]))
		if err == nil && want.Match(text) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("%s never matched %s: %q", args[0], args[1], text)
		}
	}
}

// Package racetest tests scripts/race-test with packages of its own.
package racetest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A package prints output and exits with 66, as the race detector does when it ends a process, in its first run only.
const diesOnce = `package p

import ("fmt"; "os"; "testing")

func TestMain(m *testing.M) {
	if os.Mkdir("ran", 0o700) == nil {
		fmt.Print(OUTPUT)
		os.Exit(66)
	}
	os.Exit(m.Run())
}

func TestPass(t *testing.T) {}
`

const fails = `package p

import "testing"

func TestFail(t *testing.T) { t.Fail() }
`

const passes = `package p

import "testing"

func TestPass(t *testing.T) {}
`

func TestOnceMore(t *testing.T) {
	const died = "ThreadSanitizer: CHECK failed: tsan_rtl.cpp:282\n"
	dies := func(output string) string { return strings.Replace(diesOnce, "OUTPUT", "`"+output+"`", 1) }
	for name, test := range map[string]struct {
		packages map[string]string
		again    bool
		passes   bool
	}{
		"all pass":                       {map[string]string{"a": passes, "b": passes}, false, true},
		"the detector dies":              {map[string]string{"a": dies(died), "b": passes}, true, true},
		"a test fails":                   {map[string]string{"a": fails, "b": passes}, false, false},
		"another package fails":          {map[string]string{"a": dies(died), "b": fails}, false, false},
		"a test failed before":           {map[string]string{"a": dies("--- FAIL: TestX (0.00s)\n" + died)}, false, false},
		"a race was found before":        {map[string]string{"a": dies("WARNING: DATA RACE\n" + died)}, false, false},
		"the tests end without a reason": {map[string]string{"a": dies("")}, false, false},
		"what does not build":            {map[string]string{"a": dies(died), "b": "package"}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			script, err := filepath.Abs("../../scripts/race-test")
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			write(t, filepath.Join(dir, "go.mod"), "module p\n")
			for name, source := range test.packages {
				write(t, filepath.Join(dir, name, "p_test.go"), source)
			}
			cmd := exec.CommandContext(t.Context(), script, "./...", "-count=1")
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			if (err == nil) != test.passes {
				t.Errorf("got %v, and it printed:\n%s", err, out)
			}
			if again := strings.Contains(string(out), "once more: p/a"); again != test.again {
				t.Errorf("tested again: %v, and it printed:\n%s", again, out)
			}
		})
	}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

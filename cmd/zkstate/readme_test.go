package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zkstate/zkstate/internal/zkserver"
)

// TestReadmeTour runs the commands of the README's tour in their order, word for word.
func TestReadmeTour(t *testing.T) {
	needs(t, "bash")
	t.Run("sqlite", func(t *testing.T) {
		runTour(t, "sqlite:"+filepath.Join(t.TempDir(), "state.db"))
	})
	t.Run("zk", func(t *testing.T) {
		runTour(t, fmt.Sprintf("zk://%s/tour?session=4s", zkserver.Standalone(t).Addr()))
	})
}

// tourLines returns the lines of the first indented block of a section.
func tourLines(t *testing.T, title string) (lines []string) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## "+title+"\n")
	if !ok {
		t.Fatal("the README has no such section")
	}
	for line := range strings.Lines(section) {
		command, indented := strings.CutPrefix(line, "    ")
		if indented {
			lines = append(lines, strings.TrimSpace(command))
		} else if len(lines) > 0 {
			return lines
		}
	}
	return lines
}

// tour is a directory with what its commands need, and a store.
type tour struct {
	*testing.T
	dir string
	env []string
}

func runTour(t *testing.T, url string) {
	tr := &tour{T: t, dir: t.TempDir()}
	for name, text := range map[string]string{
		"migrate.sh": "#!/bin/sh\n",
		"changed.sh": "#!/bin/sh\ngrep -o '\"value\":.*'\n",
		"reload.sh":  "#!/bin/sh\ngrep PROCESSES_0 \"$ZKSTATE_FILE\"\n",
		"editor":     "#!/bin/sh\nsed -i 's/rsync/rclone/' \"$1\"\n",
	} {
		if err := os.WriteFile(filepath.Join(tr.dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	tr.env = append(os.Environ(), "ZKSTATE_STORE="+url, "EDITOR="+filepath.Join(tr.dir, "editor"), "VISUAL=", "GORACE=atexit_sleep_ms=0")
	var endless []*following
	for _, line := range tourLines(t, "The command line") {
		if isEndless(line) {
			endless = append(endless, tr.start(line))
			continue
		}
		out, err := tr.command(line).CombinedOutput()
		var exited *exec.ExitError
		different := errors.As(err, &exited) && exited.ExitCode() == exitDifferent && strings.HasPrefix(line, "zkstate diff ")
		if err != nil && !different {
			t.Fatalf("%s\n%v: %s", line, err, out)
		}
	}
	if len(endless) == 0 {
		t.Error("the tour shows nothing that follows a document")
	}
	for _, f := range endless {
		f.end()
	}
}

// isEndless reports whether a line goes on until something happens.
func isEndless(line string) bool {
	return strings.HasPrefix(line, "zkstate watch ") || strings.HasPrefix(line, "zkstate mirror ")
}

func (tr *tour) command(line string) *exec.Cmd {
	cmd := exec.Command("bash", "-c", line)
	cmd.Dir, cmd.Env = tr.dir, tr.env
	return cmd
}

// following is a line that runs beside those that come after it.
type following struct {
	*tour
	line string
	cmd  *exec.Cmd
	out  lockedBuffer
	done chan error
}

// start runs a line until it shows something, for which the document is changed to and fro.
func (tr *tour) start(line string) *following {
	f := tr.background(line)
	for deadline := time.Now().Add(30 * time.Second); f.out.String() == ""; {
		if time.Now().After(deadline) {
			tr.Fatalf("%s\nshows nothing", line)
		}
		for _, poke := range []string{"zkstate set /app/config /poke 1", "zkstate unset /app/config /poke"} {
			if out, err := tr.command(poke).CombinedOutput(); err != nil {
				tr.Fatalf("%s: %v: %s", poke, err, out)
			}
		}
	}
	return f
}

func (f *following) end() {
	_ = f.cmd.Process.Signal(os.Interrupt) // it may have ended already
	select {
	case err := <-f.done:
		if err != nil {
			f.Errorf("%s\n%v: %s", f.line, err, f.out.String())
		}
	case <-time.After(30 * time.Second):
		f.Errorf("%s\ndoes not end", f.line)
	}
}

// lockedBuffer is written by a process and read by the test.
type lockedBuffer struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

// Write implements io.Writer.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String returns what was written.
func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

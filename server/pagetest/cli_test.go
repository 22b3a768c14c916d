package pagetest

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

var (
	buildOnce  sync.Once
	buildError error
)

// commandLine runs zkstate as another process, on the site's store.
func (s *site) commandLine(args ...string) {
	s.t.Helper()
	program := filepath.Join(scratch, "zkstate")
	buildOnce.Do(func() {
		build := exec.Command("go", "build", "-o", program, "./cmd/zkstate")
		build.Dir = filepath.Join("..", "..")
		if said, err := build.CombinedOutput(); err != nil {
			buildError = fmt.Errorf("build zkstate: %v\n%s", err, said)
		}
	})
	if buildError != nil {
		s.t.Fatal(buildError)
	}
	command := exec.CommandContext(s.t.Context(), program, append([]string{"--store", "sqlite:" + s.file}, args...)...)
	if said, err := command.CombinedOutput(); err != nil {
		s.t.Fatalf("zkstate %s: %v\n%s", strings.Join(args, " "), err, said)
	}
}

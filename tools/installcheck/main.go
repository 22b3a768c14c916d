// Installcheck does what users do with a release before there is one: it packs every
// module of the repository as the module proxy does, installs the command line tool
// out of that, and builds what .goreleaser.yaml lists. "make install-check" runs it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, ".."); err != nil {
		fmt.Fprintln(os.Stderr, "install-check:", err)
		os.Exit(1)
	}
}

// checker is the repository and a directory for what is made of it.
type checker struct {
	root string
	work string
}

func run(ctx context.Context, root string) error {
	root, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "install-check")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	c := &checker{root: root, work: work}
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"every module can be packed, and the tool and the library be had from a proxy", c.install},
		{"a build in a clone says its version", c.versions},
		{"what .goreleaser.yaml names is there, and its targets build", c.release},
		{"vet and tests on 32 bits", c.thirtyTwoBits},
	} {
		start := time.Now()
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Printf("ok  %5.1fs  %s\n", time.Since(start).Seconds(), step.name)
	}
	return nil
}

// output runs a command in dir with what env adds, and returns what it says on
// standard output. The error has what it says on standard error.
func output(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s %s: %w\n%s%s", name, strings.Join(args, " "), err, out, stderr.String())
	}
	return strings.TrimSpace(string(out)), err
}

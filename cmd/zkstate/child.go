package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// commandAfter checks the arguments of a command that takes n of its own, and then may
// take -- and a command to run.
func commandAfter(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		dash := cmd.ArgsLenAtDash()
		switch {
		case dash < 0:
			return cobra.ExactArgs(n)(cmd, args)
		case dash != n:
			return fmt.Errorf("it takes %d argument(s) before --, and was given %d", n, dash)
		case len(args) == n:
			return errors.New("there is no command after --")
		}
		return nil
	}
}

// findCommand fails as a shell would if argv cannot be run.
func (c *cli) findCommand(argv []string) error {
	if _, err := exec.LookPath(argv[0]); err != nil {
		return c.exitOf(argv[0], err)
	}
	return nil
}

// runChild runs a command until it ends, and asks it to end when ctx does. An exitError
// says that it failed.
func (c *cli) runChild(ctx context.Context, argv []string, stdin io.Reader, env ...string) error {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, c.stdout, c.stderr
	cmd.Env = append(childEnv(), env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = lockGrace
	runtime.LockOSThread() // whose end would end the command too, see dieWithParent
	defer runtime.UnlockOSThread()
	dieWithParent(cmd)
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) { // it succeeded, and left something that holds its streams
		return nil
	}
	return c.exitOf(argv[0], err)
}

// childEnv is this program's environment without what would let a command into the
// store as us.
func childEnv() []string {
	var env []string
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		secret := strings.HasPrefix(name, "ZKSTATE_AUTH") ||
			name == "ZKSTATE_STORE" && strings.Contains(value, "@") && !strings.HasPrefix(value, "sqlite:")
		if !secret {
			env = append(env, entry)
		}
	}
	return env
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"syscall"

	"github.com/spf13/cobra"
)

// commandAfter checks the arguments of a command that takes n of its own, and then may
// take -- and a command to run.
func commandAfter(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		dash := cmd.ArgsLenAtDash()
		switch {
		case dash < 0 && len(args) > n:
			return usageError{errors.New("a command to run stands behind --")}
		case dash < 0:
			return cobra.ExactArgs(n)(cmd, args)
		case dash != n:
			return usageError{fmt.Errorf("before -- there are %d arguments, and there must be %d", dash, n)}
		case len(args) == n:
			return usageError{errors.New("there is no command after --")}
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

// child makes a command that a user has this program run. It gets the standard streams as
// they are and no credentials, and is asked to end when ctx does. Its end comes with that
// of the thread that starts it, which must be locked, see dieWithParent.
func (c *cli) child(ctx context.Context, argv []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.terminal.in, c.terminal.out, c.terminal.err
	cmd.Env = childEnv()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = lockGrace
	dieWithParent(cmd)
	return cmd
}

// runChild runs a command until it ends, and asks it to end when ctx does. An exitError
// says that it failed.
func (c *cli) runChild(ctx context.Context, argv []string, stdin io.Reader, env ...string) error {
	cmd := c.child(ctx, argv)
	cmd.Stdin, cmd.Env = stdin, append(cmd.Env, env...)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) { // it succeeded, and left something that holds its streams
		return nil
	}
	return c.exitOf(argv[0], err)
}

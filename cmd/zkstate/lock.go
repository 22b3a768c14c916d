package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate/store"
)

// What a shell says of a command that it cannot run, or that a signal ended.
const (
	exitNotExecutable = 126
	exitNoCommand     = 127
	exitSignalled     = 128
)

// lockGrace is how long a command that was asked to end has for it.
const lockGrace = 10 * time.Second

// exitError passes a command's exit code through.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("the command exited with %d", int(e)) }

func (c *cli) newLock() *cobra.Command {
	var wait time.Duration
	var id string
	cmd := c.command("lock PATH -- COMMAND [ARG...]", "Run a command while holding a document's write lock", cobra.MinimumNArgs(2), "",
		func(ctx context.Context, args []string) error {
			path, argv := args[0], args[1:]
			if argv[0] == "--" {
				argv = argv[1:]
			}
			if len(argv) == 0 {
				return usageError{errors.New("lock needs a command to run")}
			}
			return c.withStore(ctx, true, func(s store.Store) error {
				lock, err := c.takeLock(ctx, s, path, id, wait)
				if err != nil {
					return err
				}
				defer func() {
					ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
					defer cancel()
					_ = lock.Unlock(ctx) // what remains goes with the store's session, at once
				}()
				return c.runLocked(ctx, lock, argv)
			})
		})
	cmd.Long = cmd.Short + `.

It waits in the queue of the document's exclusive writers, which it shares with
updates that ask for the lock and with programs that use the Rust crate, and runs
the command when its turn comes. The document need not exist.

The exit code is the command's (128 and the number if a signal ended it, 126 and 127
if it could not be run). If the lock is lost the command gets SIGTERM, and SIGKILL
ten seconds later, and the exit code is 7. If zkstate gets SIGTERM or SIGINT, the
command gets SIGTERM, and SIGKILL ten seconds later. Signals go to the command itself,
not to what it started: a shell should exec its last command, or trap.

The lock keeps other holders away, and nobody else: who writes without asking for it
is not held up.`
	cmd.Flags().DurationVar(&wait, "wait", 0, "give up after this `time` in the queue, with exit code 5; 0 waits for ever")
	cmd.Flags().StringVar(&id, "id", "", "the `name` of the place in the queue (default made of host, process and chance)")
	cmd.Flags().SetInterspersed(false)
	cmd.ValidArgsFunction = c.completePath(cobra.ShellCompDirectiveDefault)
	return cmd
}

// takeLock waits for the lock. That the store answers at all is found out within
// --timeout: a queue may take its time, a server that is away is an error.
func (c *cli) takeLock(ctx context.Context, s store.Store, path, id string, wait time.Duration) (store.Lock, error) {
	reaching, cancel := c.bounded(ctx)
	defer cancel()
	if _, err := load(reaching, s, path, store.Local); err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	if id == "" {
		host, _ := os.Hostname() // an unknown host is an empty one
		host = regexp.MustCompile(`[^A-Za-z0-9.-]`).ReplaceAllString(host, "_")
		id = fmt.Sprintf("%.64s-%d-%08x", host, os.Getpid(), rand.Uint32())
	}
	if wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, wait)
		defer cancel()
	}
	return s.Lock(ctx, path, id)
}

// runLocked runs the command until it ends, and asks it to end if the lock is lost
// or this program is asked to.
func (c *cli) runLocked(ctx context.Context, lock store.Lock, argv []string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-lock.Lost():
			cancel()
		case <-done:
		}
	}()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.stdin, c.stdout, c.stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = lockGrace
	runtime.LockOSThread() // whose end would end the command too, see dieWithParent
	defer runtime.UnlockOSThread()
	dieWithParent(cmd)
	err := cmd.Run()
	select {
	case <-lock.Lost():
		return fmt.Errorf("lock %s: %w", lock.Path(), store.ErrLockLost)
	default:
	}
	if cmd.ProcessState == nil && ctx.Err() != nil {
		return fmt.Errorf("lock %s: %s was not run: %w", lock.Path(), argv[0], ctx.Err())
	}
	return c.exitOf(argv[0], err)
}

// exitOf makes of a command's end what a shell would.
func (c *cli) exitOf(name string, err error) error {
	var exited *exec.ExitError
	switch {
	case errors.As(err, &exited):
		if status, ok := exited.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			return exitError(exitSignalled + int(status.Signal()))
		}
		return exitError(exited.ExitCode())
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		fmt.Fprintf(c.stderr, "zkstate: run %s: command not found\n", name)
		return exitError(exitNoCommand)
	case errors.Is(err, fs.ErrPermission):
		fmt.Fprintf(c.stderr, "zkstate: run %s: permission denied\n", name)
		return exitError(exitNotExecutable)
	case errors.Is(err, context.Canceled): // asked to end, it did so with success
		return nil
	}
	return err
}

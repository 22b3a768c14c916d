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

	"github.com/zkstate/zkstate/internal/document"
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
	var flags lockFlags
	var cmd *cobra.Command
	cmd = c.command("lock PATH [flags] -- COMMAND [ARG...]", "Run a command while holding a document's write lock", cobra.MinimumNArgs(1), "json",
		func(ctx context.Context, args []string) error {
			path := args[0]
			argv, err := flagsBefore(cmd, args[1:])
			if help, _ := cmd.Flags().GetBool("help"); help {
				return cmd.Help()
			}
			if err == nil {
				err = c.checkLock(flags, argv)
			}
			switch {
			case err != nil:
				return usageError{err}
			case flags.show:
				return c.showQueue(ctx, path)
			case flags.remove != "":
				return c.breakLock(ctx, path, flags.remove)
			}
			return c.withStore(ctx, true, func(s store.Store) error {
				lock, err := c.takeLock(ctx, s, path, flags)
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

lock PATH --show says who has the lock and who waits for it. Places end with the session
of who took them. One that was left behind ends with nothing: lock PATH --break KEY
removes it, or any other. A holder that zkstate made finds its lock lost then, and
commits nothing under it; other programs may not notice.

The exit code is the command's (128 and the number if a signal ended it, 126 and 127
if it could not be run), or 75 if --wait gave up. If the lock is lost the command gets SIGTERM, and SIGKILL
ten seconds later, and the exit code is 7. If zkstate gets SIGTERM or SIGINT, the
command gets SIGTERM, and SIGKILL ten seconds later. Signals go to the command itself,
not to what it started: a shell should exec its last command, or trap.

The lock keeps other holders away, and nobody else: who writes without asking for it
is not held up. The command inherits no credentials: neither ZKSTATE_AUTH and
ZKSTATE_AUTH_FILE, nor those in ZKSTATE_STORE.`
	cmd.Flags().DurationVar(&flags.wait, "wait", 0, "give up after this `time` in the queue, with exit code 75; 0 waits for ever")
	cmd.Flags().BoolVar(&flags.show, "show", false, "run nothing, and print who has the lock and who waits for it")
	cmd.Flags().StringVar(&flags.id, "id", "", "the `name` of the place in the queue (default made of host, process and chance)")
	cmd.Flags().StringVar(&flags.remove, "break", "", "remove the place of that `KEY`, which --show prints, and run nothing")
	cmd.Flags().SetInterspersed(false)
	cmd.ValidArgsFunction = c.completePath(cobra.ShellCompDirectiveDefault)
	return cmd
}

type lockFlags struct {
	wait   time.Duration
	id     string
	show   bool
	remove string // the key of the place to be removed
}

// checkLock refuses flags that do not go together.
func (c *cli) checkLock(flags lockFlags, argv []string) error {
	runs := !flags.show && flags.remove == ""
	switch {
	case runs && len(argv) == 0:
		return errors.New("there is no command to run: lock PATH -- COMMAND")
	case !runs && len(argv) > 0:
		return errors.New("with --show or --break there is no command to run")
	case flags.show && flags.remove != "":
		return errors.New("--show and --break do not go together")
	case flags.show:
		return c.checkFlags("json")
	}
	return c.checkFlags("")
}

// flagsBefore parses the flags that stand behind PATH, and returns the command that
// follows them. What looks like a flag in the command belongs to it.
func flagsBefore(cmd *cobra.Command, args []string) (argv []string, err error) {
	if err := cmd.Flags().Parse(args); err != nil {
		return nil, checkFlag(cmd, err)
	}
	return cmd.Flags().Args(), nil
}

// takeLock waits for the lock. That the store answers at all is found out within
// --timeout: a queue may take its time, a server that is away is an error.
func (c *cli) takeLock(ctx context.Context, s store.Store, path string, flags lockFlags) (store.Lock, error) {
	reaching, cancel := c.bounded(ctx)
	defer cancel()
	if _, err := document.Load(reaching, s, path, store.Version{}, store.Local); err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	if flags.id == "" {
		host, _ := os.Hostname() // an unknown host is an empty one
		host = regexp.MustCompile(`[^A-Za-z0-9.-]`).ReplaceAllString(host, "_")
		flags.id = fmt.Sprintf("%.64s-%d-%08x", host, os.Getpid(), rand.Uint32())
	}
	if flags.wait <= 0 {
		return s.Lock(ctx, path, flags.id)
	}
	waiting, enough := context.WithTimeout(ctx, flags.wait)
	defer enough()
	lock, err := s.Lock(waiting, path, flags.id)
	if errors.Is(err, context.DeadlineExceeded) && s.Status().Connected {
		return nil, fmt.Errorf("lock %s: gave up after %v: %w%s", path, flags.wait, store.ErrLocked, c.holder(ctx, s, path))
	}
	return lock, err
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
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := c.child(ctx, argv)
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

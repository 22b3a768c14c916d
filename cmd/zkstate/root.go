package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate/internal/exitcode"
	"github.com/zkstate/zkstate/internal/printable"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
	"github.com/zkstate/zkstate/store/storeurl"
)

// storeVariable is the environment variable that says where the documents are.
const storeVariable = "ZKSTATE_STORE"

// cli is what the commands share: the standard streams and the common flags.
type cli struct {
	stdin          io.Reader
	stdout, stderr io.Writer // a screen each, where they are terminals
	terminal       streams   // for commands that a user has this program run

	url     string
	zk      zkFlags
	timeout time.Duration
	output  string
	verbose bool
}

// streams are the standard streams as they are.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// run is the program: it returns the exit code and never panics.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	c := &cli{stdin: stdin, stdout: onScreen(stdout), stderr: onScreen(stderr), terminal: streams{stdin, stdout, stderr}}
	for _, w := range []io.Writer{c.stdout, c.stderr} {
		if s, ok := w.(*screen); ok {
			defer s.flush()
		}
	}
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(c.stderr, "zkstate: internal error (%T): please report it, with what you did\n", r) // r may hold values of a document
			code = exitcode.Other
		}
	}()
	root := c.newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(c.stdout)
	root.SetErr(c.stderr)
	cmd, err := root.ExecuteContextC(ctx)
	var exited exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exited):
		return int(exited)
	}
	at := situation{file: c.onFile()}
	if cmd != root {
		at.command = cmd.Name()
	}
	code, message := at.explain(err)
	if message != "" {
		fmt.Fprintln(c.stderr, "zkstate: "+printable.Line(message))
	}
	return code
}

func (c *cli) newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "zkstate",
		Short: "Share a struct between processes: over ZooKeeper, or a file on one machine",
		Long: `zkstate reads, changes and watches the JSON documents that instances of an
application share. A JSON argument may be - for standard input, or @file.

Exit codes: 0 done; 1 other; 2 usage; 3 document or pointer not found; 4 conflict
(exists already, version moved, a patch's test failed); 5 unreachable or timed out;
6 document rejected (not JSON, a key twice, too large, refused by its type); 7 the lock
was lost; 8 committed, and not applied by those who were waited for; 9 doctor has warnings;
75 lock --wait gave up. lock, watch --once and mirror --once pass their command's exit code through. Those
of diff are 0 same, 1 different, 2 trouble.

See also zkstate help security, about TLS, credentials and ACLs of ZooKeeper.`,
		Version:       thisBuild().Version,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetVersionTemplate(thisBuild().String() + "\n")
	root.SetFlagErrorFunc(checkFlag)
	flags := root.PersistentFlags()
	flags.StringVar(&c.url, "store", "", "store `URL`: sqlite:FILE, zk://HOST:PORT,…/CHROOT or zks://… for TLS (default $ZKSTATE_STORE, else a file in your state directory)")
	c.zk.add(flags)
	flags.DurationVar(&c.timeout, "timeout", 10*time.Second, "bounds every command; of watch and mirror only the attaching, of edit not the editing, of lock, serve and demo only finding the store")
	flags.StringVarP(&c.output, "output", "o", "", "output `format`: json where a command has it; for get and wait json, raw or yaml, for diff json or patch")
	flags.BoolVarP(&c.verbose, "verbose", "v", false, "log to standard error")
	root.AddCommand(
		c.newCreate(), c.newGet(), c.newSet(), c.newUnset(), c.newPatch(), c.newEdit(), c.newDiff(), c.newWatch(),
		c.newWait(), c.newMirror(), c.newLs(), c.newStat(), c.newPing(), c.newDoctor(),
		c.newHistory(), c.newRollback(), c.newListeners(), c.newLock(), c.newDelete(), c.newVersion(), c.newMan(),
		c.newServe(), c.newDemo(), c.newDemoAgent(), c.newDemoBreak(), newSecurityTopic(),
	)
	return root
}

// command makes a subcommand whose run gets a context that --timeout bounds.
func (c *cli) command(use, short string, args cobra.PositionalArgs, formats string, run func(ctx context.Context, args []string) error) *cobra.Command {
	completion := cobra.NoFileCompletions
	if strings.Contains(use, "PATH") {
		completion = c.completePath(cobra.ShellCompDirectiveNoFileComp)
	}
	return &cobra.Command{
		Use:               use,
		Short:             short,
		Args:              checkArgs(args),
		ValidArgsFunction: completion,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.checkFlags(formats); err != nil {
				return err
			}
			return failure(run(cmd.Context(), args))
		},
	}
}

// onFile reports whether the store is a file on this machine.
func (c *cli) onFile() bool {
	url, err := c.storeURL()
	scheme, _, _ := strings.Cut(url, ":")
	return err == nil && strings.EqualFold(scheme, "sqlite")
}

// bounded returns the context of the command's work. What is left of --timeout is for
// closing.
func (c *cli) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, c.timeout-c.closing())
}

// closing is the share of --timeout that is kept for closing.
func (c *cli) closing() time.Duration { return min(c.timeout/10, 500*time.Millisecond) }

// close closes what a command used, and waits for that until --timeout is over. What
// the command did is done by then, so an error changes nothing of its outcome.
func (c *cli) close(ctx context.Context, what string, closing func() error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := closing(); err != nil {
			c.logger().Warn("close "+what, "error", err)
		}
	}()
	var late <-chan time.Time // a nil channel: what is closed has its own bound
	if deadline, ok := ctx.Deadline(); ok {
		late = time.After(time.Until(deadline) + c.closing())
	}
	select {
	case <-done:
	case <-late:
	}
}

// logger logs nothing unless --verbose is given.
func (c *cli) logger() *slog.Logger { return c.loggerFrom(slog.LevelError + 1) }

// loggerFrom logs what is at least as grave as level, and everything with --verbose.
// Errors are in the words of the command line.
func (c *cli) loggerFrom(level slog.Level) *slog.Logger {
	if c.verbose {
		level = slog.LevelDebug
	}
	rephrase := func(_ []string, attr slog.Attr) slog.Attr {
		if err, ok := attr.Value.Any().(error); ok {
			attr.Value = slog.StringValue(plain(err.Error()))
		}
		return attr
	}
	return slog.New(slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: level, ReplaceAttr: rephrase}))
}

// storeURL is where the documents are.
func (c *cli) storeURL() (string, error) {
	if url := cmp.Or(c.url, os.Getenv(storeVariable)); url != "" {
		return url, nil
	}
	url, err := storeurl.Default()
	if err != nil {
		return "", usageError{fmt.Errorf("%w: say with --store or %s where the documents are", err, storeVariable)}
	}
	return url, nil
}

// withStore opens the store for the time of fn. Only a command that creates
// documents creates the file of an SQLite store.
func (c *cli) withStore(ctx context.Context, creates bool, fn func(store.Store) error) error {
	url, err := c.storeURL()
	if err != nil {
		return err
	}
	zk, err := c.zk.options()
	if err != nil {
		return err
	}
	opts := append(zk, storeurl.Logger(c.logger()), storeurl.Environment())
	if !creates {
		opts = append(opts, storeurl.MustExist())
	}
	s, err := storeurl.Open(ctx, url, opts...)
	if err != nil {
		return err
	}
	defer c.close(ctx, "the store", s.Close)
	if _, private := s.(*memstore.Store); private {
		return usageError{errors.New("the store mem: is within one process, so a command finds nothing in it and leaves nothing: use sqlite:FILE")}
	}
	return fn(s)
}

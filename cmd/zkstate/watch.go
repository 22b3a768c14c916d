package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/document"
	"github.com/zkstate/zkstate/store"
)

func (c *cli) newWatch() *cobra.Command {
	var replay, wait, once bool
	cmd := c.command("watch PATH [-- COMMAND [ARG...]]", "Print every change of a document, or run a command on it, until interrupted", commandAfter(1), "json",
		func(ctx context.Context, args []string) error {
			if len(args) > 1 && c.output != "" {
				return usageError{errors.New("with a COMMAND nothing is printed, so --output has no meaning")}
			}
			return c.withStoreOnceThere(ctx, wait, func(s store.Store) error {
				st, err := c.attachObserver(ctx, s, args[0], wait)
				if err != nil {
					return err
				}
				defer c.close(ctx, args[0], st.Close)
				if len(args) > 1 {
					return c.watchRunning(ctx, st, replay, once, args[1:])
				}
				return c.watch(ctx, st, replay, once)
			})
		})
	cmd.Long = cmd.Short + `:

  + /processes/2 "firefox*"     added
  - /a 1                        removed
  ~ /b 1 -> 2                   modified

-o json prints one change set a line. While the document is broken, standard error
says so, and nothing is shown until it is healed.

With a COMMAND nothing is printed, and the command runs on every change. Its standard
input is a JSON object with path, from, to, changes and value; to is "-" and value null
if the document was deleted. Its environment has ZKSTATE_PATH, ZKSTATE_FROM and
ZKSTATE_VERSION, and ZKSTATE_STORE unless that holds a password. It runs one at a time:
changes that come meanwhile are folded into one for the next run. If it fails, standard
error says so and watching goes on; with --once its exit code is passed on. It gets
SIGTERM when zkstate gets SIGINT or SIGTERM, and SIGKILL ten seconds later.

  zkstate watch /app/config -- sh -c 'jq .value >config.json && systemctl reload app'
  zkstate watch --once /app/config          # wait for the next change`
	cmd.ValidArgsFunction = c.completePath(cobra.ShellCompDirectiveDefault)
	cmd.Flags().BoolVar(&replay, "replay", false, "print the whole document first, or run the command on it")
	cmd.Flags().BoolVar(&once, "once", false, "end after the first change")
	cmd.Flags().BoolVar(&wait, "wait", false, "wait, as long as it takes, for a document that does not exist")
	return cmd
}

func (c *cli) attachObserver(ctx context.Context, s store.Store, path string, wait bool) (*document.State, error) {
	opts := []zkstate.OpenOption{zkstate.Observer(), zkstate.TolerateRejected(), zkstate.WithLogger(c.loggerFrom(slog.LevelWarn))}
	if wait {
		return zkstate.Expect[json.RawMessage](ctx, s, path, opts...)
	}
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	return zkstate.Open(ctx, s, path, json.RawMessage(nil), opts...)
}

// watch prints until ctx ends, which is how it is meant to end, or nobody reads.
func (c *cli) watch(ctx context.Context, st *document.State, replay, once bool) error {
	var opts []zkstate.ChangesOption
	if replay {
		opts = append(opts, zkstate.Replay())
	}
	for set := range st.Changes(ctx, opts...) {
		var err error
		if c.output == "json" {
			err = c.printJSON(set)
		} else {
			err = c.printChanges(set.Changes)
		}
		if errors.Is(err, syscall.EPIPE) {
			return nil
		}
		if err != nil || once {
			return err
		}
	}
	return nil
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
)

func (c *cli) newWatch() *cobra.Command {
	var replay, wait bool
	cmd := c.command("watch PATH", "Print every change of a document until interrupted", cobra.ExactArgs(1), "json",
		func(ctx context.Context, args []string) error {
			return c.withStore(ctx, wait, func(s store.Store) error {
				st, err := c.attachObserver(ctx, s, args[0], wait)
				if err != nil {
					return err
				}
				defer c.close(ctx, args[0], st.Close)
				return c.watch(ctx, st, replay)
			})
		})
	cmd.Long = cmd.Short + `:

  + /processes/2 "firefox*"     added
  - /a 1                        removed
  ~ /b 1 -> 2                   modified

-o json prints one change set a line. While the document is broken, standard error
says so, and nothing is shown until it is healed.`
	cmd.Flags().BoolVar(&replay, "replay", false, "print the whole document first")
	cmd.Flags().BoolVar(&wait, "wait", false, "wait, as long as it takes, for a document that does not exist")
	return cmd
}

func (c *cli) attachObserver(ctx context.Context, s store.Store, path string, wait bool) (*document, error) {
	logger := slog.New(slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	opts := []zkstate.OpenOption{zkstate.Observer(), zkstate.TolerateRejected(), zkstate.Logger(logger)}
	if wait {
		return zkstate.Expect[json.RawMessage](ctx, s, path, opts...)
	}
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	return zkstate.Open(ctx, s, path, json.RawMessage(nil), opts...)
}

// watch prints until ctx ends, which is how it is meant to end, or nobody reads.
func (c *cli) watch(ctx context.Context, st *document, replay bool) error {
	var opts []zkstate.ChangesOption
	if replay {
		opts = append(opts, zkstate.Replay())
	}
	lines := json.NewEncoder(c.stdout)
	lines.SetEscapeHTML(false)
	for set := range st.Changes(ctx, opts...) {
		var err error
		if c.output == "json" {
			err = lines.Encode(set)
		} else {
			err = c.printChanges(set.Changes)
		}
		if errors.Is(err, syscall.EPIPE) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

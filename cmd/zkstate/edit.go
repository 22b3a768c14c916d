package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/internal/document"
	"github.com/zkstate/zkstate/store"
)

func (c *cli) newEdit() *cobra.Command {
	var reason *string
	var input *inputForm
	cmd := c.command("edit PATH", "Edit a document in $VISUAL or $EDITOR", cobra.ExactArgs(1), "json",
		func(ctx context.Context, args []string) error {
			rec, err := c.loadOnce(ctx, args[0])
			if err != nil {
				return err
			}
			return c.edit(ctx, args[0], rec, cmp.Or(input.String(), "json"), *reason)
		})
	cmd.Long = cmd.Short + `.

It shows the difference and commits only if the document is still at the version
that was edited. If it is not, or the text is no good, the edited file is kept. A text
that was not changed is not committed. The editor runs through the shell, so that the
variable may hold arguments; it inherits no credentials, and Ctrl-C belongs to it. With --input yaml
you edit YAML, of which comments are not kept.`
	reason = reasonFlag(cmd)
	input = inputFlag(cmd)
	return cmd
}

// loadOnce reads a document within --timeout.
func (c *cli) loadOnce(ctx context.Context, path string) (rec store.Record, err error) {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	err = c.withStore(ctx, false, func(s store.Store) (err error) {
		rec, err = document.Load(ctx, s, path, store.Version{}, store.Linearizable)
		return err
	})
	return rec, err
}

func (c *cli) edit(ctx context.Context, path string, rec store.Record, form, reason string) error {
	before, err := textForms[form](rec.Data)
	if err != nil || form != "json" && document.Check(path, rec) != nil {
		before = append(rec.Data, '\n') // broken: it is shown as it is
	}
	after, file, err := c.editText(ctx, before, form)
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt) // the editor had it
	defer stop()
	if err == nil && file == "" {
		err = errUnchanged
	}
	if err == nil {
		after, err = parseText(after, "", form)
	}
	if err == nil {
		err = c.commitEdit(ctx, path, rec, after, reason)
	}
	if errors.Is(err, errUnchanged) {
		fmt.Fprintln(c.stderr, "nothing was changed, so nothing is committed")
		err = nil
	}
	switch {
	case file == "":
		return err
	case err != nil:
		return fmt.Errorf("%w: the edited text is kept in %s", err, file)
	}
	return os.Remove(file)
}

// errUnchanged ends an edit that changed nothing.
var errUnchanged = errors.New("nothing was changed")

// commitEdit shows what was changed and commits it.
func (c *cli) commitEdit(ctx context.Context, path string, rec store.Record, after []byte, reason string) error {
	if document.Check(path, rec) == nil {
		changes, err := diff.Diff(rec.Data, after)
		if err != nil {
			return err
		}
		if len(changes) == 0 {
			return errUnchanged
		}
		for _, change := range changes {
			fmt.Fprintln(c.stderr, change)
		}
	}
	how := document.Write{IfVersion: rec.Version.String(), Reason: reason}
	return c.change(ctx, path, nil, document.Replace(after), how)
}

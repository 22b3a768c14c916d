package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/store"
)

func (c *cli) newEdit() *cobra.Command {
	var reason *string
	var input *inputForm
	cmd := c.command("edit PATH", "Edit a document in $VISUAL or $EDITOR", cobra.ExactArgs(1), "json",
		func(ctx context.Context, args []string) error {
			var rec store.Record
			if err := c.withStore(ctx, false, func(s store.Store) (err error) {
				ctx, cancel := c.bounded(ctx)
				defer cancel()
				rec, err = load(ctx, s, args[0], store.Linearizable)
				return err
			}); err != nil {
				return err
			}
			return c.edit(ctx, args[0], rec, cmp.Or(input.String(), "json"), *reason)
		})
	cmd.Long = cmd.Short + `.

It shows the difference and commits only if the document is still at the version
that was edited. If it is not, or the text is no good, the edited file is kept. With
--input yaml you edit YAML, of which comments are not kept.`
	reason = reasonFlag(cmd)
	input = inputFlag(cmd)
	return cmd
}

func (c *cli) edit(ctx context.Context, path string, rec store.Record, form, reason string) error {
	before, err := textForms[form](rec.Data)
	if err != nil || form != "json" && good(path, rec) != nil {
		before = rec.Data // broken: it is shown as it is
	}
	file, err := writeTemp(before, form)
	if err != nil {
		return err
	}
	after, err := c.editFile(ctx, file)
	if err == nil && bytes.Equal(after, before) {
		_ = os.Remove(file)
		_, err = fmt.Fprintln(c.stderr, "nothing was changed")
		return err
	}
	if err == nil {
		after, err = parseText(after, "the edited text", form)
	}
	if err == nil {
		err = c.commitEdit(ctx, path, rec, after, reason)
	}
	if err != nil {
		return fmt.Errorf("%w: the edited text is kept in %s", err, file)
	}
	return os.Remove(file)
}

// writeTemp writes a file that only the user can read.
func writeTemp(text []byte, form string) (string, error) {
	f, err := os.CreateTemp("", "zkstate-*."+form)
	if err != nil {
		return "", err
	}
	if _, err := f.Write(text); err != nil {
		_ = f.Close()
		return "", err
	}
	return f.Name(), f.Close()
}

func (c *cli) editFile(ctx context.Context, file string) ([]byte, error) {
	editor := cmp.Or(os.Getenv("VISUAL"), os.Getenv("EDITOR"), "vi")
	cmd := exec.CommandContext(ctx, "sh", "-c", "exec "+editor+` "$1"`, "sh", file) // editors come with arguments
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.stdin, c.stderr, c.stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("editor %s: %w", editor, err)
	}
	return os.ReadFile(file)
}

// commitEdit shows what was changed and commits it.
func (c *cli) commitEdit(ctx context.Context, path string, rec store.Record, after []byte, reason string) error {
	if good(path, rec) == nil {
		changes, err := diff.Diff(rec.Data, after)
		if err != nil {
			return err
		}
		for _, change := range changes {
			fmt.Fprintln(c.stderr, change)
		}
	}
	return c.change(ctx, path, nil, func(doc *json.RawMessage) error {
		*doc = after
		return nil
	}, []zkstate.OpenOption{zkstate.TolerateRejected()}, []zkstate.UpdateOption{zkstate.IfVersion(rec.Version), zkstate.Overwrite(), zkstate.Reason(reason)})
}

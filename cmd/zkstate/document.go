package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/document"
	"github.com/zkstate/zkstate/store"
)

// argument returns a JSON argument: itself, - for standard input, or @file. It is YAML if
// form says so, or the file's name.
func (c *cli) argument(ctx context.Context, arg, form string) (json.RawMessage, error) {
	text, name := []byte(arg), "the argument"
	if arg == "-" || strings.HasPrefix(arg, "@") {
		var err error
		if text, name, err = c.file(ctx, arg); err != nil {
			return nil, err
		}
		form = cmp.Or(form, formOf(name))
	}
	return parseText(text, name, form)
}

// attach opens a State for a command.
func (c *cli) attach(ctx context.Context, s store.Store, path string, initial json.RawMessage, opts ...zkstate.OpenOption) (*document.State, error) {
	return zkstate.Open(ctx, s, path, initial, append(opts, zkstate.WithApp("zkstate"), zkstate.WithLogger(c.logger()))...)
}

// change makes one edit of an existing document (which creates makes if it is absent), and
// prints the version that results.
func (c *cli) change(ctx context.Context, path string, creates json.RawMessage, edit document.Edit, how document.Write) error {
	if err := checkWrite(how); err != nil {
		return err
	}
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	return c.withStore(ctx, creates != nil, func(s store.Store) error {
		st, err := c.attach(ctx, s, path, creates, edit.Open(creates != nil)...)
		if err != nil {
			return err
		}
		defer c.close(ctx, path, st.Close)
		opts, err := how.Options(ctx, s, path)
		if err != nil {
			return err
		}
		version, err := edit.Update(ctx, st, opts...)
		return c.committedOr(path, version, err)
	})
}

// committedOr prints the version of an update that is committed, whether or not
// everybody has applied it.
func (c *cli) committedOr(path string, version zkstate.Version, err error) error {
	if err != nil && !errors.Is(err, zkstate.ErrNotApplied) {
		return err
	}
	return errors.Join(c.committed(path, version), err)
}

// withDocument opens an existing document for the time of fn.
func (c *cli) withDocument(ctx context.Context, s store.Store, path string, opts []zkstate.OpenOption, fn func(*document.State) error) error {
	st, err := c.attach(ctx, s, path, nil, opts...)
	if err != nil {
		return err
	}
	defer c.close(ctx, path, st.Close)
	return fn(st)
}

// committed prints what a command that writes prints.
func (c *cli) committed(path string, version zkstate.Version) error {
	if c.output != "json" {
		_, err := fmt.Fprintln(c.stdout, version)
		return err
	}
	return c.printJSON(struct {
		Path      string          `json:"path"`
		Version   zkstate.Version `json:"version"`
		Committed time.Time       `json:"committed"` // when the store's acknowledgement was here
	}{path, version, time.Now()})
}

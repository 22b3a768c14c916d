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
	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/store"
)

// document is a State of any JSON: the tool knows no struct.
type document = zkstate.State[json.RawMessage]

type documentSnapshot = zkstate.Snapshot[json.RawMessage]

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

// load reads a document as it is stored, good or not.
func load(ctx context.Context, s store.Store, path string, mode store.Consistency) (rec store.Record, err error) {
	err = persist(ctx, func() error {
		rec, err = s.Load(ctx, path, store.Version{}, mode)
		return err
	})
	return rec, err
}

// good checks a stored document.
func good(path string, rec store.Record) error {
	var syntax *diff.SyntaxError
	if err := diff.Check(rec.Data); errors.As(err, &syntax) {
		return &zkstate.RejectedError{Path: path, Version: rec.Version, Pointer: syntax.Pointer, Offset: syntax.Offset, Reason: syntax.Reason}
	}
	return nil
}

// attach opens a State for a command.
func (c *cli) attach(ctx context.Context, s store.Store, path string, initial json.RawMessage, opts ...zkstate.OpenOption) (*document, error) {
	return zkstate.Open(ctx, s, path, initial, append(opts, zkstate.WithApp("zkstate"), zkstate.WithLogger(c.logger()))...)
}

// change runs fn in one atomic update of an existing document (which creates
// makes if it is absent) and prints the version that results.
func (c *cli) change(ctx context.Context, path string, creates json.RawMessage, fn func(*json.RawMessage) error, open []zkstate.OpenOption, flags writeFlags, more ...zkstate.UpdateOption) error {
	if err := flags.check(); err != nil {
		return err
	}
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	if creates == nil {
		open = append(open, zkstate.NoCreate())
	}
	return c.withStore(ctx, creates != nil, func(s store.Store) error {
		st, err := c.attach(ctx, s, path, creates, open...)
		if err != nil {
			return err
		}
		defer c.close(ctx, path, st.Close)
		update, err := flags.options(ctx, s, path)
		if err != nil {
			return err
		}
		version, err := st.Update(ctx, fn, append(update, more...)...)
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
func (c *cli) withDocument(ctx context.Context, s store.Store, path string, opts []zkstate.OpenOption, fn func(*document) error) error {
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

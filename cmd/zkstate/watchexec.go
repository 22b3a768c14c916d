package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/internal/document"
)

// event is what a command that runs on a change reads from its standard input.
type event struct {
	Path string `json:"path"`
	zkstate.ChangeSet
	Value json.RawMessage `json:"value"` // at version To; null if the document was deleted
}

// watchRunning runs argv on each change until ctx ends. With once it returns the first
// one's exit code.
func (c *cli) watchRunning(ctx context.Context, st *document.State, replay, once bool, argv []string) error {
	if err := c.findCommand(argv); err != nil {
		return err
	}
	err := eachChange(ctx, st, replay, func(set zkstate.ChangeSet, value json.RawMessage) (more bool, err error) {
		err = c.runOn(ctx, event{st.Path(), set, value}, argv)
		var exited exitError
		if once || ctx.Err() != nil || err != nil && !errors.As(err, &exited) {
			return false, err
		}
		if err != nil {
			c.complain("%s: %v on the change to version %v; watching goes on", argv[0], exited, set.To)
		}
		return true, nil
	})
	if !once && ctx.Err() != nil { // which is how it is meant to end
		return nil
	}
	return err
}

func (c *cli) runOn(ctx context.Context, e event, argv []string) error {
	var input bytes.Buffer
	encoder := json.NewEncoder(&input)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(e); err != nil {
		return err
	}
	return c.runChild(ctx, argv, &input,
		"ZKSTATE_PATH="+e.Path, "ZKSTATE_FROM="+e.From.String(), "ZKSTATE_VERSION="+e.To.String())
}

// eachChange calls fn with every change set and the value that it leads to, one at a time,
// until fn wants no more or ctx ends. What comes while fn runs is folded into the next set.
func eachChange(ctx context.Context, st *document.State, replay bool, fn func(zkstate.ChangeSet, json.RawMessage) (more bool, err error)) error {
	var value []byte
	sets := st.Changes(ctx, zkstate.Replay())
	for !replay {
		before, _ := st.Snapshot() // the errors are about a deleted document: its version is zero then
		sets = st.Changes(ctx)
		if after, _ := st.Snapshot(); after.Version == before.Version { // so the sets begin there
			if !before.Version.IsZero() {
				value = before.Value
			}
			break
		}
	}
	for set := range sets {
		next, err := diff.Apply(value, set.Changes)
		if err != nil {
			return err
		}
		value = next
		if more, err := fn(set, value); !more || err != nil {
			return err
		}
	}
	return nil
}

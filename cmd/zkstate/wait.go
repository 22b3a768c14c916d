package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/store"
)

// errNotYet ends wait when what it waits for has not come true in time.
var errNotYet = errors.New("what was waited for has not come true")

func (c *cli) newWait() *cobra.Command {
	cmd := c.command("wait PATH POINTER[=VALUE]", "Wait until a document has a value", cobra.ExactArgs(2), "json raw yaml",
		func(ctx context.Context, args []string) error {
			cond, err := parseCondition(args[1])
			if err != nil {
				return err
			}
			ctx, cancel := c.bounded(ctx)
			defer cancel()
			var value json.RawMessage
			err = c.withStoreOnceThere(ctx, true, func(s store.Store) (err error) {
				value, err = c.await(ctx, s, args[0], cond)
				return err
			})
			if errors.Is(err, zkstate.ErrNotFound) && errors.Is(err, context.DeadlineExceeded) {
				err = fmt.Errorf("%w: %w", errNotYet, err)
			}
			if err != nil {
				return fmt.Errorf("wait %s: %w", args[0], err)
			}
			return c.printFound(value)
		})
	cmd.Long = cmd.Short + `: until the JSON Pointer leads to a value, or to one that equals
VALUE, which is JSON; an object's members may have any order. The pointer '' is the
whole document, which need not exist yet. The first = ends the pointer.

It prints the value that it found, as get does. It gives up after --timeout, which is
10s if it is not given, with exit code 5. What comes and goes in an instant may be missed.

  zkstate wait /app/config /leader                      # until somebody is
  zkstate wait /app/config '/state="ready"' --timeout 5m && ./start.sh
  zkstate wait /app/config '' --timeout 24h             # until it exists`
	return cmd
}

// condition is what wait waits for.
type condition struct {
	pointer string
	value   []byte // nil: any
}

func parseCondition(arg string) (condition, error) {
	pointer, value, equals := strings.Cut(arg, "=")
	if _, err := diff.Lookup([]byte("{}"), pointer); errors.Is(err, diff.ErrPointerSyntax) {
		return condition{}, err
	}
	if !equals {
		return condition{pointer: pointer}, nil
	}
	if err := diff.Check([]byte(value)); err != nil {
		return condition{}, usageError{fmt.Errorf("the VALUE after = must be JSON, a string in its quotes, as '/state=\"ready\"': %w", err)}
	}
	return condition{pointer, []byte(value)}, nil
}

// met returns the value at the pointer if it is the one.
func (cond condition) met(doc []byte) (value json.RawMessage, ok bool) {
	value, err := diff.Lookup(doc, cond.pointer)
	if err != nil {
		return nil, false
	}
	if cond.value == nil {
		return value, true
	}
	same, err := diff.Equal(value, cond.value)
	return value, err == nil && same
}

// await returns the value that meets the condition. When ctx ends first, the error is
// errNotYet and the context's.
func (c *cli) await(ctx context.Context, s store.Store, path string, cond condition) (json.RawMessage, error) {
	st, err := c.attachObserver(ctx, s, path, true)
	if err != nil {
		return nil, err
	}
	defer c.close(ctx, path, st.Close)
	for range st.Changes(ctx, zkstate.Replay()) {
		snap, err := st.Snapshot()
		if err != nil { // deleted, perhaps for a while
			continue
		}
		if value, ok := cond.met(snap.Value); ok {
			return value, nil
		}
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, fmt.Errorf("%w: %w", errNotYet, ctx.Err())
	}
	return nil, ctx.Err()
}

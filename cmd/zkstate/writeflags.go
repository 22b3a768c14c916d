package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
)

// writeFlags are those of the commands that change a document.
type writeFlags struct {
	ifVersion string
	reason    string
	wait      string
}

func (f *writeFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.ifVersion, "if-version", "", "commit only if the document is at this `VERSION`, or at one with this number before its first dot")
	cmd.Flags().StringVar(&f.reason, "reason", "", "why, for the journal")
	cmd.Flags().StringVar(&f.wait, "wait", "", "wait, within --timeout, until `all` listeners, or that many, have applied it")
}

// check refuses malformed flags before anything is asked of a store.
func (f *writeFlags) check() error {
	if n, err := strconv.Atoi(f.wait); f.wait != "" && f.wait != "all" && (err != nil || n < 1) {
		return usageError{fmt.Errorf("--wait must be all, or a number of listeners")}
	}
	if f.ifVersion == "" {
		return nil
	}
	if _, _, err := parseVersion(f.ifVersion); err != nil {
		return usageError{fmt.Errorf("--if-version: %w", err)}
	}
	return nil
}

// options are those for an update of the document at path. They ask the store which
// version a number stands for.
func (f *writeFlags) options(ctx context.Context, s store.Store, path string) ([]zkstate.UpdateOption, error) {
	opts := []zkstate.UpdateOption{zkstate.WithReason(f.reason)}
	if n, err := strconv.Atoi(f.wait); err == nil {
		opts = append(opts, zkstate.WaitFor(n))
	} else if f.wait != "" {
		opts = append(opts, zkstate.WaitAll())
	}
	if f.ifVersion == "" {
		return opts, nil
	}
	version, counter, err := parseVersion(f.ifVersion)
	if err != nil {
		return nil, err
	}
	if version.IsZero() {
		rec, err := load(ctx, s, path, store.Linearizable)
		if err != nil {
			return nil, err
		}
		if rec.Version.Counter() != counter {
			return nil, fmt.Errorf("%s is at version %v, not at %d: %w: read again and retry", path, rec.Version, counter, store.ErrConflict)
		}
		version = rec.Version
	}
	return append(opts, zkstate.IfVersion(version)), nil
}

// parseVersion reads a version as a user gives it: in full, or only the number before
// its first dot. Then version is zero.
func parseVersion(text string) (version store.Version, counter int32, err error) {
	if version, err := store.ParseVersion(text); err == nil && !version.IsZero() {
		return version, version.Counter(), nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 0 {
		return version, 0, fmt.Errorf("%q is no version: it must be like 3.100000007.100000002.19ab5c7d3e0, or the number before the first dot", text)
	}
	return version, int32(n), nil
}

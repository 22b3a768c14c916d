package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate/internal/document"
)

// writeFlags are those of the commands that change a document.
type writeFlags struct{ document.Write }

func (f *writeFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.IfVersion, "if-version", "", "commit only if the document is at this `VERSION`, or at one with this number before its first dot")
	cmd.Flags().StringVar(&f.Reason, "reason", "", "why, for the journal")
	cmd.Flags().StringVar(&f.Wait, "wait", "", "wait, within --timeout, until `all` listeners, or that many, have applied it")
}

// checkWrite refuses malformed flags before anything is asked of a store.
func checkWrite(how document.Write) error {
	err := how.Check()
	switch {
	case errors.Is(err, document.ErrWait):
		return usageError{fmt.Errorf("--wait %w", err)}
	case err != nil:
		return usageError{fmt.Errorf("--if-version: %w", err)}
	}
	return nil
}

package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate/internal/document"
	"github.com/zkstate/zkstate/internal/exitcode"
	"github.com/zkstate/zkstate/store"
)

func (c *cli) newDoctor() *cobra.Command {
	cmd := c.command("doctor PATH", "Examine a document and its store, and say what to do about what is odd", cobra.ExactArgs(1), "json",
		func(ctx context.Context, args []string) error {
			ctx, cancel := c.bounded(ctx)
			defer cancel()
			return c.withStore(ctx, false, func(s store.Store) error {
				x := &examination{cli: c, store: s, path: args[0]}
				if err := document.Persist(ctx, func() error { return x.run(ctx) }); err != nil {
					return err
				}
				x.check(time.Now())
				if err := c.printExamination(x); err != nil {
					return err
				}
				if code := x.exitCode(); code != 0 {
					return exitError(code)
				}
				return nil
			})
		})
	cmd.Long = cmd.Short + `. It shows the server and its
version, the session and as whom the server knows it, how long a quorum transaction and a
consistent read take, and each znode or file of the document with its access rights, size
and owner. Then it lists findings: notes, warnings and faults, each with what to do.
docs/OPERATING.md describes each finding by its name.

It writes nothing and needs the right to read only; what it may not read it says. Listeners
that are behind get the time in which listeners report, a second if they are few, before
that is a finding.

Exit codes: 0 nothing is to be done, 9 there are warnings, 3 there is no document, 6 the document
is rejected or too large, 1 any other fault, such as a damaged file or a payload that may
not be read, 5 the store does not answer.

  zkstate doctor /app/config
  zkstate doctor /app/config -o json | jq -r '.findings[].check'`
	return cmd
}

// exitCode is that of the worst finding: of a fault, what other commands exit with.
func (x *examination) exitCode() int {
	code := 0
	for _, f := range x.findings {
		switch f.Severity {
		case store.SeverityFault:
			code, _ = situation{command: "doctor"}.explain(failure(f.Err))
			return code
		case store.SeverityWarning:
			code = exitcode.Attention
		}
	}
	return code
}

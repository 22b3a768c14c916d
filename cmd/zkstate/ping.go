package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate/internal/document"
	"github.com/zkstate/zkstate/internal/printable"
	"github.com/zkstate/zkstate/store"
)

func (c *cli) newPing() *cobra.Command {
	cmd := c.command("ping", "Ask whether the store answers", cobra.NoArgs, "json",
		func(ctx context.Context, _ []string) error {
			ctx, cancel := c.bounded(ctx)
			defer cancel()
			return c.withStore(ctx, false, func(s store.Store) error {
				var pong store.Pong
				if err := document.Persist(ctx, func() (err error) {
					pong, err = s.Ping(ctx)
					return err
				}); err != nil {
					return err
				}
				return c.printPong(pong, s.Status().Session)
			})
		})
	cmd.Long = cmd.Short + `, within --timeout: which server or file, what it runs, how long
one round trip took, and the session that it gave. On ZooKeeper the round trip goes through
the quorum, so a server that has lost the others does not answer; its version is known if
it allows the command srvr (4lw.commands.whitelist). It writes nothing.

Exit codes: 0 it answers, 5 it does not, 3 there is no such SQLite file.

  zkstate ping --timeout 2s || alert`
	return cmd
}

func (c *cli) printPong(pong store.Pong, session string) error {
	if c.output == "json" {
		return c.printJSON(struct {
			Server    string  `json:"server"`
			Version   string  `json:"version,omitempty"`
			Session   string  `json:"session,omitempty"`
			LatencyMs float64 `json:"latencyMs"`
		}{pong.Server, pong.Version, session, float64(pong.Latency.Microseconds()) / 1000})
	}
	answer := fmt.Sprintf("%s answered in %v, %s", pong.Server, pong.Latency.Round(10*time.Microsecond), cmp.Or(pong.Version, "version unknown"))
	if session != "" {
		answer += ", session " + session
	}
	_, err := fmt.Fprintln(c.stdout, printable.Line(answer))
	return err
}

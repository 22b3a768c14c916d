package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate/server"
	"github.com/zkstate/zkstate/store"
)

func (c *cli) newDemo() *cobra.Command {
	var listen string
	cmd := c.command("demo", "Show three agents as processes that share a struct", cobra.NoArgs, "",
		func(ctx context.Context, _ []string) error {
			if c.url == "" { // never the user's own documents, unless told so
				dir, err := os.MkdirTemp("", "zkstate-demo-")
				if err != nil {
					return err
				}
				defer os.RemoveAll(dir)
				c.url = "sqlite:" + filepath.Join(dir, "demo.db")
			}
			return c.withStore(ctx, true, func(s store.Store) error {
				opening, cancel := c.bounded(ctx)
				defer cancel()
				env := append(c.zk.env(), storeVariable+"="+c.url)
				if listen == "" {
					return runDemo(ctx, opening, s, c.url, env, false, c.stdout, c.stderr)
				}
				return c.serveDemo(ctx, listen, s, func() error {
					return runDemo(ctx, opening, s, c.url, env, true, c.stdout, c.stderr)
				})
			})
		})
	cmd.Long = `Show the main job: three agents, as processes of their own, share the list of
processes to watch. Somebody else changes it, breaks it and heals it, and one agent
is killed and comes back. It runs on a fresh file, or on --store, and exits 0 only if
all agents agreed at every step. With --serve it can be looked at and changed with a browser,
or over HTTP, and goes on until it is interrupted.`
	cmd.Flags().StringVar(&listen, "serve", "", "serve it over HTTP at this `ADDRESS`, 127.0.0.1:8642 if none is given")
	cmd.Flags().Lookup("serve").NoOptDefVal = "127.0.0.1:8642"
	return cmd
}

// serveDemo serves the store while the demo runs.
func (c *cli) serveDemo(ctx context.Context, listen string, s store.Store, run func() error) error {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return usageError{fmt.Errorf("--serve: %w", err)}
	}
	serving, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- c.serve(serving, l, s, server.Config{Write: true}) }()
	err = run()
	stop()
	return errors.Join(err, <-ended)
}

func (c *cli) newDemoAgent() *cobra.Command {
	cmd := c.command("demo-agent PATH ID", "One agent of the demo", cobra.ExactArgs(2), "json",
		func(ctx context.Context, args []string) error {
			return c.withStore(ctx, false, func(s store.Store) error {
				err := runDemoAgent(ctx, s, args[0], args[1], c.stdin, c.stdout)
				if errors.Is(err, context.Canceled) {
					return nil
				}
				return err
			})
		})
	cmd.Hidden = true
	return cmd
}

func (c *cli) newDemoBreak() *cobra.Command {
	cmd := c.command("demo-break PATH", "Write a broken document, as a foreign tool might", cobra.ExactArgs(1), "json",
		func(ctx context.Context, args []string) error {
			ctx, cancel := c.bounded(ctx)
			defer cancel()
			return c.withStore(ctx, false, func(s store.Store) error {
				version, err := breakDocument(ctx, s, args[0])
				if err != nil {
					return err
				}
				return c.committed(args[0], version)
			})
		})
	cmd.Hidden = true
	return cmd
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate/internal/printable"
	"github.com/zkstate/zkstate/server"
	"github.com/zkstate/zkstate/server/page"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/storeurl"
)

// tokenVariable is the environment variable that holds a token for serve.
const tokenVariable = "ZKSTATE_SERVE_TOKEN"

// serveFlags are those of serve.
type serveFlags struct {
	listen    string
	write     bool
	cert, key string
	clientCA  string
	tokenFile string
	hosts     []string
}

func (c *cli) newServe() *cobra.Command {
	var flags serveFlags
	cmd := c.command("serve", "Serve the documents over HTTP, until interrupted", cobra.NoArgs, "",
		func(ctx context.Context, _ []string) error {
			cfg, err := flags.config(c.loggerFrom(slog.LevelWarn))
			if err != nil {
				return err
			}
			l, err := net.Listen("tcp", flags.listen)
			if err != nil {
				return usageError{fmt.Errorf("--listen: %w", err)}
			}
			defer l.Close()
			if err := cfg.Check(l); err != nil {
				return usageError{fmt.Errorf("--listen %s: %w", l.Addr(), err)}
			}
			return c.withStore(ctx, flags.write, func(s store.Store) error {
				return c.serve(ctx, l, s, cfg)
			})
		})
	cmd.Long = cmd.Short + `: for programs in any language, and for browsers.

  zkstate serve                                   # http://127.0.0.1:8642, read-only
  zkstate serve --write --token-file tokens
  zkstate serve --listen :8642 --tls-cert cert.pem --tls-key key.pem --token-file tokens

docs/HTTP.md and /openapi.yaml on the server describe what it answers to. Without --write it
changes nothing. On an address that other machines can reach it needs TLS, and tokens or
client certificates. A file of tokens has one a line, as NAME:TOKEN or TOKEN alone; the
variable ` + tokenVariable + ` holds one. NAME, or the common name of a client's certificate,
goes into the journal as who made a change; else it is $ZKSTATE_ACTOR, or the user that serve
runs as. A renewed certificate is used for the next connection; tokens are read once.

Browsers are let in only from pages of this server itself, under the names of this machine's
loopback addresses, those in the certificate, and those of --host.`
	f := cmd.Flags()
	f.StringVar(&flags.listen, "listen", "127.0.0.1:8642", "the `ADDRESS` to listen on")
	f.BoolVar(&flags.write, "write", false, "allow changes")
	f.StringVar(&flags.cert, "tls-cert", "", "the server's certificate, a `FILE` in PEM")
	f.StringVar(&flags.key, "tls-key", "", "its key, a `FILE` in PEM")
	f.StringVar(&flags.clientCA, "client-ca", "", "let in who has a certificate of the authorities in this `FILE`")
	f.StringVar(&flags.tokenFile, "token-file", "", "let in who shows a token that is in this `FILE`")
	f.StringSliceVar(&flags.hosts, "host", nil, "a `NAME` by which clients reach the server; may be repeated")
	return cmd
}

// serve serves until ctx ends, which is how it is meant to end.
func (c *cli) serve(ctx context.Context, l net.Listener, s store.Store, cfg server.Config) error {
	url, err := c.storeURL()
	if err == nil {
		cfg.StoreName, err = storeurl.Public(url)
	}
	if err != nil {
		return err
	}
	cfg.Store, cfg.Version, cfg.Logger = s, thisBuild().Version, c.loggerFrom(slog.LevelWarn)
	cfg.Page = page.Files()
	srv, err := server.New(cfg)
	if err != nil {
		return err
	}
	scheme, rights := "http", "read-only: --write allows changes"
	if cfg.TLS != nil {
		scheme = "https"
	}
	if cfg.Write {
		rights = "with changes"
	}
	if _, err := fmt.Fprintf(c.stdout, "serving %s at %s://%s, %s\n", printable.Line(cfg.StoreName), scheme, l.Addr(), rights); err != nil {
		return err
	}
	return srv.Serve(ctx, l)
}

// config reads what the flags name.
func (f serveFlags) config(logger *slog.Logger) (cfg server.Config, err error) {
	cfg.Write, cfg.Hosts = f.write, f.hosts
	if cfg.Tokens, err = f.tokens(); err != nil {
		return cfg, err
	}
	if (f.cert == "") != (f.key == "") {
		return cfg, usageError{errors.New("--tls-cert and --tls-key go together")}
	}
	if f.cert == "" {
		if f.clientCA != "" {
			return cfg, usageError{errors.New("--client-ca needs --tls-cert and --tls-key")}
		}
		return cfg, nil
	}
	cfg.TLS, err = serveCertificates{serveFlags: f, tokens: len(cfg.Tokens) > 0, logger: logger}.config()
	return cfg, err
}

// tokens are those of the file and of the environment.
func (f serveFlags) tokens() (tokens []server.Token, err error) {
	if text := os.Getenv(tokenVariable); text != "" {
		if tokens, err = server.ParseTokens([]byte(text)); err != nil {
			return nil, usageError{fmt.Errorf("$%s: %w", tokenVariable, err)}
		}
	}
	if f.tokenFile == "" {
		return tokens, nil
	}
	info, err := os.Stat(f.tokenFile)
	if err != nil {
		return nil, usageError{fmt.Errorf("--token-file: %w", err)}
	}
	if err := private(info); err != nil {
		return nil, usageError{fmt.Errorf("--token-file: %s %w", f.tokenFile, err)}
	}
	text, err := os.ReadFile(f.tokenFile)
	if err != nil {
		return nil, usageError{fmt.Errorf("--token-file: %w", err)}
	}
	more, err := server.ParseTokens(text)
	if err != nil {
		return nil, usageError{fmt.Errorf("--token-file: %s: %w", f.tokenFile, err)}
	}
	return append(tokens, more...), nil
}

// private refuses a file that others can read, and one that is none.
func private(info fs.FileInfo) error {
	switch {
	case !info.Mode().IsRegular():
		return errors.New("is not a regular file")
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("has mode %04o, so others could use it too: chmod 600 it", info.Mode().Perm())
	}
	return nil
}

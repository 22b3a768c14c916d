package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/atomicfile"
	"github.com/zkstate/zkstate/internal/document"
	"github.com/zkstate/zkstate/store"
)

// mirrorRetry is the pause before a file that could not be written is tried again.
const mirrorRetry = 5 * time.Second

// newFileMode is that of a file which did not exist, unless --mode says another.
const newFileMode = fs.FileMode(0o600)

func (c *cli) newMirror() *cobra.Command {
	var form, mode, signal string
	var m mirror
	var wait bool
	cmd := c.command("mirror PATH FILE [-- COMMAND [ARG...]]", "Keep a file equal to a document, for programs in any language", commandAfter(2), "",
		func(ctx context.Context, args []string) error {
			m.cli, m.path, m.file, m.argv = c, args[0], args[1], args[2:]
			if err := m.parse(form, mode, signal); err != nil {
				return err
			}
			if len(m.argv) > 0 {
				if err := c.findCommand(m.argv); err != nil {
					return err
				}
			}
			return c.withStoreOnceThere(ctx, wait, func(s store.Store) error {
				st, err := m.attach(ctx, s, wait)
				if err != nil {
					return err
				}
				defer c.close(ctx, m.path, st.Close)
				if m.once {
					return m.writeOnce(ctx, st)
				}
				return m.follow(ctx, st)
			})
		})
	cmd.Long = cmd.Short + mirrorHelp
	cmd.ValidArgsFunction = c.completePath(cobra.ShellCompDirectiveDefault)
	flags := cmd.Flags()
	flags.StringVar(&form, "format", "", "write the file as `json`, yaml, toml or env")
	flags.StringVar(&mode, "mode", "", "the file's permissions, as `0640` (default those that it has, 0600 for a new one)")
	flags.StringVar(&signal, "signal", "", "after each write send this `signal`, such as HUP, to the process of --pid-file")
	flags.StringVar(&m.pidFile, "pid-file", "", "the `file` with the number of the process that --signal is for")
	flags.BoolVar(&m.once, "once", false, "write the file once and end, with the COMMAND's exit code")
	flags.BoolVar(&wait, "wait", false, "wait, as long as it takes, for a document that does not exist")
	return cmd
}

const mirrorHelp = `.

It writes the file when it starts and after every change, until it is interrupted. The
file is replaced as a whole: readers see the old text or the new one, after a crash too.
It belongs to the user who runs zkstate; a symbolic link stays, and what it leads to is
replaced. A file that is equal already is not written, and nothing runs then.

The form is JSON, YAML, TOML or that of environment variables, by --format or the end of
the file's name (.json .yaml .yml .toml .env). TOML has no null and integers of 64 bits,
and its members are ordered by name. As variables, {"db":{"port":5432}} is DB_PORT=5432
and a list's elements are NAME_0, NAME_1…, quoted for sh and for systemd's EnvironmentFile.

After each write COMMAND runs, with ZKSTATE_PATH, ZKSTATE_VERSION and ZKSTATE_FILE in its
environment, and then the process whose number is in --pid-file gets --signal. If one of
them fails, standard error says so and mirroring goes on.

When the document is deleted, broken, or cannot be written in the form, when the disk is
full or the store away, the last good file stays. Standard error says why, and what could
not be written is tried again every 5 seconds and at the next change. What fails at the
first write ends the command.

  zkstate mirror /app/config /etc/app.yaml -- systemctl reload app
  zkstate mirror /app/config /etc/app.env --mode 0640 --signal HUP --pid-file /run/app.pid
  zkstate mirror /app/config config.json --wait --once   # before the program starts`

// mirror keeps one file equal to one document.
type mirror struct {
	cli        *cli
	path, file string
	write      func(doc []byte) ([]byte, error) // in the file's form
	mode       fs.FileMode                      // 0: that of the file
	argv       []string                         // runs after each write, if it is not empty
	signal     syscall.Signal                   // 0: none
	pidFile    string
	once       bool
}

// parse reads what the flags say.
func (m *mirror) parse(form, mode, signal string) error {
	if form == "" {
		form = formOf(m.file)
	}
	if m.write = textForms[form]; m.write == nil {
		return usageError{fmt.Errorf("the form of %s is not known: say --format json, yaml, toml or env", m.file)}
	}
	if mode != "" {
		bits, err := strconv.ParseUint(mode, 8, 32)
		if err != nil || bits == 0 || bits > 0o777 {
			return usageError{errors.New("--mode must be permissions such as 0640")}
		}
		m.mode = fs.FileMode(bits)
	}
	if (signal == "") != (m.pidFile == "") {
		return usageError{errors.New("--signal and --pid-file go together")}
	}
	if signal == "" {
		return nil
	}
	m.signal = signalNumber(strings.TrimPrefix(strings.ToUpper(signal), "SIG"))
	if m.signal == 0 {
		return usageError{errors.New("--signal must be the name of a signal, such as HUP or USR1")}
	}
	return nil
}

// attach opens the document. To write once, it must be good.
func (m *mirror) attach(ctx context.Context, s store.Store, wait bool) (*document.State, error) {
	switch {
	case !m.once:
		return m.cli.attachObserver(ctx, s, m.path, wait)
	case wait:
		return zkstate.Expect[json.RawMessage](ctx, s, m.path, zkstate.Observer(), zkstate.WithLogger(m.cli.logger()))
	}
	ctx, cancel := m.cli.bounded(ctx)
	defer cancel()
	return m.cli.attach(ctx, s, m.path, nil, zkstate.Observer())
}

// writeOnce writes the copy that st was opened with.
func (m *mirror) writeOnce(ctx context.Context, st *document.State) error {
	snap, err := st.Snapshot()
	if err != nil {
		return err
	}
	written, err := m.update(snap)
	if err != nil || !written {
		return err
	}
	return m.tell(ctx, snap.Version)
}

// follow writes every version until ctx ends.
func (m *mirror) follow(ctx context.Context, st *document.State) error {
	changed := make(chan struct{}, 1)
	stop := st.OnChange(func(zkstate.ChangeSet) {
		select {
		case changed <- struct{}{}:
		default:
		}
	}, zkstate.Replay())
	defer stop()
	var again <-chan time.Time
	for first := true; ; {
		select {
		case <-changed:
		case <-again:
		case <-ctx.Done(): // which is how it is meant to end
			return nil
		}
		again = nil
		snap, err := st.Snapshot()
		if err != nil {
			m.cli.complain("%v; %s stays as it is", err, m.file)
			continue
		}
		written, err := m.update(snap)
		switch {
		case err != nil && first:
			return err
		case err != nil:
			m.cli.complain("%v; %s stays as it is", err, m.file)
			again = time.After(mirrorRetry)
		case written:
			if err := m.tell(ctx, snap.Version); err != nil && ctx.Err() == nil {
				m.cli.complain("after %s was written: %v; mirroring goes on", m.file, err)
			}
		}
		first = false
	}
}

// update writes the file unless it is equal already.
func (m *mirror) update(snap document.Snapshot) (written bool, err error) {
	text, err := m.write(snap.Value)
	if err != nil {
		return false, fmt.Errorf("%s at version %v: %w", m.path, snap.Version, err)
	}
	target, info, err := atomicfile.Check(m.file)
	if err != nil {
		return false, err
	}
	mode := newFileMode
	if info != nil {
		mode = info.Mode().Perm()
	}
	if m.mode != 0 {
		mode = m.mode
	}
	if info != nil && info.Mode().Perm() == mode {
		if old, err := os.ReadFile(target); err == nil && bytes.Equal(old, text) {
			return false, nil
		}
	}
	if err := atomicfile.Write(m.file, mode, text); err != nil {
		return false, err
	}
	return true, nil
}

// tell runs the command and sends the signal.
func (m *mirror) tell(ctx context.Context, version zkstate.Version) error {
	var ran, sent error
	if len(m.argv) > 0 {
		ran = m.cli.runChild(ctx, m.argv, nil,
			"ZKSTATE_PATH="+m.path, "ZKSTATE_VERSION="+version.String(), "ZKSTATE_FILE="+m.file)
	}
	if m.signal != 0 {
		if sent = sendSignal(m.pidFile, m.signal); sent != nil {
			sent = fmt.Errorf("signal the process of %s: %w", m.pidFile, sent)
		}
	}
	return errors.Join(ran, sent)
}

package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// editText returns text as the user leaves it in an editor, and the file that it is in,
// which is gone if nothing was edited. An editor that fails may have saved all the same.
func (c *cli) editText(ctx context.Context, text []byte, form string) (after []byte, file string, err error) {
	if file, err = writeTemp(text, form); err != nil {
		return nil, "", fmt.Errorf("write the text for the editor: %w", err)
	}
	failed := c.runEditor(ctx, file)
	after, err = os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		file, err = "", fmt.Errorf("the editor removed %s, so nothing is committed", file)
	case err == nil && sameText(text, after):
		err = os.Remove(file)
		file = ""
	}
	return after, file, errors.Join(failed, err)
}

// sameText reports whether two texts differ in nothing but the line breaks at their ends,
// which many editors add.
func sameText(a, b []byte) bool {
	return bytes.Equal(bytes.TrimRight(a, "\r\n"), bytes.TrimRight(b, "\r\n"))
}

// writeTemp writes a file that only the user can read.
func writeTemp(text []byte, form string) (string, error) {
	f, err := os.CreateTemp("", "zkstate-*."+form)
	if err != nil {
		return "", err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// runEditor runs the user's editor, as git does: what the variable holds is a piece of
// shell, so it may have arguments, quotes and variables, or be a function.
func (c *cli) runEditor(ctx context.Context, file string) error {
	editor := cmp.Or(os.Getenv("VISUAL"), os.Getenv("EDITOR"), "vi")
	// The trap keeps the shell alive, which gets the terminal's signals like the editor.
	cmd := exec.CommandContext(ctx, "sh", "-c", "trap : INT QUIT\n"+editor+` "$@"`, editor, file)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.terminal.in, c.terminal.err, c.terminal.err
	cmd.Env = childEnv()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = lockGrace
	defer cedeInterrupts()()
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case cmd.ProcessState.ExitCode() == exitNoCommand:
		return fmt.Errorf("editor %s: there is no such command: set VISUAL or EDITOR", editor)
	}
	return fmt.Errorf("editor %s: %w", editor, err)
}

// cedeInterrupts leaves SIGINT and SIGQUIT to the commands of the terminal until resume
// is called: this program takes them, and does nothing. They are not ignored, since a
// command would inherit that. What had asked for them before does not get them any more.
func cedeInterrupts() (resume func()) {
	taken := make(chan os.Signal, 1)
	signal.Reset(os.Interrupt, syscall.SIGQUIT)
	signal.Notify(taken, os.Interrupt, syscall.SIGQUIT)
	return func() { signal.Stop(taken) }
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/mattn/go-isatty"

	"github.com/zkstate/zkstate/store"
)

// maxFile bounds what is read from a file, a pipe or a socket, in bytes. No store takes
// a document that is so large.
const maxFile = 64 << 20

// file reads a file, which may have an @ before its name, or standard input if it is -.
// Pipes and sockets are read to their end. It returns what errors should call it, too.
// --timeout bounds the reading, except from a terminal.
func (c *cli) file(ctx context.Context, arg string) (text []byte, name string, err error) {
	name = strings.TrimPrefix(arg, "@")
	open := func(ctx context.Context) (io.ReadCloser, error) { return openFile(ctx, name) }
	bounded := true
	if name == "-" {
		name = "standard input"
		open = func(context.Context) (io.ReadCloser, error) { return io.NopCloser(c.stdin), nil }
		f, ok := c.stdin.(*os.File)
		bounded = !ok || !isatty.IsTerminal(f.Fd())
	}
	if bounded {
		var cancel context.CancelFunc
		ctx, cancel = c.bounded(ctx)
		defer cancel()
	}
	text, err = readAll(ctx, open)
	if err != nil {
		return nil, name, fmt.Errorf("read %s: %w", name, err)
	}
	return text, name, nil
}

// errUnfinished says that a pipe or socket was not written to its end in time.
var errUnfinished = errors.New("its end did not come in time")

// readAll opens and reads until ctx ends. What cannot be interrupted is left behind.
func readAll(ctx context.Context, open func(context.Context) (io.ReadCloser, error)) ([]byte, error) {
	type result struct {
		text []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		r, err := open(ctx)
		if err != nil {
			done <- result{nil, err}
			return
		}
		defer r.Close()
		text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
		if err == nil && len(text) > maxFile {
			err = fmt.Errorf("more than %d bytes: %w", maxFile, store.ErrTooLarge)
		}
		done <- result{text, err}
	}()
	select {
	case r := <-done:
		return r.text, r.err
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil, fmt.Errorf("%w: %w", errUnfinished, ctx.Err())
		}
		return nil, ctx.Err()
	}
}

// openFile opens whatever a name stands for.
func openFile(ctx context.Context, name string) (io.ReadCloser, error) {
	if number, ok := descriptor(name); ok {
		return os.NewFile(number, name), nil // a socket cannot be opened by its name there
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, errors.Unwrap(err) // the caller says which file
	}
	if info.Mode()&fs.ModeSocket != 0 {
		return new(net.Dialer).DialContext(ctx, "unix", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	return f, nil
}

// descriptor returns the number of an inherited file that a name such as /dev/fd/63
// stands for. A shell makes such names of <(COMMAND).
func descriptor(name string) (number uintptr, ok bool) {
	if name == "/dev/stdin" {
		return 0, true
	}
	dir, base := filepath.Split(name)
	if dir != "/dev/fd/" && dir != "/proc/self/fd/" {
		return 0, false
	}
	n, err := strconv.ParseUint(base, 10, 31)
	return uintptr(n), err == nil
}

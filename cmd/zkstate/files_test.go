package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zkstate/zkstate/internal/exitcode"
	"github.com/zkstate/zkstate/store"
)

func newTestCLI(t *testing.T) *cli {
	return &cli{stdin: strings.NewReader(""), stdout: t.Output(), stderr: t.Output(), timeout: time.Minute}
}

func TestFileReadsASocket(t *testing.T) {
	name := filepath.Join(t.TempDir(), "socket")
	listener, err := net.Listen("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			_, _ = conn.Write([]byte(`{"a":1}`))
			_ = conn.Close()
		}
	}()
	text, called, err := newTestCLI(t).file(t.Context(), "@"+name)
	if err != nil || string(text) != `{"a":1}` || called != name {
		t.Errorf("read %q from %s, %v", text, called, err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestFileIsBounded(t *testing.T) {
	c := newTestCLI(t)
	c.stdin = endless{}
	if _, _, err := c.file(t.Context(), "-"); !errors.Is(err, store.ErrTooLarge) {
		t.Errorf("what has no end: %v", err)
	}
}

// TestFileEndsWithItsContext: who is interrupted while nobody writes is not told to raise
// the timeout.
func TestFileEndsWithItsContext(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	defer r.Close()
	c := newTestCLI(t)
	c.stdin = r
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := c.file(ctx, "-"); !errors.Is(err, context.Canceled) || errors.Is(err, errUnfinished) {
		t.Errorf("interrupted: %v", err)
	}
	c.timeout = time.Millisecond
	if _, _, err := c.file(t.Context(), "-"); !errors.Is(err, errUnfinished) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("out of time: %v", err)
	}
}

func TestWaitIsInterrupted(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "state.db")
	var stderr bytes.Buffer
	if code := run(t.Context(), []string{"--store", url, "create", "/doc", "{}"}, strings.NewReader(""), t.Output(), &stderr); code != 0 {
		t.Fatal(stderr.String())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	code := run(ctx, []string{"--store", url, "wait", "/doc", "/a"}, strings.NewReader(""), t.Output(), &stderr)
	if code != exitcode.Other || !strings.Contains(stderr.String(), "interrupted") {
		t.Errorf("exit code %d, %s", code, stderr.String())
	}
}

//go:build unix

package zkstate_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store/zkstore"
)

// sleeper is a process that is stopped while its function runs under the lock. It
// says what its first Read gives when it goes on, and how often its function ran on
// what.
func sleeper(addr string) {
	s, err := zkstore.Open(zkstore.Config{Servers: []string{addr}, SessionTimeout: holderSession})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	st, err := zkstate.Open(ctx, s, "/app/config", initial(), zkstate.WithMaxStaleness(time.Second), zkstate.WithRefresh(100*time.Millisecond))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = st.Update(ctx, func(c *config) error {
		said := time.Now()
		fmt.Println("runs on", c.Interval)
		if c.Interval == 1 {
			sleepUntilStopped(said)
			_, err := st.Read()
			fmt.Println("stale", errors.Is(err, zkstate.ErrStale))
		}
		return bump(c)
	}, zkstate.Exclusive())
	fmt.Println("committed", err)
}

// sleepUntilStopped returns right after the process was stopped for a while, which
// may have been at any time from last on.
func sleepUntilStopped(last time.Time) {
	for {
		now := time.Now()
		if now.Sub(last) > time.Second {
			return
		}
		last = now
		time.Sleep(time.Millisecond)
	}
}

// TestScenario12ClientStopped: the process is stopped for longer than its session, in
// the middle of an exclusive update. Its first Read serves nothing old, and what it
// made under the lost lock is not committed.
func TestScenario12ClientStopped(t *testing.T) {
	t.Parallel()
	b := newZKBed(t)
	child := exec.CommandContext(b.ctx, os.Args[0])
	child.Env = append(os.Environ(), "ZKSTATE_TEST_SLEEPER="+b.net.Addr())
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Wait()
	defer child.Process.Kill()
	said := bufio.NewScanner(out)
	expect := func(want string) {
		t.Helper()
		if !said.Scan() || said.Text() != want {
			t.Fatalf("it says %q, want %q", said.Text(), want)
		}
	}
	expect("runs on 1")
	if err := child.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	_, err = b.writer.Update(b.ctx, func(c *config) error { c.Interval = 100; return nil }, zkstate.Exclusive())
	if resume := child.Process.Signal(syscall.SIGCONT); err != nil || resume != nil {
		t.Fatal(err, resume)
	}
	expect("stale true")
	expect("runs on 100")
	expect("committed <nil>")
	if got, _, err := b.writer.ReadConsistent(b.ctx); err != nil || got.Interval != 101 {
		t.Errorf("%+v, %v", got, err)
	}
}

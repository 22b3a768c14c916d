//go:build unix

package zkstore_test

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/zkstate/zkstate/store"
)

// TestStoppedClient stops a whole process for longer than its session lives. What
// it believed of its connection when it went to sleep is wrong when it wakes up.
func TestStoppedClient(t *testing.T) {
	b := newBed(t)
	v := b.create("0")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "ZKSTATE_TEST_CLIENT="+b.server.Addr())
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 100)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for in := bufio.NewScanner(out); in.Scan(); {
			lines <- in.Text()
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		_ = cmd.Wait() // it was killed
	})
	await := func(want store.Version) {
		t.Helper()
		for deadline := time.After(patience); ; {
			select {
			case line := <-lines:
				if line == want.String() {
					return
				}
			case <-deadline:
				t.Fatalf("the client never saw %v", want)
			}
		}
	}
	await(v)
	b.wantRecord("x")
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	b.eventually("the stopped client's session ends", func() error {
		found, err := b.direct.Listeners(b.ctx, "/doc")
		if err == nil && len(found) > 0 {
			return errors.New("its record is there")
		}
		return err
	})
	v = b.put("while it slept")
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	await(v)
	b.wantRecord("x")
	await(b.put("and after"))
}

package zkserver

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"go.uber.org/goleak"
)

// within bounds what a test waits for.
const within = 15 * time.Second

// parentEnv makes the test binary start a child and wait to be killed.
const parentEnv = "ZKSERVER_TEST_PARENT"

func TestMain(m *testing.M) {
	if os.Getenv(parentEnv) != "" {
		p, err := startProcess(exec.Command("sleep", "600"))
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(p.child.Pid)
		<-p.exited
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// eventually polls a condition that nothing announces.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", within, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// connect returns a client with a session, and its events.
func connect(t *testing.T, addrs ...string) (*zk.Conn, <-chan zk.Event) {
	t.Helper()
	conn, events, err := zk.Connect(addrs, 8*time.Second, zk.WithLogInfo(false), zk.WithLogger(silent{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	awaitState(t, events, zk.StateHasSession)
	return conn, events
}

func awaitState(t *testing.T, events <-chan zk.Event, state zk.State) {
	t.Helper()
	timeout := time.After(within)
	for {
		select {
		case e := <-events:
			if e.State == state {
				return
			}
		case <-timeout:
			t.Fatalf("not within %v: %v", within, state)
		}
	}
}

type silent struct{}

func (silent) Printf(string, ...any) {}

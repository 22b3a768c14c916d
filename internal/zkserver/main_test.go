package zkserver

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/zkstate/zkstate/internal/zk"
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

// client is a client with a session, and its events.
type client struct {
	*zk.Client
	events chan zk.Event
}

func connect(t *testing.T, addrs ...string) *client {
	t.Helper()
	c := &client{events: make(chan zk.Event, 1000)} // a test reads all that it causes
	var err error
	c.Client, err = zk.Connect(zk.Config{
		Servers: zk.Hosts(addrs), SessionTimeout: 8 * time.Second,
		OnEvent: func(e zk.Event) { c.events <- e },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	c.await(t, zk.Connected)
	return c
}

func (c *client) await(t *testing.T, kind zk.EventKind) {
	t.Helper()
	timeout := time.After(within)
	for {
		select {
		case e := <-c.events:
			if e.Kind == kind {
				return
			}
		case <-timeout:
			t.Fatalf("not within %v: event %v", within, kind)
		}
	}
}

// call sends a request in the present session.
func (c *client) call(t *testing.T, request zk.Request) (zk.Reply, error) {
	session, err := c.Session(t.Context())
	if err != nil {
		return zk.Reply{}, err
	}
	return session.Call(t.Context(), request)
}

func (c *client) create(t *testing.T, path, data string, mode zk.Mode) {
	t.Helper()
	if _, err := c.call(t, zk.Create{Path: path, Data: []byte(data), ACL: zk.WorldACL(zk.PermAll), Mode: mode}); err != nil {
		t.Fatal(err)
	}
}

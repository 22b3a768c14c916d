package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/procwatch"
	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zkserver"
	"github.com/zkstate/zkstate/store/storeurl"
)

// output collects what a run prints and lets a test wait for it.
type output struct {
	mu   sync.Mutex // guards text
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) await(t *testing.T, want string) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(30 * time.Second); ; {
		o.mu.Lock()
		text := o.text.String()
		o.mu.Unlock()
		if strings.Contains(text, want) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%q was never printed: %s", want, text)
		}
	}
}

func start(t *testing.T, url string) *output {
	ctx, cancel := context.WithCancel(context.Background())
	out, ended := &output{}, make(chan error, 1)
	go func() { ended <- run(ctx, []string{"-store", url}, out) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	out.await(t, `+ (document) {"processes":["systemd*","rsync*"],"interval":"1s"}`)
	return out
}

// self is the name under which this test's own process is listed.
func self(t *testing.T) string {
	t.Helper()
	found, err := procwatch.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range found {
		if int(p.PID) == os.Getpid() {
			return p.Name
		}
	}
	t.Fatal("this process is not listed")
	return ""
}

// TestProcwatchReactsAtOnce: whoever changes the list changes what is watched.
func TestProcwatchReactsAtOnce(t *testing.T) {
	for name, url := range map[string]func(t *testing.T) string{
		"sqlite": func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "state.db") },
		"zk":     func(t *testing.T) string { return "zk://" + zkserver.Standalone(t).Addr() },
	} {
		t.Run(name, func(t *testing.T) {
			url := url(t)
			out := start(t, url)
			s, err := storeurl.Open(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			st, err := zkstate.Open(t.Context(), s, "/procwatch", procwatch.Default())
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			me := self(t)
			add := func(list *procwatch.Settings) error {
				list.Processes = append(list.Processes, me)
				list.Interval = procwatch.Duration(time.Hour) // only the change can make it look again
				return nil
			}
			if _, err := st.Update(t.Context(), add); err != nil {
				t.Fatal(err)
			}
			out.await(t, fmt.Sprintf("+ /processes/2 %q", me))
			out.await(t, fmt.Sprintf("appeared %7d %s (%s)", os.Getpid(), me, me))
			if _, err := st.Update(t.Context(), func(list *procwatch.Settings) error { list.Processes = nil; return nil }); err != nil {
				t.Fatal(err)
			}
			out.await(t, fmt.Sprintf("gone     %7d %s", os.Getpid(), me))
		})
	}
}

// TestProcwatchFollowsForeignWriters: the payload is written by a plain ZooKeeper
// client that knows nothing of this package.
func TestProcwatchFollowsForeignWriters(t *testing.T) {
	server := zkserver.Standalone(t)
	out := start(t, "zk://"+server.Addr())
	client, err := zk.Connect(zk.Config{Servers: zk.Hosts{server.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	session, err := client.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	read, err := session.Call(t.Context(), zk.Get{Path: "/procwatch/payload"})
	if err != nil || string(read.Data) != `{"processes":["systemd*","rsync*"],"interval":"1s"}` {
		t.Fatalf("a foreign reader gets %s, %v", read.Data, err)
	}
	written := []byte(`{"processes": ["systemd*", "rsync*", "firefox*"], "interval": "1s"}`)
	if _, err := session.Call(t.Context(), zk.Set{Path: "/procwatch/payload", Data: written, Version: read.Stat.Version}); err != nil {
		t.Fatal(err)
	}
	out.await(t, `+ /processes/2 "firefox*"`)
}

func TestProcwatchRefuses(t *testing.T) {
	for _, args := range [][]string{{"-nonsense"}, {"-store", "nowhere"}, {"-store", "mem:", "-path", "relative"}} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("%q was accepted", args)
		}
	}
	if err := run(t.Context(), []string{"-store", "mem:", "-path", "/zookeeper/x"}, io.Discard); !errors.Is(err, zkstate.ErrInvalidPath) {
		t.Error(err)
	}
}

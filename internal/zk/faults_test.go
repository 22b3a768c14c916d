package zk_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkstate/zkstate/internal/netfault"
	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zk/wire"
	"github.com/zkstate/zkstate/internal/zkserver"
)

// spy reads along what goes over a client's connections. Workers name nodes after the session in which they ask
// for them; spy counts those that go out in another one.
type spy struct {
	strays, seen atomic.Int64
}

func (s *spy) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c := &spied{Conn: conn, spy: s}
	var in, out io.Reader
	in, c.in = io.Pipe()
	out, c.out = io.Pipe()
	granted := make(chan int64, 1)
	c.tasks.Go(func() { c.replies(bufio.NewReader(in), granted) })
	c.tasks.Go(func() { c.requests(bufio.NewReader(out), granted) })
	return c, nil
}

type spied struct {
	net.Conn
	spy     *spy
	in, out *io.PipeWriter
	tasks   sync.WaitGroup
	once    sync.Once
}

func (c *spied) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.in.Write(b[:n])
	return n, err
}

func (c *spied) Write(b []byte) (int, error) {
	c.out.Write(b)
	return c.Conn.Write(b)
}

func (c *spied) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() {
		c.in.Close()
		c.out.Close()
		c.tasks.Wait()
	})
	return err
}

// replies finds out the session of the connection.
func (c *spied) replies(in *bufio.Reader, granted chan<- int64) {
	if frame, err := wire.ReadFrame(in, 8<<20); err == nil {
		var response wire.ConnectResponse
		d := wire.NewDecoder(frame[wire.HeadSize:])
		response.Decode(&d)
		granted <- response.SessionID
	}
	close(granted)
	io.Copy(io.Discard, in)
}

// requests looks for the names of nodes.
func (c *spied) requests(out *bufio.Reader, granted <-chan int64) {
	defer io.Copy(io.Discard, out)
	if _, err := wire.ReadFrame(out, 8<<20); err != nil {
		return
	}
	var session string
	for {
		frame, err := wire.ReadFrame(out, 8<<20)
		if err != nil {
			return
		}
		if session == "" {
			session = fmt.Sprintf("/faults/%x-", <-granted)
		}
		if text := string(frame); strings.Contains(text, "/faults/") {
			c.spy.seen.Add(1)
			if !strings.Contains(text, session) {
				c.spy.strays.Add(1)
			}
		}
	}
}

// attempt is one Multi, which creates a node of its own and counts.
type attempt struct {
	node string
	err  error
}

const (
	counter = "/counter"
	folder  = "/faults"
)

// work makes attempts until ctx ends.
func work(ctx context.Context, client *zk.Client, worker int) (made []attempt) {
	for n := 0; ctx.Err() == nil; n++ {
		s, err := client.Session(ctx)
		if err != nil {
			continue
		}
		call, cancel := context.WithTimeout(ctx, time.Duration(1+rand.N(2000))*time.Millisecond)
		replies, err := s.Do(call, zk.Multi{zk.Check{Path: counter, Version: zk.AnyVersion}}, zk.Get{Path: counter})
		if err == nil {
			a := attempt{node: fmt.Sprintf("%x-%d-%d", s.ID(), worker, n)}
			_, a.err = s.Call(call, zk.Multi{
				zk.Create{Path: folder + "/" + a.node, ACL: open},
				zk.Set{Path: counter, Version: replies[1].Stat.Version},
			})
			made = append(made, a)
		}
		cancel()
	}
	return made
}

// TestFaults: under cuts, hangs, lost replies, killed and expired sessions and restarts of all servers, every outcome is
// what the servers have, and no request goes out in another session than its own.
func TestFaults(t *testing.T) {
	ensemble := zkserver.Ensemble(t, 3)
	var nets []*netfault.Proxy
	var hosts zk.Hosts
	for _, server := range ensemble.Servers {
		p := proxy(t, server.Addr())
		nets, hosts = append(nets, p), append(hosts, p.Addr())
	}
	_, direct := connect(t, zk.Config{Servers: zk.Hosts(ensemble.Addrs())})
	must(t, direct, zk.Create{Path: folder, ACL: open})
	must(t, direct, zk.Create{Path: counter, ACL: open})

	var seen spy
	var lost atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	var workers sync.WaitGroup
	made := make([][]attempt, 12)
	for c := range 3 {
		client := start(t, zk.Config{Servers: hosts, SessionTimeout: 2 * time.Second, Dial: seen.dial, OnEvent: func(e zk.Event) {
			if e.Kind == zk.SessionLost {
				lost.Add(1)
			}
		}})
		for i := range 4 {
			workers.Go(func() { made[4*c+i] = work(ctx, client, 4*c+i) })
		}
	}
	disturb(t, ensemble, nets)
	cancel()
	workers.Wait()

	// Both at one point of the history: a request whose outcome is unknown may still be done.
	replies, err := direct.Do(testContext(t), zk.Multi{zk.Check{Path: counter, Version: zk.AnyVersion}},
		zk.MultiRead{zk.Children{Path: folder}, zk.Get{Path: counter}})
	if err != nil {
		t.Fatal(err)
	}
	found := replies[1].Results
	judge(t, slices.Concat(made...), found[0].Children, found[1].Stat.Version)
	if seen.strays.Load() > 0 || seen.seen.Load() == 0 || lost.Load() == 0 {
		t.Errorf("%d of %d requests went out in another session; %d sessions were lost", seen.strays.Load(), seen.seen.Load(), lost.Load())
	}
}

// disturb lets everything go wrong for a while.
func disturb(t *testing.T, ensemble *zkserver.Cluster, nets []*netfault.Proxy) {
	var writes atomic.Int64
	for _, net := range nets {
		stop := net.DropReplies(func(opcode wire.Opcode) bool { return opcode.Writes() && writes.Add(1)%20 == 0 })
		defer stop()
	}
	all := func(mode netfault.Mode) {
		for _, net := range nets {
			net.SetMode(mode)
		}
	}
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for round := range 20 {
		<-tick.C
		victim := round % len(nets)
		switch round % 5 {
		case 0, 1:
			nets[victim].Cut()
		case 2:
			nets[victim].SetMode(netfault.Blackhole)
			<-tick.C
			nets[victim].SetMode(netfault.Pass)
		case 3:
			if s, ok := nets[victim].LastSession(); ok { // it may have ended by itself
				zkserver.KillSession(testContext(t), ensemble.Servers[victim].Addr(), s.ID, s.Password)
			}
		case 4:
			nets[victim].SetMode(netfault.Hold)
			<-tick.C
			nets[victim].SetMode(netfault.Pass)
		}
	}
	all(netfault.Blackhole) // until the sessions have expired
	for range 20 {
		<-tick.C
	}
	all(netfault.Pass)
	for _, server := range ensemble.Servers {
		server.Kill()
	}
	for _, server := range ensemble.Servers {
		if err := server.Launch(); err != nil {
			t.Fatal(err)
		}
	}
	for _, server := range ensemble.Servers {
		if err := server.WaitReady(testContext(t)); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		<-tick.C
	}
}

// judge compares outcomes with what the servers have.
func judge(t *testing.T, made []attempt, names []string, count int32) {
	there := map[string]bool{}
	for _, name := range names {
		there[name] = true
	}
	outcomes := map[zk.Outcome]int{}
	for _, a := range made {
		var e *zk.Error
		outcome := zk.Outcome(0)
		if a.err != nil {
			if !errors.As(a.err, &e) {
				t.Errorf("%s: no outcome: %v", a.node, a.err)
				continue
			}
			outcome = e.Outcome
		}
		outcomes[outcome]++
		if done := there[a.node]; outcome == 0 && !done || (outcome == zk.NotSent || outcome == zk.Refused) && done {
			t.Errorf("%s: done: %v, error: %v", a.node, done, a.err)
		}
	}
	if int(count) != len(names) {
		t.Errorf("the counter is at %d, and there are %d nodes", count, len(names))
	}
	t.Logf("%d done, %d refused, %d not sent, %d unknown", outcomes[0], outcomes[zk.Refused], outcomes[zk.NotSent], outcomes[zk.Unknown])
	if outcomes[0] == 0 || outcomes[zk.Unknown] == 0 {
		t.Error("nothing was put to the test")
	}
}

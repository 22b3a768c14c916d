package zk_test

import (
	"context"
	"errors"
	"math"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zk/wire"
)

// TestPings: an idle session is kept alive, with a ping between a sixth and a third of its timeout after the last
// request, and every answer confirms it.
func TestPings(t *testing.T) {
	var pings atomic.Int64
	server := func(p *peer) {
		p.accept()
		last := time.Now()
		for {
			frame, err := wire.ReadFrame(p.in, 1<<20)
			if err != nil {
				return
			}
			d := wire.NewDecoder(frame[wire.HeadSize:])
			p.last.Decode(&d)
			if p.last.Opcode != wire.OpPing {
				p.reply(0)
				return
			}
			if idle := time.Since(last); idle < time.Second || idle > 2*time.Second {
				p.t.Errorf("a ping after %v", idle)
			}
			last = time.Now()
			pings.Add(1)
			p.send(wire.ReplyHeader{Xid: wire.XidPing}.Append(nil))
		}
	}
	bubble(t, server, zk.Config{}, func(t *testing.T, f *fake, client *zk.Client) {
		s := session(t, client)
		begun := time.Now()
		if !s.Confirmed().Equal(begun) {
			t.Errorf("confirmed %v, now %v", s.Confirmed(), begun)
		}
		time.Sleep(time.Minute)
		if n := pings.Load(); n < 30 || n > 60 {
			t.Errorf("%d pings in a minute", n)
		}
		if since := time.Since(s.Confirmed()); since > 2*time.Second {
			t.Errorf("confirmed %v ago", since)
		}
		if n := f.dialled("fake:1"); n != 1 {
			t.Errorf("%d connections", n)
		}
	})
}

// TestServerFallsSilent: it is left after two thirds of the session timeout, calls or none, and what was asked has an
// unknown outcome. Confirmed tells of no time at which nothing was answered.
func TestServerFallsSilent(t *testing.T) {
	server := func(p *peer) {
		p.accept()
		if p.number == 1 {
			p.drain()
			return
		}
		p.serve()
	}
	for _, asks := range []bool{false, true} {
		var left time.Time
		cfg := zk.Config{OnEvent: func(e zk.Event) {
			if e.Kind == zk.Disconnected {
				left = time.Now()
			}
		}}
		bubble(t, server, cfg, func(t *testing.T, _ *fake, client *zk.Client) {
			s := session(t, client)
			begun := time.Now()
			if asks {
				_, err := s.Call(t.Context(), zk.Get{Path: "/a"})
				wantOutcome(t, err, zk.Unknown, zk.ErrDisconnected)
			}
			time.Sleep(5*time.Second - time.Since(begun))
			synctest.Wait()
			if took := left.Sub(begun); took < 3*time.Second || took > 4*time.Second {
				t.Errorf("left after %v", took)
			}
			if s.Confirmed().After(begun) && s.Confirmed().Before(begun.Add(3*time.Second)) {
				t.Errorf("confirmed at %v", s.Confirmed().Sub(begun))
			}
		})
	}
}

// TestServerDoesNotRead: a write has a deadline, and a caller whose request does not get through leaves when its ctx ends.
func TestServerDoesNotRead(t *testing.T) {
	server := func(p *peer) {
		p.accept()
		if p.number == 1 {
			time.Sleep(time.Hour)
			return
		}
		p.serve()
	}
	bubble(t, server, zk.Config{}, func(t *testing.T, f *fake, client *zk.Client) {
		s := session(t, client)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := s.Call(ctx, zk.Set{Path: "/a", Data: make([]byte, 1<<16)}) // it is being written
		wantOutcome(t, err, zk.Unknown, context.DeadlineExceeded)
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = s.Call(ctx, zk.Set{Path: "/a"}) // it waits behind the first
		wantOutcome(t, err, zk.NotSent, context.DeadlineExceeded)
		begun := time.Now()
		_, err = s.Call(t.Context(), zk.Set{Path: "/a"})
		wantRefused(t, err, zk.ErrUnimplemented) // by the next connection
		if took := time.Since(begun); took > 3*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// TestNobodyWritesWhileAnotherWaits: a server that has not answered may not read either, so a caller does not write by
// itself then, and leaves when its ctx ends.
func TestNobodyWritesWhileAnotherWaits(t *testing.T) {
	server := func(p *peer) {
		p.accept()
		p.next()
		time.Sleep(time.Hour)
	}
	bubble(t, server, zk.Config{}, func(t *testing.T, _ *fake, client *zk.Client) {
		s := session(t, client)
		first := ask(t.Context(), s, "/a")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		begun := time.Now()
		_, err := s.Call(ctx, zk.Get{Path: "/b"})
		wantOutcome(t, err, zk.Unknown, context.DeadlineExceeded)
		if took := time.Since(begun); took > time.Second/2 {
			t.Errorf("it took %v", took)
		}
		client.Close()
		wantOutcome(t, <-first, zk.Unknown, zk.ErrDisconnected)
	})
}

// TestCloseIsBounded: whatever a server does, Close returns within two seconds.
func TestCloseIsBounded(t *testing.T) {
	for name, server := range map[string]func(p *peer){
		"HungInHandshake": func(p *peer) { p.drain() },
		"NotReading":      func(p *peer) { p.accept(); time.Sleep(time.Hour) },
		"NotAnswering":    func(p *peer) { p.accept(); p.drain() },
		"HangingUp":       func(p *peer) { p.accept() },
		"Refusing":        func(p *peer) {},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, server, zk.Config{}, func(t *testing.T, f *fake, client *zk.Client) {
				time.Sleep(500 * time.Millisecond)
				begun := time.Now()
				client.Close()
				if took := time.Since(begun); took > 2*time.Second {
					t.Errorf("Close took %v", took)
				}
			})
		})
	}
}

// TestCloseAfterWhatWasSent: requests that were sent are answered before the session ends.
func TestCloseAfterWhatWasSent(t *testing.T) {
	server := func(p *peer) {
		p.accept()
		first, _ := p.next()
		last, _ := p.next()
		if last.Opcode != wire.OpCloseSession {
			p.t.Errorf("%v after the first request", last.Opcode)
		}
		time.Sleep(time.Second)
		p.last = first
		p.reply(0, statBytes()...)
		p.last = last
		p.reply(0)
	}
	bubble(t, server, zk.Config{}, func(t *testing.T, _ *fake, client *zk.Client) {
		s := session(t, client)
		done := make(chan error)
		go func() {
			_, err := s.Call(t.Context(), zk.Set{Path: "/a"})
			done <- err
		}()
		synctest.Wait()
		go client.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestCloseWhileConnecting: a session that is opened just when Close begins is closed.
func TestCloseWhileConnecting(t *testing.T) {
	var closed atomic.Bool
	server := func(p *peer) {
		p.accept()
		if request, _ := p.next(); request.Opcode == wire.OpCloseSession {
			closed.Store(true)
			p.reply(0)
		}
	}
	connecting, goOn := make(chan bool), make(chan bool)
	cfg := zk.Config{OnEvent: func(e zk.Event) {
		if e.Kind == zk.Connected {
			close(connecting)
			<-goOn
		}
	}}
	synctest.Test(t, func(t *testing.T) {
		connecting, goOn = make(chan bool), make(chan bool)
		f := newFake(t, server)
		cfg.Servers, cfg.Dial = zk.Hosts{"fake:1"}, f.dial
		client, err := zk.Connect(cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer f.shut()
		<-connecting
		begun := time.Now()
		done := make(chan bool)
		go func() { client.Close(); close(done) }()
		synctest.Wait() // Close has looked for a session
		close(goOn)
		<-done
		if took := time.Since(begun); took > 0 || !closed.Load() {
			t.Errorf("closed %v after %v", closed.Load(), took)
		}
	})
}

// TestUsedServerComesLast: where a server falls silent, the others are tried before it, so that the session outlasts two
// more that hang.
func TestUsedServerComesLast(t *testing.T) {
	silent := func(p *peer) {
		if p.number == 1 {
			p.accept()
			p.next()
			p.reply(0, statBytes()...)
		}
		p.drain()
	}
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			f := newFake(t, silent)
			var list atomic.Pointer[[]string]
			list.Store(&[]string{"fake:1"})
			client, err := zk.Connect(zk.Config{SessionTimeout: 6 * time.Second, Dial: f.dial,
				Servers: endpoints(func() ([]string, error) { return *list.Load(), nil })})
			if err != nil {
				t.Fatal(err)
			}
			defer f.shut()
			defer client.Close()
			must(t, session(t, client), zk.Set{Path: "/a"})
			f.mu.Lock()
			f.servers["fake:2"] = func(p *peer) { p.drain() }
			f.servers["fake:4"] = f.servers["fake:2"]
			f.servers["fake:3"] = func(p *peer) { p.accept(); p.serve() }
			f.mu.Unlock()
			list.Store(&[]string{"fake:1", "fake:2", "fake:3", "fake:4"})
			time.Sleep(5*time.Second + 501*time.Millisecond) // two thirds of the timeout, a sixth and a twelfth
			synctest.Wait()
			if err := client.Err(); err != nil || f.dialled("fake:1") != 1 {
				t.Errorf("%d connections to the silent server: %v", f.dialled("fake:1"), err)
			}
		})
	}
}

// TestTwoHungServers: two of three cost at most a third of the session timeout.
func TestTwoHungServers(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			f := newFake(t, func(p *peer) { p.drain() })
			f.servers["fake:2"] = f.servers["fake:1"]
			f.servers["fake:3"] = func(p *peer) { p.accept(); p.serve() }
			client, err := zk.Connect(zk.Config{Servers: zk.Hosts{"fake:1", "fake:2", "fake:3"}, SessionTimeout: 6 * time.Second, Dial: f.dial})
			if err != nil {
				t.Fatal(err)
			}
			defer f.shut()
			defer client.Close()
			begun := time.Now()
			session(t, client)
			if took := time.Since(begun); took > 2*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// TestBriefConnections: a server that hangs up after each useful request is come back to at once the first time, and
// then in a pace.
func TestBriefConnections(t *testing.T) {
	server := func(p *peer) {
		p.accept()
		p.next()
		p.reply(0, statBytes()...)
	}
	bubble(t, server, zk.Config{}, func(t *testing.T, f *fake, client *zk.Client) {
		s := session(t, client)
		begun := time.Now()
		for range 2 {
			must(t, s, zk.Set{Path: "/a"})
			synctest.Wait()
		}
		if took := time.Since(begun); took > 0 {
			t.Errorf("it took %v to come back", took)
		}
		for time.Since(begun) < 20*time.Second && f.dialled("fake:1") <= 50 {
			must(t, s, zk.Set{Path: "/a"})
			synctest.Wait()
		}
		if n := f.dialled("fake:1"); n < 12 || n > 50 {
			t.Errorf("%d connections in 20 s", n)
		}
	})
}

// TestPatienceGrows: a server that needs most of the session timeout to answer is reached.
func TestPatienceGrows(t *testing.T) {
	server := func(p *peer) {
		if _, ok := p.asked(); !ok {
			return
		}
		time.Sleep(5 * time.Second)
		p.send(connected(fakeID + int64(p.number)))
		p.serve()
	}
	bubble(t, server, zk.Config{}, func(t *testing.T, f *fake, client *zk.Client) {
		begun := time.Now()
		s := session(t, client)
		if n := f.dialled("fake:1"); s.ID() != fakeID+int64(n) || n != 4 { // 1 s, 2 s, 4 s, 6 s
			t.Errorf("session %#x after %d attempts", s.ID(), n)
		}
		if took := time.Since(begun); took > 15*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// TestSessionsOfAbandonedAttempts: they are closed as soon as the server has opened them.
func TestSessionsOfAbandonedAttempts(t *testing.T) {
	var opened, closed atomic.Int64
	server := func(p *peer) {
		if _, ok := p.asked(); !ok {
			return
		}
		time.Sleep(5 * time.Second)
		opened.Add(1)
		p.send(connected(fakeID + int64(p.number)))
		if request, ok := p.next(); ok && request.Opcode == wire.OpCloseSession {
			closed.Add(1)
			p.reply(0)
		}
	}
	bubble(t, server, zk.Config{}, func(t *testing.T, _ *fake, client *zk.Client) {
		session(t, client)
		time.Sleep(10 * time.Second)
		client.Close()
		if opened.Load() != 4 || closed.Load() != 4 {
			t.Errorf("%d sessions were opened, %d closed", opened.Load(), closed.Load())
		}
	})
}

// TestSlotIsKept: the reply to a request whose caller has left is matched with it, and the next one with the next.
func TestSlotIsKept(t *testing.T) {
	server := func(p *peer) {
		p.accept()
		first, _ := p.next()
		second, _ := p.next()
		time.Sleep(2 * time.Second)
		p.last = first
		p.reply(zk.ErrNoNode)
		p.last = second
		p.reply(zk.ErrBadVersion)
		p.serve()
	}
	bubble(t, server, zk.Config{}, func(t *testing.T, _ *fake, client *zk.Client) {
		s := session(t, client)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := s.Call(ctx, zk.Get{Path: "/a"})
		wantOutcome(t, err, zk.Unknown, context.DeadlineExceeded)
		_, err = s.Call(t.Context(), zk.Set{Path: "/a"})
		wantRefused(t, err, zk.ErrBadVersion)
	})
}

// TestPartOfADo: of requests whose ctx ends, those that were answered are, and the others are unknown.
func TestPartOfADo(t *testing.T) {
	server := func(p *peer) {
		p.accept()
		p.next()
		p.reply(0, statBytes()...)
		p.drain()
	}
	bubble(t, server, zk.Config{}, func(t *testing.T, _ *fake, client *zk.Client) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		replies, err := session(t, client).Do(ctx, zk.Set{Path: "/a"}, zk.Set{Path: "/b"}, zk.Set{Path: "/c"})
		if replies[0].Err != nil || replies[0].Zxid != 100 || err != replies[1].Err {
			t.Errorf("replies %+v", replies)
		}
		for _, reply := range replies[1:] {
			wantOutcome(t, reply.Err, zk.Unknown, context.DeadlineExceeded)
		}
	})
}

// counted counts writes.
type counted struct {
	net.Conn
	writes *atomic.Int64
}

func (c counted) Write(b []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(b)
}

// TestOneWrite: what waits while a write is under way goes out in the next one.
func TestOneWrite(t *testing.T) {
	slow := make(chan struct{})
	server := func(p *peer) {
		p.accept()
		<-slow
		p.serve()
	}
	synctest.Test(t, func(t *testing.T) {
		slow = make(chan struct{})
		f := newFake(t, server)
		var writes atomic.Int64
		client, err := zk.Connect(zk.Config{Servers: zk.Hosts{"fake:1"}, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := f.dial(ctx, network, address)
			return counted{conn, &writes}, err
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer f.shut()
		defer client.Close()
		s := session(t, client)
		const n = 100
		done := make(chan error, n)
		call := func(request zk.Request) {
			_, err := s.Call(t.Context(), request)
			done <- err
		}
		go call(zk.Set{Path: "/a", Data: make([]byte, 1<<13)}) // too much for the caller to write
		synctest.Wait()                                        // the first write is under way
		for range n - 1 {
			go call(zk.Get{Path: "/a"})
		}
		synctest.Wait()
		close(slow)
		for range n {
			wantRefused(t, <-done, zk.ErrUnimplemented)
		}
		if got := writes.Load(); got != 3 { // the request for a session, the first call, and the rest
			t.Errorf("%d writes", got)
		}
	})
}

// TestConfigIsChecked: Connect's error is about its Config only.
func TestConfigIsChecked(t *testing.T) {
	for name, cfg := range map[string]zk.Config{
		"NoServers":       {},
		"EmptyServers":    {Servers: zk.Hosts{}},
		"NegativeTimeout": {Servers: zk.Hosts{"a:1"}, SessionTimeout: -1},
		"EndlessTimeout":  {Servers: zk.Hosts{"a:1"}, SessionTimeout: 597 * time.Hour},
		"NegativeLimit":   {Servers: zk.Hosts{"a:1"}, MaxReply: -1},
		"LimitNoIntHas":   {Servers: zk.Hosts{"a:1"}, MaxRequest: math.MaxInt},
	} {
		if _, err := zk.Connect(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestEndpointsFail: a list that cannot be looked up is why there is no session, and is looked up again.
func TestEndpointsFail(t *testing.T) {
	lookups := 0
	server := func(p *peer) {
		p.accept()
		p.serve()
	}
	list := endpoints(func() ([]string, error) {
		if lookups++; lookups < 5 {
			return nil, errors.New("no such domain")
		}
		return []string{"fake:1"}, nil
	})
	bubble(t, server, zk.Config{Servers: list}, func(t *testing.T, _ *fake, client *zk.Client) {
		synctest.Wait()
		if err := client.Err(); !errors.Is(err, zk.ErrUnreachable) || err.Error() == zk.ErrUnreachable.Error() {
			t.Error(err)
		}
		session(t, client)
		if err := client.Err(); err != nil {
			t.Error(err)
		}
	})
}

type endpoints func() ([]string, error)

func (e endpoints) Endpoints(context.Context) ([]string, error) { return e() }

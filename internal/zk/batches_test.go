package zk_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zk/wire"
)

// ask calls in the background.
func ask(ctx context.Context, s *zk.Session, path string) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := s.Call(ctx, zk.Get{Path: path})
		done <- err
	}()
	return done
}

// holding counts the requests that a server gets and answers as many as it is told to.
type holding struct {
	seen    atomic.Int64
	answers chan int
}

func (h *holding) serve(p *peer) {
	h.answers = make(chan int)
	p.accept()
	requests := make(chan int32, 100)
	go func() {
		defer close(requests)
		for request, ok := p.next(); ok; request, ok = p.next() {
			h.seen.Add(1)
			requests <- request.Xid
		}
	}()
	for n := range h.answers {
		for range n {
			p.send(wire.ReplyHeader{Xid: <-requests, Zxid: 100, Err: int32(zk.ErrNoNode)}.Append(nil))
		}
	}
	for range requests {
	}
}

// want checks how many requests have come.
func (h *holding) want(t *testing.T, n int64, when string) {
	t.Helper()
	synctest.Wait()
	if got := h.seen.Load(); got != n {
		t.Fatalf("%s: the server has %d requests, want %d", when, got, n)
	}
}

// fill has 21 calls in flight: nine that go out at once, five together, and seven together.
func (h *holding) fill(t *testing.T, s *zk.Session) {
	t.Helper()
	for range 21 {
		ask(t.Context(), s, "/held")
		synctest.Wait()
	}
	h.want(t, 21, "in flight")
}

// TestCompany: with many calls in flight a further one waits unsent, until there is company or answers to them make it
// due. One whose ctx ends meanwhile was not sent, and those behind it are.
func TestCompany(t *testing.T) {
	h := &holding{}
	bubble(t, h.serve, zk.Config{}, func(t *testing.T, f *fake, client *zk.Client) {
		s := session(t, client)
		defer close(h.answers)
		h.fill(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		left, stays := ask(ctx, s, "/left"), ask(t.Context(), s, "/stays")
		h.want(t, 21, "two wait")
		cancel()
		wantOutcome(t, <-left, zk.NotSent, context.Canceled)
		h.answers <- 12
		h.want(t, 21, "nine are in flight")
		h.answers <- 1
		h.want(t, 22, "eight are in flight")
		h.answers <- 9
		wantRefused(t, <-stays, zk.ErrNoNode)
		for i := range int64(9) {
			ask(t.Context(), s, "/few")
			h.want(t, 22+i+1, "few are in flight")
		}
		for range 4 {
			ask(t.Context(), s, "/waits")
			h.want(t, 31, "nine are in flight again")
		}
		ask(t.Context(), s, "/company")
		h.want(t, 36, "there is company")
	})
}

// TestCompanyIsOfThisConnection: calls that another connection did not answer keep none waiting.
func TestCompanyIsOfThisConnection(t *testing.T) {
	h := &holding{}
	bubble(t, h.serve, zk.Config{}, func(t *testing.T, f *fake, client *zk.Client) {
		s := session(t, client)
		defer close(h.answers)
		h.fill(t, s)
		waits := ask(t.Context(), s, "/waits")
		h.want(t, 21, "one waits")
		f.replace(func(p *peer) { p.accept(); p.serve() })
		f.cut()
		time.Sleep(3 * time.Second) // longer than the pause between rounds
		synctest.Wait()
		select {
		case err := <-waits:
			wantRefused(t, err, zk.ErrUnimplemented)
		default:
			t.Error("the call waits for those of another connection")
		}
	})
}

// TestCloseSendsNothingMore: a call that waits when Close begins fails at once and is never sent.
func TestCloseSendsNothingMore(t *testing.T) {
	h := &holding{}
	bubble(t, h.serve, zk.Config{}, func(t *testing.T, _ *fake, client *zk.Client) {
		s := session(t, client)
		defer close(h.answers)
		h.fill(t, s)
		waits := ask(t.Context(), s, "/waits")
		h.want(t, 21, "one waits")
		begun := time.Now()
		go client.Close()
		wantOutcome(t, <-waits, zk.NotSent, zk.ErrClosed)
		if took := time.Since(begun); took > 0 {
			t.Errorf("it took %v", took)
		}
		h.want(t, 22, "the request to close the session")
	})
}

// TestBatches: 64 callers, to whom a server answers one after another, cost far fewer writes than calls.
func TestBatches(t *testing.T) {
	const callers, each = 64, 50
	server := func(p *peer) {
		p.accept()
		requests := make(chan int32, 2*callers)
		go func() {
			defer close(requests)
			for request, ok := p.next(); ok; request, ok = p.next() {
				requests <- request.Xid
			}
		}()
		for xid := range requests {
			time.Sleep(time.Microsecond)
			p.send(wire.ReplyHeader{Xid: xid, Zxid: 100, Err: int32(zk.ErrNoNode)}.Append(nil))
		}
	}
	synctest.Test(t, func(t *testing.T) {
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
		begun := time.Now()
		var all sync.WaitGroup
		for range callers {
			all.Go(func() {
				for range each {
					if _, err := s.Call(t.Context(), zk.Get{Path: "/a"}); !errors.Is(err, zk.ErrNoNode) {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if took, least := time.Since(begun), callers*each*time.Microsecond; took > least+least/10 {
			t.Errorf("it took %v: the server had nothing to do for %v", took, took-least)
		}
		if got := writes.Load(); got > callers*each/5 {
			t.Errorf("%d writes for %d calls", got, callers*each)
		}
		t.Logf("%d writes for %d calls", writes.Load(), callers*each)
	})
}

// TestNothingStaysUnsent: calls of several requests, calls that are cancelled and connections that end, at any time, leave
// no call waiting that a server would answer at once.
func TestNothingStaysUnsent(t *testing.T) {
	bubble(t, func(p *peer) { p.accept(); p.serve() }, zk.Config{}, func(t *testing.T, f *fake, client *zk.Client) {
		s := session(t, client)
		var all sync.WaitGroup
		var calls atomic.Int64
		for seed := range uint64(64) {
			all.Go(func() {
				random := rand.New(rand.NewPCG(seed, 1))
				for range 200 {
					ctx, cancel := context.WithCancel(t.Context())
					if random.IntN(4) == 0 {
						go cancel()
					}
					requests := make([]zk.Request, 1+random.IntN(3))
					for i := range requests {
						requests[i] = zk.Get{Path: "/a"}
					}
					begun := time.Now()
					if calls.Add(1)%2000 == 0 {
						f.cut()
					}
					_, err := s.Do(ctx, requests...)
					if took := time.Since(begun); took > 3*time.Second { // a pause between rounds, at most; a ping comes later
						t.Errorf("%v after %v", err, took)
					}
					cancel()
				}
			})
		}
		all.Wait()
		begun := time.Now()
		if _, err := s.Call(t.Context(), zk.Get{Path: "/a"}); !errors.Is(err, zk.ErrUnimplemented) || time.Since(begun) > 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
}

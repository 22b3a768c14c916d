package zk_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/zkstate/zkstate/internal/netfault"
	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zkserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what a test waits for. It decides nothing when things work.
const patience = 30 * time.Second

var open = zk.WorldACL(zk.PermAll)

func testContext(tb testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	tb.Cleanup(cancel)
	return ctx
}

// connect returns a client, which ends with the test, and its session.
func connect(tb testing.TB, cfg zk.Config) (*zk.Client, *zk.Session) {
	tb.Helper()
	client := start(tb, cfg)
	session, err := client.Session(testContext(tb))
	if err != nil {
		tb.Fatal(err)
	}
	return client, session
}

// start does not wait for a session.
func start(tb testing.TB, cfg zk.Config) *zk.Client {
	tb.Helper()
	if cfg.SessionTimeout == 0 {
		cfg.SessionTimeout = 4 * time.Second
	}
	client, err := zk.Connect(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(client.Close)
	return client
}

func must(tb testing.TB, s *zk.Session, request zk.Request) zk.Reply {
	tb.Helper()
	reply, err := s.Call(testContext(tb), request)
	if err != nil {
		tb.Fatal(err)
	}
	return reply
}

// wantRefused fails unless a server refused a request for that reason.
func wantRefused(tb testing.TB, err error, code zk.Code) {
	tb.Helper()
	wantOutcome(tb, err, zk.Refused, code)
	var e *zk.Error
	if errors.As(err, &e) && e.Code != code {
		tb.Errorf("%v: code %d, want %d", err, e.Code, code)
	}
}

func wantOutcome(tb testing.TB, err error, outcome zk.Outcome, cause error) {
	tb.Helper()
	var e *zk.Error
	if !errors.As(err, &e) || e.Outcome != outcome || !errors.Is(err, cause) {
		tb.Errorf("got %v; want %v: %v", err, outcome, cause)
	}
}

// proxied is a server and a faulty network before it.
func proxied(t *testing.T) (*zkserver.Server, *netfault.Proxy) {
	t.Helper()
	server := zkserver.Standalone(t)
	return server, proxy(t, server.Addr())
}

func proxy(t *testing.T, target string) *netfault.Proxy {
	t.Helper()
	p, err := netfault.New(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// events collects what a client tells.
type events struct {
	t    *testing.T
	mu   sync.Mutex // guards told
	told []zk.Event
	more chan struct{}
}

func newEvents(t *testing.T) *events { return &events{t: t, more: make(chan struct{}, 1)} }

func (e *events) add(event zk.Event) {
	e.mu.Lock()
	e.told = append(e.told, event)
	e.mu.Unlock()
	select {
	case e.more <- struct{}{}:
	default:
	}
}

// next waits for the first event that was not taken yet, which must be of that kind.
func (e *events) next(kind zk.EventKind) zk.Event {
	e.t.Helper()
	event := e.take()
	if event.Kind != kind {
		e.t.Fatalf("event %+v, want kind %d", event, kind)
	}
	return event
}

func (e *events) take() zk.Event {
	e.t.Helper()
	timeout := time.After(patience)
	for {
		e.mu.Lock()
		if len(e.told) > 0 {
			event := e.told[0]
			e.told = e.told[1:]
			e.mu.Unlock()
			return event
		}
		e.mu.Unlock()
		select {
		case <-e.more:
		case <-timeout:
			e.t.Fatal("no event")
		}
	}
}

// until waits for the first event of that kind, and skips those before it.
func (e *events) until(kind zk.EventKind) zk.Event {
	e.t.Helper()
	for {
		if event := e.take(); event.Kind == kind {
			return event
		}
	}
}

// none fails if there is an event that was not taken.
func (e *events) none() {
	e.t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.told) > 0 {
		e.t.Errorf("events %+v, want none", e.told)
	}
}

func wantCause(tb testing.TB, err, cause error) {
	tb.Helper()
	if !errors.Is(err, cause) {
		tb.Errorf("got %v, want %v", err, cause)
	}
}

// switchable dials one address whatever is asked for.
type switchable struct {
	to    atomic.Pointer[string]
	mu    sync.Mutex // guards conns
	conns []net.Conn
}

func (s *switchable) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, *s.to.Load())
	if err == nil {
		s.mu.Lock()
		s.conns = append(s.conns, conn)
		s.mu.Unlock()
	}
	return conn, err
}

// cut closes what was dialled.
func (s *switchable) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, conn := range s.conns {
		conn.Close()
	}
}

package zkstore_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zkstate/zkstate/internal/netfault"
	"github.com/zkstate/zkstate/internal/zk/wire"
	"github.com/zkstate/zkstate/internal/zkserver"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/zkstore"
)

// speaker is a server that says one thing to whoever connects, and then nothing.
func speaker(t *testing.T, says []byte) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
			_, _ = conn.Write(says)
		}
	}()
	t.Cleanup(func() { l.Close(); <-ended })
	return l.Addr().String()
}

// TestHungServerInTheList: the client library waits ten receive timeouts for a
// handshake, 26 s here.
func TestHungServerInTheList(t *testing.T) {
	t.Parallel()
	server := zkserver.Standalone(t)
	hung := speaker(t, nil)
	for range 4 {
		s := open(t, "", hung, server.Addr())
		ctx, cancel := context.WithTimeout(t.Context(), session)
		_, err := s.Load(ctx, "/none", store.Version{}, store.Linearizable)
		for errors.Is(err, store.ErrUnavailable) {
			_, err = s.Load(ctx, "/none", store.Version{}, store.Linearizable)
		}
		cancel()
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("with a hung server in the list: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestServerHangsUnderUs stops the server that has the connection. The session must
// outlive that on another server: its listener record is never gone.
func TestServerHangsUnderUs(t *testing.T) {
	t.Parallel()
	ensemble := zkserver.Ensemble(t, 3)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	victim := ensemble.Servers[0]
	if victim == ensemble.Leader() {
		victim = ensemble.Servers[1]
	}
	addrs := []string{victim.Addr()}
	for _, server := range ensemble.Servers {
		if server != victim {
			addrs = append(addrs, server.Addr())
		}
	}
	s := open(t, "", addrs...)
	defer s.Close()
	watcher := open(t, "", addrs[1])
	defer watcher.Close()
	versions, err := s.Commit(ctx, store.Create{Path: "/doc", Data: []byte("0")})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Announce(ctx, "/doc", "me", nil); err != nil {
		t.Fatal(err)
	}
	if err := victim.Pause(); err != nil {
		t.Fatal(err)
	}
	defer victim.Resume()
	for deadline := time.Now().Add(2 * session); time.Now().Before(deadline); {
		rec, err := s.Load(ctx, "/doc", store.Version{}, store.Local)
		if err == nil && rec.Version != versions[0] {
			t.Fatalf("read %v, created %v", rec.Version, versions[0])
		}
		found, err := watcher.Listeners(ctx, "/doc")
		if err == nil && len(found) != 1 {
			t.Fatalf("the session was lost: its record is gone: %v", found)
		}
		time.Sleep(20 * time.Millisecond) // a rate, not a wait: the loop watches for two session timeouts
	}
	if _, err := s.Load(ctx, "/doc", store.Version{}, store.Local); err != nil {
		t.Errorf("after the server hung: %v", err)
	}
}

// TestNonsenseOnTheWire: a garbage length allocated 337 MB, one below 16 panics the
// process.
func TestNonsenseOnTheWire(t *testing.T) {
	server := zkserver.Standalone(t)
	hello := make([]byte, 4+37) // a good handshake
	binary.BigEndian.PutUint32(hello, 37)
	binary.BigEndian.PutUint32(hello[8:], 4000)
	binary.BigEndian.PutUint64(hello[12:], 1)
	binary.BigEndian.PutUint32(hello[20:], 16)
	for name, says := range map[string][]byte{
		"http":           []byte("HTTP/1.1 400 Bad Request\r\n\r\n"),
		"empty packet":   {0, 0, 0, 0},
		"negative":       {0xff, 0xff, 0xff, 0xff},
		"short reply":    append(bytes.Clone(hello), 0, 0, 0, 3, 'a', 'b', 'c'),
		"huge reply":     append(bytes.Clone(hello), 0x7f, 0xff, 0xff, 0xff, 1),
		"half handshake": hello[:20],
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			s := open(t, "", speaker(t, says), server.Addr())
			defer s.Close()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			_, err := s.Load(ctx, "/none", store.Version{}, store.Linearizable)
			for errors.Is(err, store.ErrUnavailable) && ctx.Err() == nil {
				_, err = s.Load(ctx, "/none", store.Version{}, store.Linearizable)
			}
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("beside a server that speaks nonsense: %v", err)
			}
			runtime.ReadMemStats(&after)
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 64<<20 {
				t.Errorf("allocated %d MB", grown>>20)
			}
		})
	}
}

// TestWatchesSurviveReconnects: a change that falls into a reconnect is hinted at,
// and so is the next one, though nobody looks by himself.
func TestWatchesSurviveReconnects(t *testing.T) {
	b := newBed(t)
	b.create("0")
	hints, stop := follow(b.s, "/doc")
	defer stop()
	b.load(store.Local)
	for i := range 5 {
		b.net.Cut()
		b.awaitVersion(hints, b.put(fmt.Sprint("while away ", i)))
		b.awaitVersion(hints, b.put(fmt.Sprint("after return ", i)))
	}
}

// TestLostWatchIsSeenByTheNextLook: when the event itself is lost, only looking
// helps, and looking does.
func TestLostWatchIsSeenByTheNextLook(t *testing.T) {
	b := newBed(t)
	v := b.create("0")
	stop := b.s.Watch("/doc", time.Hour, func() {}).Stop
	defer stop()
	if got := b.load(store.Local).Version; got != v {
		t.Fatalf("%v, want %v", got, v)
	}
	release := b.net.HoldEvents()
	v = b.put("1")
	if rec, err := b.s.Load(b.ctx, "/doc", store.Version{}, store.Linearizable); err != nil || rec.Version != v {
		t.Errorf("%v, %v; want %v", rec.Version, err, v)
	}
	release()
	hints, stopAgain := follow(b.s, "/doc")
	defer stopAgain()
	b.load(store.Local)
	b.awaitVersion(hints, b.put("2"))
}

// TestLostReplyIsUnknown: the commit is applied, its answer is lost. It must not be
// called refused, nor tried again.
func TestLostReplyIsUnknown(t *testing.T) {
	b := newBed(t)
	b.create("0")
	for i := range 5 {
		rec := b.load(store.Linearizable)
		dropped := b.net.DropReply(func(op wire.Opcode) bool { return op == wire.OpMulti })
		_, err := b.s.Commit(b.ctx, store.Put{Path: "/doc", Base: rec.Version, Data: fmt.Append(nil, i)})
		if !errors.Is(err, store.ErrUnknownOutcome) {
			t.Fatalf("lost reply: %v", err)
		}
		select {
		case <-dropped:
		case <-time.After(patience):
			t.Fatal("the network dropped nothing")
		}
		if now := b.load(store.Linearizable); now.Version.Counter() != rec.Version.Counter()+1 || string(now.Data) != fmt.Sprint(i) {
			t.Fatalf("after commit %d with a lost reply: %v %q", i, now.Version, now.Data)
		}
	}
}

// TestSessionLoss: another closes our session. A new one is made, and the listener
// record put back with its latest content.
func TestSessionLoss(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.create("0")
	hints, stop := follow(b.s, "/doc")
	defer stop()
	b.load(store.Local)
	if err := b.s.Announce(b.ctx, "/doc", "me", []byte("0")); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		lost, ok := b.net.LastSession()
		if !ok {
			t.Fatal("no session seen")
		}
		if err := zkserver.KillSession(b.ctx, b.server.Addr(), lost.ID, lost.Password); err != nil {
			t.Fatal(err)
		}
		b.eventually("a new session is made", func() error {
			if now, _ := b.net.LastSession(); now.ID == lost.ID {
				return errors.New("the session is the old one")
			}
			return nil
		})
		b.wantRecord(fmt.Sprint(i))
		b.eventually("announcing works again", func() error {
			return b.s.Announce(b.ctx, "/doc", "me", fmt.Append(nil, i+1))
		})
		b.wantRecord(fmt.Sprint(i + 1))
		b.awaitVersion(hints, b.put(fmt.Sprint("after loss ", i)))
	}
}

// TestContextsEndCalls: the client library knows no contexts and blocks for as long
// as it takes to try every server.
func TestContextsEndCalls(t *testing.T) {
	down, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refusing := down.Addr().String()
	down.Close()
	for name, addr := range map[string]string{"refusing": refusing, "hung": speaker(t, nil), "no such name": "no-such-host.invalid:2181"} {
		t.Run(name, func(t *testing.T) {
			s := open(t, "", addr)
			v := store.NewVersion(1, 1, 0)
			for what, call := range map[string]func(context.Context) error{
				"Load":         func(ctx context.Context) error { _, err := s.Load(ctx, "/a", v, store.Local); return err },
				"Linearizable": func(ctx context.Context) error { _, err := s.Load(ctx, "/a", v, store.Linearizable); return err },
				"Commit": func(ctx context.Context) error {
					_, err := s.Commit(ctx, store.Put{Path: "/a", Base: v})
					return err
				},
				"Announce":  func(ctx context.Context) error { return s.Announce(ctx, "/a", "id", nil) },
				"Listeners": func(ctx context.Context) error { _, err := s.Listeners(ctx, "/a"); return err },
			} {
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				start := time.Now()
				err := call(ctx)
				if took := time.Since(start); took > 5*time.Second {
					t.Errorf("%s took %v", what, took)
				}
				if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, store.ErrUnavailable) {
					t.Errorf("%s: %v", what, err)
				}
				cancel()
			}
			start := time.Now()
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("Close took %v", took)
			}
		})
	}
}

// TestCloseWhileBlackholed: goleak in TestMain sees what stays behind.
func TestCloseWhileBlackholed(t *testing.T) {
	b := newBed(t)
	b.create("0")
	b.load(store.Local)
	if err := b.s.Announce(b.ctx, "/doc", "me", []byte("x")); err != nil {
		t.Fatal(err)
	}
	b.net.SetMode(netfault.Blackhole)
	waiting := make(chan error, 1)
	go func() {
		_, err := b.s.Load(b.ctx, "/doc", store.Version{}, store.Linearizable)
		waiting <- err
	}()
	start := time.Now()
	if err := b.s.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("Close took %v", took)
	}
	if err := <-waiting; !errors.Is(err, store.ErrClosed) {
		t.Errorf("a call under way at Close: %v", err)
	}
}

// TestBadNamesDoNotMatter: the library gives up connecting if one name of the list
// does not resolve.
func TestBadNamesDoNotMatter(t *testing.T) {
	server := zkserver.Standalone(t)
	s := open(t, "", "no-such-host.invalid:2181", server.Addr())
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err := s.Load(ctx, "/none", store.Version{}, store.Local)
	for errors.Is(err, store.ErrUnavailable) && ctx.Err() == nil {
		_, err = s.Load(ctx, "/none", store.Version{}, store.Local)
	}
	if !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
}

// TestOneWatchANode: reading a thousand times by polling with a watch left a
// thousand watchers in the client; the server has one.
func TestOneWatchANode(t *testing.T) {
	b := newBed(t)
	v := b.create("0")
	for range 3 {
		stop := b.s.Watch("/doc", time.Hour, func() {}).Stop
		defer stop()
	}
	for range 200 {
		if _, err := b.s.Load(b.ctx, "/doc", v, store.Local); err != nil {
			t.Fatal(err)
		}
		if _, err := b.s.Load(b.ctx, "/doc", store.Version{}, store.Local); err != nil {
			t.Fatal(err)
		}
	}
	if n := watchCount(t, b.server.Addr()); n != 1 {
		t.Errorf("the server holds %d watches", n)
	}
}

// TestUnwatchedReadsSetNoWatch: only what is followed is watched.
func TestUnwatchedReadsSetNoWatch(t *testing.T) {
	b := newBed(t)
	b.create("0")
	b.load(store.Local)
	stop := b.s.Watch("/doc", time.Hour, func() {}).Stop
	stop()
	b.load(store.Linearizable)
	if n := watchCount(t, b.server.Addr()); n != 0 {
		t.Errorf("the server holds %d watches", n)
	}
}

// watchCount asks a server by its four-letter command.
func watchCount(t *testing.T, addr string) int {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "mntr"); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "zk_watch_count"); ok {
			var n int
			if _, err := fmt.Sscan(value, &n); err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("the server does not say how many watches it holds")
	return 0
}

// TestForeignData: what other tools leave is neither lent out nor removed.
func TestDeleteLeavesForeignNodes(t *testing.T) {
	b := newBed(t)
	v := b.create("0")
	if _, err := b.direct.Commit(b.ctx, store.Create{Path: "/doc/child", Data: []byte("1")}); err != nil {
		t.Fatal(err)
	}
	if err := b.s.Announce(b.ctx, "/doc", "me", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.s.Commit(b.ctx, store.Delete{Path: "/doc", Base: v}); err != nil {
		t.Fatal(err)
	}
	b.wantRecord("x")
	if _, err := b.direct.Load(b.ctx, "/doc/child", store.Version{}, store.Linearizable); err != nil {
		t.Error(err)
	}
}

func TestOpenChecksItsConfig(t *testing.T) {
	for _, servers := range [][]string{nil, {""}, {"host:port"}, {"host:0"}, {"a:b:c"}, {"host:70000"}} {
		if _, err := zkstore.Open(zkstore.Config{Servers: servers}); err == nil {
			t.Errorf("servers %q were accepted", servers)
		}
	}
	if _, err := zkstore.Open(zkstore.Config{Servers: []string{"host"}, Chroot: "relative"}); !errors.Is(err, store.ErrInvalidPath) {
		t.Errorf("chroot: %v", err)
	}
}

// TestStatusFollowsTheNetwork: connected is what was heard, not what the client
// believes.
func TestStatusFollowsTheNetwork(t *testing.T) {
	b := newBed(t)
	b.create("0")
	b.load(store.Local)
	first := b.s.Status()
	if !first.Connected || first.Session == "" {
		t.Fatalf("after a load: %+v", first)
	}
	await := func(connected bool) {
		t.Helper()
		b.eventually(fmt.Sprintf("connected is %v", connected), func() error {
			if status := b.s.Status(); status.Connected != connected {
				return fmt.Errorf("%+v", status)
			}
			return nil
		})
	}
	b.net.SetMode(netfault.Blackhole)
	await(false)
	b.net.SetMode(netfault.Pass)
	await(true)
	b.load(store.Linearizable)
}

// TestBarriersAreShared: many documents that are verified at the same time cost a
// barrier or two, not one each.
func TestBarriersAreShared(t *testing.T) {
	b := newBed(t)
	b.create("0")
	b.load(store.Linearizable)
	const calls = 200
	before := b.net.Requests(wire.OpMulti)
	b.net.SetMode(netfault.Hold) // until all are waiting
	var group sync.WaitGroup
	var begun sync.WaitGroup
	begun.Add(calls)
	for i := range calls {
		group.Go(func() {
			begun.Done()
			_, err := b.s.Load(b.ctx, fmt.Sprint("/other/", i), store.Version{}, store.Linearizable)
			if !errors.Is(err, store.ErrNotFound) {
				t.Error(err)
			}
		})
	}
	begun.Wait()
	b.net.SetMode(netfault.Pass)
	group.Wait()
	if spent := b.net.Requests(wire.OpMulti) - before; spent > calls/4 { // those that came late begin another
		t.Errorf("%d loads cost %d barriers", calls, spent)
	} else {
		t.Logf("%d loads cost %d barriers", calls, spent)
	}
}

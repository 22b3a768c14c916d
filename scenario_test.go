package zkstate_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/netfault"
	"github.com/zkstate/zkstate/internal/zk/wire"
	"github.com/zkstate/zkstate/internal/zkserver"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/zkstore"
)

// The scenarios of this file put a State on a real ZooKeeper through what breaks
// such programs in production, in a short form. Each says what must hold.

// zkBed is one document on a real server, a State that reaches it through a faulty
// network, and a writer that reaches it directly.
type zkBed struct {
	*env
	server string // its address
	net    *netfault.Proxy
	st     *zkstate.State[config]
	writer *zkstate.State[config]
}

func newZKBed(t *testing.T, opts ...zkstate.OpenOption) *zkBed {
	server := zkserver.Standalone(t)
	proxy, err := netfault.New(server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
	t.Cleanup(cancel)
	b := &zkBed{env: &env{T: t, ctx: ctx}, server: server.Addr(), net: proxy}
	b.st = openOn(b.env, zkOn(t, 4*time.Second, proxy.Addr()), opts...)
	b.writer = openOn(b.env, zkOn(t, 4*time.Second, server.Addr()))
	return b
}

func zkOn(t *testing.T, session time.Duration, servers ...string) *zkstore.Store {
	s, err := zkstore.Open(zkstore.Config{Servers: servers, SessionTimeout: session})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (b *zkBed) write(n int) zkstate.Version {
	b.Helper()
	v, err := b.writer.Update(b.ctx, func(c *config) error { c.Interval = n; return nil })
	if err != nil {
		b.Fatal(err)
	}
	return v
}

// TestScenario07OldLeaderResumes: a deposed leader that wakes up still believes that
// it leads. Whoever asks it for a consistent read, after somebody else's commit to
// its successor, must not get the old document. ZooKeeper's sync does not give that.
func TestScenario07OldLeaderResumes(t *testing.T) {
	t.Parallel()
	const session = 10 * time.Second
	ensemble := zkserver.Ensemble(t, 3)
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
	defer cancel()
	e := &env{T: t, ctx: ctx}
	for round := range 3 {
		leader := ensemble.Leader()
		if leader == nil {
			t.Fatal("no leader")
		}
		var others []string
		for _, server := range ensemble.Servers {
			if server != leader {
				others = append(others, server.Addr())
			}
		}
		st := openOn(e, zkOn(t, session, leader.Addr()), zkstate.WithRefresh(time.Hour))
		writer := openOn(e, zkOn(t, session, others...), zkstate.WithRefresh(time.Hour))
		if err := leader.Pause(); err != nil {
			t.Fatal(err)
		}
		assign := func(c *config) error { c.Interval = 1000 + round; return nil }
		_, err := writer.Update(ctx, assign)
		for errors.Is(err, zkstate.ErrUnknownOutcome) { // the connection died with the leader; assigning twice is harmless
			_, err = writer.Update(ctx, assign)
		}
		if err != nil {
			t.Fatal(err)
		}
		type answer struct {
			value config
			err   error
		}
		answers := make(chan answer, 1)
		go func() { // on its way before the old leader wakes up, and after the commit
			value, _, err := st.ReadConsistent(ctx)
			answers <- answer{value, err}
		}()
		if err := leader.Resume(); err != nil {
			t.Fatal(err)
		}
		if got := <-answers; got.err != nil || got.value.Interval != 1000+round {
			t.Errorf("round %d: the old leader's client read %d, %v", round, got.value.Interval, got.err)
		}
		closeState(t, st)
		closeState(t, writer)
	}
}

// TestScenario09LostWatch: the event itself is lost, and then the connection. The
// reconnection alone must bring the news; the refresh is more than an hour away.
func TestScenario09LostWatch(t *testing.T) {
	t.Parallel()
	b := newZKBed(t, zkstate.WithRefresh(time.Hour), zkstate.WithMaxStaleness(4*time.Hour))
	for i := range 5 {
		release := b.net.HoldEvents()
		want := b.write(100 + i)
		b.net.Cut()
		release()
		b.eventually(fmt.Sprintf("round %d converges on %v", i, want), func() bool {
			snap, err := b.st.Snapshot()
			return err == nil && snap.Version == want
		})
	}
}

// TestScenario11Blackhole: whatever Read serves was confirmed within MaxStaleness.
// All that could confirm was sent before the network went dark.
func TestScenario11Blackhole(t *testing.T) {
	t.Parallel()
	const bound = 2 * time.Second
	b := newZKBed(t, zkstate.WithMaxStaleness(bound), zkstate.WithRefresh(200*time.Millisecond))
	b.net.SetMode(netfault.Blackhole)
	dark := time.Now()
	served := time.Duration(0)
	for {
		before := time.Since(dark)
		_, err := b.st.Read()
		if err == nil {
			served = before
			if before > bound {
				t.Fatalf("served %v after the network went dark", before)
			}
		} else if errors.Is(err, zkstate.ErrStale) {
			break
		} else {
			t.Fatal(err)
		}
		if before > patience {
			t.Fatal("Read never fails")
		}
	}
	t.Logf("served for %v, failed after %v", served, time.Since(dark))
	want := b.write(77)
	b.net.SetMode(netfault.Pass)
	b.eventually("Read serves the newest again", func() bool {
		_, err := b.st.Read()
		snap, _ := b.st.Snapshot()
		return err == nil && snap.Version == want
	})
}

// TestScenario12SessionLost: the session dies while the client hears nothing. The
// record is written again, and a commit goes through.
func TestScenario12SessionLost(t *testing.T) {
	t.Parallel()
	b := newZKBed(t, zkstate.WithID("through-the-fault"))
	present := func(want bool) func() bool {
		return func() bool {
			found, err := b.writer.Listeners(b.ctx)
			if err != nil {
				return false
			}
			for _, l := range found {
				if l.ID == "through-the-fault" {
					return want
				}
			}
			return !want
		}
	}
	before := b.st.Health().Session
	b.net.SetMode(netfault.Blackhole)
	b.eventually("the record goes with the session", present(false))
	want := b.write(5)
	b.net.SetMode(netfault.Pass)
	b.eventually("the record is back", present(true))
	if _, err := b.st.Update(b.ctx, bump); err != nil {
		t.Fatal(err)
	}
	if snap, err := b.st.Snapshot(); err != nil || snap.Value.Interval != 6 || snap.Version.Since(want) != 1 {
		t.Errorf("%+v, %v", snap, err)
	}
	if after := b.st.Health().Session; after == before {
		t.Errorf("the session is still %s", after)
	}
}

// TestScenario04LostReplies loses the answer to every 15th commit: each time the State
// finds out that it was applied, and says so.
func TestScenario04LostReplies(t *testing.T) {
	t.Parallel()
	const updates = 120
	b := newZKBed(t)
	var commits atomic.Int64
	stop := b.net.DropReplies(func(op wire.Opcode) bool { return op == wire.OpMulti && commits.Add(1)%15 == 0 })
	for i := range updates {
		if _, err := b.st.Update(b.ctx, bump); err != nil {
			t.Fatalf("update %d: %v", i, err)
		}
	}
	lost := stop()
	got, _, err := b.st.ReadConsistent(b.ctx)
	if err != nil || got.Interval != 1+updates || lost < updates/20 {
		t.Errorf("the counter is %d after %d updates, %d answers lost, %v", got.Interval-1, updates, lost, err)
	}
	t.Logf("%d answers lost, %d updates acknowledged", lost, updates)
}

// TestScenario16Lock: contenders for the lock, half of them through a network that is
// cut again and again. No two functions run at the same time, every commit counts
// once, everybody gets through, and no place is left in the queue.
func TestScenario16Lock(t *testing.T) {
	t.Parallel()
	const contenders, cycles = 8, 15
	b := newZKBed(t)
	var inside, acknowledged atomic.Int64
	var all sync.WaitGroup
	for i := range contenders {
		st := b.st
		if i%2 == 1 {
			st = b.writer
		}
		all.Go(func() {
			for range cycles {
				_, err := st.Update(b.ctx, func(c *config) error {
					if n := inside.Add(1); n != 1 {
						t.Errorf("%d functions run under the lock", n)
					}
					defer inside.Add(-1)
					return bump(c)
				}, zkstate.Exclusive())
				if err != nil {
					t.Error(err)
					return
				}
				acknowledged.Add(1)
			}
		})
	}
	over := make(chan struct{})
	var cutting sync.WaitGroup
	cutting.Go(func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for ticks, seen := 0, int64(-1); ; ticks++ {
			select {
			case <-tick.C:
				if n := acknowledged.Load(); n != seen || ticks%20 == 0 { // a machine that is busy gets further, too
					b.net.Cut()
					seen = n
				}
			case <-over:
				return
			}
		}
	})
	all.Wait()
	close(over)
	cutting.Wait()
	got, _, err := b.writer.ReadConsistent(b.ctx)
	if err != nil || int64(got.Interval-1) != acknowledged.Load() || acknowledged.Load() != contenders*cycles {
		t.Errorf("the counter is %d after %d acknowledgements, %v", got.Interval-1, acknowledged.Load(), err)
	}
	lock, err := zkOn(t, 4*time.Second, b.net.Addr()).Lock(b.ctx, "/app/config", "after")
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Unlock(b.ctx); err != nil || lock.Waited() {
		t.Errorf("after all had left, the lock had to be waited for: %v, %v", lock.Waited(), err)
	}
}

// holdForEver is a process that takes the lock and never gives it back.
func holdForEver(addr string) {
	s, err := zkstore.Open(zkstore.Config{Servers: []string{addr}, SessionTimeout: holderSession})
	if err == nil {
		_, err = s.Lock(context.Background(), "/app/config", "holder")
	}
	fmt.Println("held", err)
	select {}
}

const holderSession = 4 * time.Second

// TestScenario17HolderKilled: a process that has the lock is killed.
func TestScenario17HolderKilled(t *testing.T) {
	t.Parallel()
	b := newZKBed(t)
	holder := exec.CommandContext(b.ctx, os.Args[0])
	holder.Env = append(os.Environ(), "ZKSTATE_TEST_HOLDER="+b.net.Addr())
	said, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	defer holder.Process.Kill()
	if line, err := bufio.NewReader(said).ReadString('\n'); err != nil || line != "held <nil>\n" {
		t.Fatalf("the holder says %q, %v", line, err)
	}
	ctx, cancel := context.WithTimeout(b.ctx, 100*time.Millisecond)
	defer cancel()
	if _, err := b.writer.Update(ctx, bump, zkstate.Exclusive()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the lock is held, and an exclusive update says %v", err)
	}
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	_ = holder.Wait() // it was killed, and says so
	if _, err := b.writer.Update(b.ctx, bump, zkstate.Exclusive()); err != nil {
		t.Fatal(err)
	}
	took := time.Since(killed)
	t.Logf("taken over after %v, with a session timeout of %v", took, holderSession)
	if took > 2*holderSession {
		t.Errorf("taken over after %v", took)
	}
}

// TestScenario18Recreated: the document is deleted and made again, at the version
// number that it had. Every time, an update of the old one is refused, and the State
// follows the new one.
func TestScenario18Recreated(t *testing.T) {
	t.Parallel()
	b := newZKBed(t)
	direct := zkOn(t, 4*time.Second, b.net.Addr())
	for i := range 100 {
		old, err := b.st.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := direct.Commit(b.ctx, store.Delete{Path: "/app/config", Base: old.Version}); err != nil {
			t.Fatal(err)
		}
		made, err := direct.Commit(b.ctx, store.Create{Path: "/app/config", Data: fmt.Appendf(nil, `{"interval":%d}`, i)})
		if err != nil || made[0].Counter() != old.Version.Counter() {
			t.Fatalf("made again at %v after %v, %v", made, old.Version, err)
		}
		if _, err := b.st.Update(b.ctx, bump, zkstate.IfVersion(old.Version)); !errors.Is(err, zkstate.ErrConflict) && !errors.Is(err, zkstate.ErrDeleted) {
			t.Fatalf("round %d: an update of the document that was there before: %v", i, err)
		}
		b.eventually("the State follows the new document", func() bool {
			got, _, err := b.st.ReadConsistent(b.ctx)
			return err == nil && got.Interval == i
		})
	}
}

// TestScenario22OpenAndClose: opened and closed again and again, half of the time
// while the network hangs, nothing stays behind. goleak looks after the run.
func TestScenario22OpenAndClose(t *testing.T) {
	b := newZKBed(t)
	descriptors := func() int {
		open, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			if runtime.GOOS == "linux" {
				t.Fatal(err)
			}
			t.Skip("descriptors cannot be counted here")
		}
		return len(open)
	}
	before := descriptors()
	for i := range 8 {
		s, err := zkstore.Open(zkstore.Config{Servers: []string{b.net.Addr()}, SessionTimeout: 4 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		st, err := zkstate.Open(b.ctx, s, "/app/config", initial())
		if err != nil {
			t.Fatal(err)
		}
		if i%2 == 1 {
			b.net.SetMode(netfault.Blackhole)
		}
		start := time.Now()
		err = st.Close()
		if (err != nil) != (i%2 == 1) {
			t.Errorf("round %d: Close says %v", i, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("round %d: closing took %v", i, took)
		}
		b.net.SetMode(netfault.Pass)
	}
	b.eventually("the descriptors are closed", func() bool { return descriptors() <= before+2 })
}

// TestScenario13NoServerAtStart: all servers refuse, or all hang. With a cache the
// application starts at once; without one Open keeps to its context.
func TestScenario13NoServerAtStart(t *testing.T) {
	t.Parallel()
	b := newZKBed(t)
	file := filepath.Join(t.TempDir(), "cache")
	first, err := zkstate.Open(b.ctx, zkOn(t, 4*time.Second, b.net.Addr()), "/app/config", initial(), zkstate.WithCache(file))
	if err != nil {
		t.Fatal(err)
	}
	closeState(t, first)
	for name, mode := range map[string]netfault.Mode{"refusing": netfault.Refuse, "hung": netfault.Blackhole} {
		b.net.SetMode(mode)
		s := zkOn(t, 4*time.Second, b.net.Addr())
		ctx, cancel := context.WithTimeout(b.ctx, 300*time.Millisecond)
		start := time.Now()
		if _, err := zkstate.Open(ctx, s, "/app/config", initial()); !errors.Is(err, zkstate.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s, without a cache: %v", name, err)
		}
		took := time.Since(start)
		cancel()
		t.Logf("%s: Open gave up %v after its context ended", name, took-300*time.Millisecond)
		if took > 5*time.Second {
			t.Errorf("%s: Open took %v with a context of 300ms", name, took)
		}
		st, err := zkstate.Open(b.ctx, s, "/app/config", initial(), zkstate.WithCache(file))
		if err != nil {
			t.Fatalf("%s, with a cache: %v", name, err)
		}
		if snap, err := st.Snapshot(); err != nil || snap.Value.Interval != 1 || snap.Fresh() {
			t.Errorf("%s: the cached copy is %+v, %v", name, snap, err)
		}
		b.net.SetMode(netfault.Pass)
		b.eventually("the State verifies itself", func() bool { _, err := st.Read(); return err == nil })
		closeState(t, st)
	}
}

// TestScenario14HungServerInTheList: one server of the list accepts and says nothing.
func TestScenario14HungServerInTheList(t *testing.T) {
	t.Parallel()
	const session = 6 * time.Second
	b := newZKBed(t)
	hung, err := netfault.New(b.net.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer hung.Close()
	hung.SetMode(netfault.Blackhole)
	longest := time.Duration(0)
	for range 10 {
		start := time.Now()
		st := openOn(b.env, zkOn(t, session, hung.Addr(), b.net.Addr()), zkstate.Observer())
		longest = max(longest, time.Since(start))
		closeState(t, st)
	}
	t.Logf("the longest of 10 took %v, with a session timeout of %v", longest, session)
	if longest > session {
		t.Errorf("a hung server cost %v", longest)
	}
}

// TestScenario15ReauthenticationFails: the connection breaks just when the client
// shows its credentials to a new one.
func TestScenario15ReauthenticationFails(t *testing.T) {
	t.Parallel()
	const session = 4 * time.Second
	server := zkserver.Standalone(t)
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	e := &env{T: t, ctx: ctx}
	trap := newResetter(t, server.Addr())
	auth := []zkstore.Auth{{Scheme: "digest", Secret: "app:secret"}}
	s, err := zkstore.Open(zkstore.Config{Servers: []string{trap.addr}, SessionTimeout: session, Auth: auth})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	st := openOn(e, s)
	if _, err := zkOn(t, session, server.Addr()).Load(ctx, "/app/config", zkstate.Version{}, store.Linearizable); !errors.Is(err, zkstate.ErrDenied) {
		t.Errorf("without credentials the document is read, %v", err)
	}
	for round := range 10 {
		trap.spring()
		start := time.Now()
		e.eventually("the State is usable", func() bool {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			_, err := st.Update(ctx, bump)
			return err == nil
		})
		if took := time.Since(start); took > session {
			t.Errorf("round %d: usable again after %v", round, took)
		}
	}
}

// resetter forwards connections to a server. Once it was sprung it cuts the present
// one, and resets the next one as soon as its handshake is through.
type resetter struct {
	addr string

	mu     sync.Mutex // guards all below
	armed  bool
	client net.Conn // of the present connection
}

func newResetter(t *testing.T, server string) *resetter {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &resetter{addr: l.Addr().String()}
	var forwarding sync.WaitGroup
	forwarding.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			forwarding.Go(func() { r.forward(client, server) })
		}
	})
	t.Cleanup(func() { l.Close(); r.spring(); forwarding.Wait() })
	return r
}

func (r *resetter) spring() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.armed = true
	if r.client != nil {
		r.client.Close()
	}
}

func (r *resetter) forward(client net.Conn, addr string) {
	defer client.Close()
	server, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer server.Close()
	handshake := func(from, to net.Conn) error {
		var length [4]byte
		if _, err := io.ReadFull(from, length[:]); err != nil {
			return err
		}
		packet := make([]byte, binary.BigEndian.Uint32(length[:]))
		if _, err := io.ReadFull(from, packet); err != nil {
			return err
		}
		_, err := to.Write(append(length[:], packet...))
		return err
	}
	if handshake(client, server) != nil {
		return
	}
	r.mu.Lock()
	trapped := r.armed
	r.armed, r.client = false, client
	r.mu.Unlock()
	if trapped {
		client.(*net.TCPConn).SetLinger(0)
	}
	if handshake(server, client) != nil || trapped {
		return
	}
	var upstream sync.WaitGroup
	upstream.Go(func() { io.Copy(server, client); server.Close() })
	io.Copy(client, server)
	client.Close()
	upstream.Wait()
}

// syncBuffer is a buffer for several goroutines.
type syncBuffer struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// TestScenario19Sizes goes byte by byte across our limit, and across the two sizes at
// which the server drops the connection and the client library panics.
func TestScenario19Sizes(t *testing.T) {
	t.Parallel()
	b := newZKBed(t)
	before := b.net.Accepted()
	s := zkOn(t, 4*time.Second, b.net.Addr())
	versions, err := s.Commit(b.ctx, store.Create{Path: "/sizes", Data: []byte("0")})
	if err != nil {
		t.Fatal(err)
	}
	v := versions[0]
	accepted, refused := 0, 0
	for _, around := range []int{store.MaxCommit - 134, store.MaxCommit, 1_048_575, 1_572_822, 2_000_000} {
		for size := around - 3; size <= around+3; size++ {
			versions, err := s.Commit(b.ctx, store.Put{Path: "/sizes", Base: v, Data: make([]byte, size)})
			switch {
			case err == nil:
				v, accepted = versions[0], accepted+1
			case errors.Is(err, zkstate.ErrTooLarge):
				refused++
			default:
				t.Errorf("%d bytes: %v", size, err)
			}
		}
	}
	if accepted == 0 || refused == 0 {
		t.Errorf("%d sizes were accepted and %d refused: the limit was not crossed", accepted, refused)
	}
	if made := b.net.Accepted() - before; made != 1 {
		t.Errorf("%d connections were made", made)
	}
}

// TestScenario21HostilePayloads: see TestRejectedDocuments for what is asked of each;
// here they come one after another, without a pause and without a good one between.
func TestScenario21HostilePayloads(t *testing.T) {
	t.Parallel()
	b := newZKBed(t)
	direct := raw{b.env, zkOn(t, 4*time.Second, b.net.Addr())}
	for range 3 {
		for doc := range hostile {
			direct.put(doc)
		}
	}
	if _, _, err := b.st.ReadConsistent(b.ctx); !errors.Is(err, zkstate.ErrRejected) {
		t.Errorf("after them all: %v", err)
	}
	if got, err := b.st.Read(); err != nil || got.Interval != 1 {
		t.Errorf("the last good copy is %+v, %v", got, err)
	}
	direct.put(`{"interval":2}`)
	if got, _, err := b.st.ReadConsistent(b.ctx); err != nil || got.Interval != 2 {
		t.Errorf("healed: %+v, %v", got, err)
	}
}

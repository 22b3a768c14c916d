package zkstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/zkstate/zkstate/internal/netfault"
	"github.com/zkstate/zkstate/internal/zkserver"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/storetest"
	"github.com/zkstate/zkstate/store/zkstore"
)

func TestMain(m *testing.M) {
	if addr := os.Getenv("ZKSTATE_TEST_CLIENT"); addr != "" {
		client(addr)
		return
	}
	goleak.VerifyTestMain(zkserver.Main{M: m})
}

// client is a process that announces itself and prints each version it is hinted
// to. It looks by itself only once.
func client(addr string) {
	s, err := zkstore.Open(zkstore.Config{Servers: []string{addr}, SessionTimeout: session})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	ctx := context.Background()
	hints, stop := follow(s, "/doc")
	defer stop()
	for s.Announce(ctx, "/doc", "stopped", []byte("x")) != nil {
	}
	for {
		if rec, err := s.Load(ctx, "/doc", store.Version{}, store.Local); err == nil {
			fmt.Println(rec.Version)
		} else if errors.Is(err, store.ErrUnavailable) {
			continue
		}
		<-hints
	}
}

// patience bounds what a test waits for. It decides nothing when things work.
const patience = 30 * time.Second

// session is the timeout that tests ask for: short, so that losing one is quick.
const session = 4 * time.Second

var chroots atomic.Int64

func TestConformance(t *testing.T) {
	server := zkserver.Standalone(t)
	storetest.Run(t, func(t *testing.T) storetest.Opener {
		chroot := fmt.Sprintf("/conformance/%d", chroots.Add(1))
		return func() store.Store { return open(t, chroot, server.Addr()) }
	})
}

func TestRemovedRecords(t *testing.T) {
	t.Parallel()
	server := zkserver.Standalone(t)
	plain := newPlainClient(t, t.Context(), server.Addr())
	storetest.RunRemoved(t, func() store.Store { return open(t, "", server.Addr()) },
		func(path, id string) { plain.delete(path + "/listeners/" + id) })
}

func TestConformanceOnAnEnsemble(t *testing.T) {
	ensemble := zkserver.Ensemble(t, 3)
	storetest.Run(t, func(t *testing.T) storetest.Opener {
		chroot := fmt.Sprintf("/conformance/%d", chroots.Add(1))
		next := 0
		return func() store.Store { // each handle on another server
			addrs := ensemble.Addrs()
			next++
			return open(t, chroot, addrs[next%len(addrs)])
		}
	})
}

// open does not close: the suite, or closing, does.
func open(t *testing.T, chroot string, servers ...string) *zkstore.Store {
	t.Helper()
	s, err := zkstore.Open(zkstore.Config{Servers: servers, Chroot: chroot, SessionTimeout: session})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// bed is a server, a faulty network before it, a store that goes through that and
// one that does not.
type bed struct {
	*testing.T
	ctx    context.Context
	server *zkserver.Server
	net    *netfault.Proxy
	s      *zkstore.Store
	direct *zkstore.Store
}

func newBed(t *testing.T) *bed {
	server := zkserver.Standalone(t)
	proxy, err := netfault.New(server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	b := &bed{T: t, ctx: ctx, server: server, net: proxy}
	b.s, b.direct = open(t, "", proxy.Addr()), open(t, "", server.Addr())
	t.Cleanup(func() {
		for _, s := range []*zkstore.Store{b.s, b.direct} {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := proxy.Close(); err != nil {
			t.Error(err)
		}
		cancel()
	})
	return b
}

func (b *bed) create(data string) store.Version {
	b.Helper()
	versions, err := b.direct.Commit(b.ctx, store.Create{Path: "/doc", Data: []byte(data)})
	if err != nil {
		b.Fatal(err)
	}
	return versions[0]
}

// put commits by the store that has no faults.
func (b *bed) put(data string) store.Version {
	b.Helper()
	rec, err := b.direct.Load(b.ctx, "/doc", store.Version{}, store.Local)
	if err != nil {
		b.Fatal(err)
	}
	versions, err := b.direct.Commit(b.ctx, store.Put{Path: "/doc", Base: rec.Version, Data: []byte(data)})
	if err != nil {
		b.Fatal(err)
	}
	return versions[0]
}

// load reads by the store with faults, again while it is unavailable.
func (b *bed) load(mode store.Consistency) store.Record {
	b.Helper()
	var rec store.Record
	b.eventually("a load succeeds", func() (err error) {
		rec, err = b.s.Load(b.ctx, "/doc", store.Version{}, mode)
		return err
	})
	return rec
}

func (b *bed) eventually(what string, try func() error) {
	b.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for err := try(); err != nil; err = try() {
		select {
		case <-tick.C:
		case <-deadline:
			b.Fatalf("not within %v: %s: %v", patience, what, err)
		}
	}
}

// awaitVersion takes hints until the store with faults shows want. It never looks
// without a hint.
func (b *bed) awaitVersion(hints <-chan struct{}, want store.Version) {
	b.Helper()
	for {
		select {
		case <-hints:
		case <-time.After(patience):
			b.Fatal("no hint")
		}
		rec, err := b.s.Load(b.ctx, "/doc", store.Version{}, store.Local)
		for ; err != nil; rec, err = b.s.Load(b.ctx, "/doc", store.Version{}, store.Local) {
			if b.ctx.Err() != nil {
				b.Fatal(err)
			}
		}
		if rec.Version == want {
			return
		}
	}
}

func (b *bed) wantRecord(want string) {
	b.Helper()
	b.eventually("the listener record is "+want, func() error {
		found, err := b.direct.Listeners(b.ctx, "/doc")
		if err != nil {
			return err
		}
		if len(found) != 1 || string(found[0].Data) != want {
			return fmt.Errorf("the records are %v", found)
		}
		return nil
	})
}

// follow watches a document; no round and no sample comes in between.
func follow(s *zkstore.Store, path string) (hints <-chan struct{}, stop func()) {
	w := storetest.NewWatch(s, path, time.Hour)
	return w.Hints, w.Stop
}

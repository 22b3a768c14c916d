// Package scenario has a real ZooKeeper, a faulty network, and States that meet everything
// that is counted or traced. What shows figures is tested with it.
package scenario

import (
	"context"
	"testing"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/netfault"
	"github.com/zkstate/zkstate/internal/zkserver"
	"github.com/zkstate/zkstate/metrics"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/zkstore"
)

// Path is the document's.
const Path = "/app/config"

// Secret is a value of the document, which no figure may show.
const Secret = "xyzzy-4711"

// patience bounds what is waited for. It decides nothing when things work.
const patience = 30 * time.Second

// Config is the document.
type Config struct {
	Name string `json:"name"`
	N    int    `json:"n"`
}

// bed is one run.
type bed struct {
	testing.TB
	ctx    context.Context
	server *zkserver.Server
	net    *netfault.Proxy
	opts   []zkstate.OpenOption

	handle *zkstore.Store // its connection is faulty
	st     *zkstate.State[Config]
	direct *zkstore.Store // another instance's
	other  *zkstate.State[Config]
	set    *metrics.Set
}

// Run puts a State that has these options through everything, and returns a Set of it and
// its handle, which stay open until the test ends.
func Run(t testing.TB, opts ...zkstate.OpenOption) *metrics.Set {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	t.Cleanup(cancel)
	b := &bed{TB: t, ctx: ctx, server: zkserver.Standalone(t), opts: opts, set: metrics.NewSet("main")}
	var err error
	if b.net, err = netfault.New(b.server.Addr()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.net.Close() })
	b.handle, b.direct = b.open(b.net.Addr()), b.open(b.server.Addr())
	b.st = attach(b, b.handle, append(opts, zkstate.WithHistory(20), zkstate.WithRefresh(200*time.Millisecond))...)
	b.other = attach(b, b.direct)
	b.set.AddStore(b.handle)
	b.set.Add(b.st)
	b.results()
	b.conflict()
	b.lock()
	b.answers()
	b.subscribe()
	b.waiters()
	b.watch()
	b.session()
	b.credentials()
	b.reject()
	return b.set
}

func (b *bed) open(addr string) *zkstore.Store {
	s, err := zkstore.Open(zkstore.Config{Servers: []string{addr}, SessionTimeout: 4 * time.Second})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return s
}

func attach(b *bed, s store.Store, opts ...zkstate.OpenOption) *zkstate.State[Config] {
	b.Helper()
	st, err := zkstate.Open(b.ctx, s, Path, Config{Name: Secret}, opts...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = st.Close() })
	return st
}

// eventually does something again and again until ok.
func (b *bed) eventually(what string, ok func() bool) {
	b.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-b.ctx.Done():
			b.Fatalf("it did not come about: %s: %+v, %+v", what, b.st.Stats(), b.handle.Stats())
		}
	}
}

// update is one that has to succeed.
func (b *bed) update(st *zkstate.State[Config], opts ...zkstate.UpdateOption) zkstate.Version {
	b.Helper()
	version, err := st.Update(b.ctx, bump, opts...)
	if err != nil {
		b.Fatal(err)
	}
	return version
}

func bump(c *Config) error {
	c.N++
	return nil
}

// counted reports whether an update has ended so.
func (b *bed) counted(result zkstate.UpdateResult) bool { return b.st.Stats().Updates[result] > 0 }

// resolved reports whether that became of a commit whose answer was lost.
func (b *bed) resolved(r store.Resolution) bool { return b.handle.Stats().Resolved[r] > 0 }

package scenario

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/netfault"
	"github.com/zkstate/zkstate/internal/zk/wire"
	"github.com/zkstate/zkstate/internal/zkserver"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/zkstore"
)

// results has updates end in the ways that need no fault.
func (b *bed) results() {
	first := b.update(b.st)
	b.update(b.st)
	_, _ = b.st.Update(b.ctx, func(*Config) error { return nil })
	_, _ = b.st.Update(b.ctx, func(*Config) error { return errors.New("not with " + Secret) })
	_, _ = b.st.Update(b.ctx, bump, zkstate.IfVersion(first))
	_, _ = b.st.Update(b.ctx, func(c *Config) error { c.Name = string(make([]byte, store.MaxCommit)); return nil })
	if _, err := b.st.Rollback(b.ctx, first); err != nil {
		b.Fatal(err)
	}
	ended, cancel := context.WithCancel(b.ctx)
	cancel()
	_, _ = b.st.Update(ended, bump)
	if err := b.st.Delete(b.ctx); err != nil {
		b.Fatal(err)
	}
	b.other = attach(b, b.direct) // creates it again
	b.eventually("the document is there again", func() bool { return b.st.Stats().Condition == zkstate.ConditionGood })
}

// conflict has another instance commit first. From then on the State waits for turns.
func (b *bed) conflict() {
	first := true
	_, err := b.st.Update(b.ctx, func(c *Config) error {
		if first {
			first = false
			b.update(b.other)
		}
		return bump(c)
	})
	if err != nil {
		b.Fatal(err)
	}
	b.update(b.st)
}

// lock has an exclusive update end while somebody else has the lock.
func (b *bed) lock() {
	lock, err := b.direct.Lock(b.ctx, Path, "holder")
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.ctx)
	defer cancel()
	told := make(chan error, 1)
	go func() {
		_, err := b.st.Update(ctx, bump, zkstate.Exclusive())
		told <- err
	}()
	b.eventually("the State waits for the lock, and knows of whom", func() bool {
		queue, err := b.direct.Queue(b.ctx, Path)
		return err == nil && len(queue) == 2 && b.st.Stats().LockWaiting > patience/100
	})
	cancel()
	<-told
	if err := lock.Unlock(b.ctx); err != nil {
		b.Fatal(err)
	}
}

// answers loses the answers to commits: of one that is applied, of one that is not, and of
// one of which nobody can tell.
func (b *bed) answers() {
	b.eventually("a commit is found to be applied", func() bool {
		b.spoil(b.ctx, func() bool { return true })
		return b.resolved(store.ResolvedApplied)
	})
	b.eventually("a commit is found not to be applied", func() bool {
		b.spoil(b.ctx, func() bool { b.net.Cut(); return false })
		return b.resolved(store.ResolvedNotApplied)
	})
	b.eventually("the outcome of a commit is unknown", func() bool {
		ctx, cancel := context.WithCancel(b.ctx)
		b.spoil(ctx, func() bool { b.net.SetMode(netfault.Blackhole); cancel(); return false })
		cancel()
		b.net.SetMode(netfault.Pass)
		return b.counted(zkstate.UpdateUnknown)
	})
	b.update(b.st)
}

// spoil makes an update, and calls fault when its commit is on its way, which says whether
// the answer to it is to be lost. Now and then it is the commit of a round instead.
func (b *bed) spoil(ctx context.Context, fault func() (lose bool)) {
	var armed atomic.Bool
	stop := b.net.DropReplies(func(op wire.Opcode) bool {
		return op == wire.OpMulti && armed.CompareAndSwap(true, false) && fault()
	})
	defer stop()
	var first sync.Once // it runs again if it was not applied
	_, err := b.st.Update(ctx, func(c *Config) error {
		first.Do(func() { armed.Store(true) })
		return bump(c)
	})
	if err != nil && ctx.Err() == nil {
		b.Fatal(err)
	}
}

// subscribe takes changes of which one is folded.
func (b *bed) subscribe() {
	sets := b.st.Changes(b.ctx)
	b.update(b.other)
	last := b.update(b.other)
	b.eventually("the State has the last version", func() bool { return b.st.Stats().Version == last })
	for range sets {
		return
	}
}

// waiters waits for a listener that applies nothing.
func (b *bed) waiters() {
	if err := b.direct.Announce(b.ctx, Path, "silent", []byte(`{"status":"applied","applied":"-"}`)); err != nil {
		b.Fatal(err)
	}
	_, err := b.st.Update(b.ctx, bump, zkstate.WaitAll(), zkstate.WaitTimeout(patience/300))
	if !errors.Is(err, zkstate.ErrNotApplied) {
		b.Fatalf("a listener that applies nothing: %v", err)
	}
	taken := attach(b, b.handle, zkstate.WithID("silent")) // its record cannot be written
	b.set.Add(taken)
	_ = taken.Close() // what it counted stays
}

// watch loses a watch's event.
func (b *bed) watch() {
	b.eventually("a lost watch is found", func() bool {
		release := b.net.HoldEvents()
		defer release()
		last := b.update(b.other)
		b.eventually("the State has the last version", func() bool { return b.st.Stats().Version == last })
		return b.handle.Stats().LostWatches > 0
	})
}

// session loses the session while everything waits for an answer.
func (b *bed) session() {
	b.eventually("a session, a round and a look are lost", func() bool {
		b.net.SetMode(netfault.Blackhole)
		session, ok := b.net.LastSession()
		if ok {
			_ = zkserver.KillSession(b.ctx, b.server.Addr(), session.ID, session.Password)
		}
		b.net.SetMode(netfault.Pass)
		lost := b.handle.Stats().SessionsLost
		b.eventually("the State is good again", func() bool {
			return b.handle.Stats().SessionsLost > 0 && b.handle.Status().Connected && b.st.Stats().Condition == zkstate.ConditionGood
		})
		return lost > 0 && b.handle.Stats().RoundFailures > 0 && b.st.Stats().LookFailures > 0
	})
}

// credentials are shown to a server that knows none.
func (b *bed) credentials() {
	stranger, err := zkstore.Open(zkstore.Config{Servers: []string{b.server.Addr()}, SASL: zkstore.DigestMD5("nobody", Secret)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = stranger.Close() })
	b.set.AddStore(stranger)
	b.eventually("the credentials are refused", func() bool { return stranger.Stats().AuthFailures > 0 })
}

// reject writes a document that is none, and leaves it there.
func (b *bed) reject() {
	rec, err := b.direct.Load(b.ctx, Path, store.Version{}, store.Linearizable)
	if err == nil {
		_, err = b.direct.Commit(b.ctx, store.Put{Path: Path, Base: rec.Version, Data: []byte(`{"name":"` + Secret)},
			store.Append{Path: Path, Data: []byte("{}")})
	}
	if err != nil {
		b.Fatal(err)
	}
	b.eventually("the document is rejected", func() bool { return b.st.Stats().Condition == zkstate.ConditionRejected })
	_, _ = b.st.Update(b.ctx, bump)
}

package zkstore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkstate/zkstate/internal/netfault"
	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zk/wire"
	"github.com/zkstate/zkstate/internal/zkserver"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/zkstore"
)

// lockBed is a store behind a faulty network, one that is not, and a plain client.
type lockBed struct {
	*testing.T
	ctx    context.Context
	server *zkserver.Server
	net    *netfault.Proxy
	faulty *zkstore.Store
	direct *zkstore.Store
	plain  *plainClient
}

func newLockBed(t *testing.T) *lockBed {
	t.Parallel()
	b := &lockBed{T: t, server: zkserver.Reused(t, removeAll)}
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	t.Cleanup(cancel)
	b.ctx = ctx
	var err error
	if b.net, err = netfault.New(b.server.Addr()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.net.Close() })
	b.faulty, b.direct = open(t, "", b.net.Addr()), open(t, "", b.server.Addr())
	t.Cleanup(func() { b.faulty.Close(); b.direct.Close() })
	b.plain = newPlainClient(t, ctx, b.server.Addr())
	if _, err := b.direct.Commit(ctx, store.Create{Path: "/doc", Data: []byte("0")}); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *lockBed) lock(s *zkstore.Store, id string) store.Lock {
	b.Helper()
	lock, err := s.Lock(b.ctx, "/doc", id)
	if err != nil {
		b.Fatal(err)
	}
	return lock
}

// queue is what is in the queue's folder.
func (b *lockBed) queue() []string {
	b.Helper()
	reply, err := b.plain.try(zk.Children{Path: "/doc/write_lock"})
	if err != nil && !errors.Is(err, zk.ErrNoNode) {
		b.Fatal(err)
	}
	return reply.Children
}

// await waits until ok.
func (b *lockBed) await(what string, ok func() bool) {
	b.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(patience); !ok(); {
		select {
		case <-tick.C:
		case <-deadline:
			b.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// killSession ends the faulty store's session.
func (b *lockBed) killSession() {
	b.Helper()
	granted, ok := b.net.LastSession()
	if !ok {
		b.Fatal("no session was seen")
	}
	err := zkserver.KillSession(b.ctx, b.server.Addr(), granted.ID, granted.Password)
	if err != nil && !errors.Is(err, zkserver.ErrNoSession) { // it may have ended by itself
		b.Error(err)
	}
}

func (b *lockBed) load() store.Record {
	b.Helper()
	rec, err := b.direct.Load(b.ctx, "/doc", store.Version{}, store.Linearizable)
	if err != nil {
		b.Fatal(err)
	}
	return rec
}

// TestLockQueuesWithTheRustCrate: its latches and ours are one queue, in the order
// of their sequence numbers, whatever the names begin with; other names are no
// places.
func TestLockQueuesWithTheRustCrate(t *testing.T) {
	b := newLockBed(t)
	b.plain.create("/doc/write_lock", "", zk.Persistent)
	latch := func() string {
		t.Helper()
		return b.plain.create("/doc/write_lock/latch-ffffffff-77aa-4d0e-9c55-0b5f1c3e0000-", "", zk.EphemeralSequential)
	}
	b.plain.create("/doc/write_lock/a-note", "not a place", zk.Persistent)
	first := latch()
	held := make(chan store.Lock, 1)
	go func() {
		lock, err := b.direct.Lock(b.ctx, "/doc", "aaa")
		if err != nil {
			t.Error(err)
		}
		held <- lock
	}()
	b.await("ours is in the queue", func() bool { return len(b.queue()) == 3 })
	last := latch()
	select {
	case <-held:
		t.Fatal("the lock was had before the crate's latch went")
	default:
	}
	b.plain.delete(first)
	lock := <-held
	names := b.queue()
	slices.Sort(names)
	if want := []string{"a-note", "latch-aaa-0000000002", last[len("/doc/write_lock/"):]}; !slices.Equal(names, want) {
		t.Errorf("the queue is %v, want %v", names, want)
	}
	if err := lock.Unlock(b.ctx); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.ctx, 50*time.Millisecond)
	defer cancel()
	if _, err := b.direct.Lock(ctx, "/doc", "aaa"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the crate's latch is the first, and Lock says %v", err)
	}
	b.await("the place of who gave up is gone", func() bool { return len(b.queue()) == 2 })
}

// TestLockLeavesNoOrphan loses the answer to the creation of a place: it may exist,
// and nobody knows its name. An orphan would lock everybody out.
func TestLockLeavesNoOrphan(t *testing.T) {
	b := newLockBed(t)
	create := func(op wire.Opcode) bool { return op == wire.OpCreate || op == wire.OpCreate2 }
	if err := b.lock(b.faulty, "warm").Unlock(b.ctx); err != nil { // the folder is there
		t.Fatal(err)
	}
	for i := range 5 {
		dropped := b.net.DropReply(create)
		lock := b.lock(b.faulty, "me")
		<-dropped
		if got := b.queue(); len(got) != 1 {
			t.Fatalf("round %d: the queue is %v", i, got)
		}
		if err := lock.Unlock(b.ctx); err != nil {
			t.Fatal(err)
		}
		if got := b.queue(); len(got) != 0 {
			t.Fatalf("round %d: %v was left behind", i, got)
		}
	}
	for i := range 5 { // the caller leaves while the answer is being lost
		ctx, cancel := context.WithCancel(b.ctx)
		dropped := b.net.DropReply(create)
		left := make(chan error, 1)
		go func() {
			lock, err := b.faulty.Lock(ctx, "/doc", "me")
			if err == nil {
				err = lock.Unlock(b.ctx)
			}
			left <- err
		}()
		<-dropped
		cancel()
		if err := <-left; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("round %d: %v", i, err)
		}
		b.await("nothing is left behind", func() bool { return len(b.queue()) == 0 })
	}
}

// TestLockLostWithTheSession: the holder is told, and commits nothing.
func TestLockLostWithTheSession(t *testing.T) {
	b := newLockBed(t)
	lock := b.lock(b.faulty, "me")
	lost := lock.Lost()
	b.killSession()
	next := b.lock(b.direct, "next")
	select {
	case <-lost:
	case <-time.After(patience):
		t.Fatal("the session was killed, and the holder is not told")
	}
	v := b.load().Version
	for _, op := range []store.Op{store.Hold{Lock: lock}, store.Release{Lock: lock}} {
		_, err := b.faulty.Commit(b.ctx, store.Put{Path: "/doc", Base: v, Data: []byte("under a lost lock")}, op)
		for errors.Is(err, store.ErrUnavailable) {
			_, err = b.faulty.Commit(b.ctx, store.Put{Path: "/doc", Base: v, Data: []byte("under a lost lock")}, op)
		}
		if !errors.Is(err, store.ErrLockLost) {
			t.Errorf("%T: %v", op, err)
		}
	}
	if _, err := b.direct.Commit(b.ctx, store.Put{Path: "/doc", Base: v, Data: []byte("1")}, store.Release{Lock: next}); err != nil {
		t.Error(err)
	}
	if err := lock.Unlock(b.ctx); err != nil {
		t.Error(err)
	}
	if err := b.lock(b.faulty, "me").Unlock(b.ctx); err != nil {
		t.Error(err)
	}
}

// TestLockLostInSilence: a holder that hears nothing is told before anybody else can
// have the lock.
func TestLockLostInSilence(t *testing.T) {
	b := newLockBed(t)
	lock := b.lock(b.faulty, "me")
	lost := lock.Lost()
	next := make(chan error, 1)
	go func() {
		_, err := b.direct.Lock(b.ctx, "/doc", "next")
		next <- err
	}()
	b.await("the next one waits", func() bool { return len(b.queue()) == 2 })
	b.net.SetMode(netfault.Blackhole)
	select {
	case err := <-next:
		t.Fatalf("the lock was given on before its holder was told, %v", err)
	case <-lost:
	}
	if err := <-next; err != nil {
		t.Fatal(err)
	}
	b.net.SetMode(netfault.Pass)
}

// TestLockGivenToWhoLeaves: the lock comes free while who waits for it leaves. Whoever
// of them is first, no place is left behind.
func TestLockGivenToWhoLeaves(t *testing.T) {
	b := newLockBed(t)
	got := 0
	const rounds = 200
	for i := range rounds {
		holder := b.lock(b.direct, "holder")
		ctx, cancel := context.WithCancel(b.ctx)
		var both sync.WaitGroup
		both.Go(func() {
			if lock, err := b.faulty.Lock(ctx, "/doc", "waiter"); err == nil {
				got++
				if err := lock.Unlock(b.ctx); err != nil {
					t.Error(err)
				}
			} else if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
		b.await("somebody waits", func() bool { return len(b.queue()) == 2 })
		if err := holder.Unlock(b.ctx); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Duration(i) * 4 * time.Microsecond) // from before to after the news of it
		cancel()
		both.Wait()
		b.await("the queue is empty", func() bool { return len(b.queue()) == 0 })
	}
	if got == 0 || got == rounds {
		t.Logf("got it %d times of %d: the two never met", got, rounds)
	}
}

// TestLockRemovedByHand: an operator deletes the holder's place.
func TestLockRemovedByHand(t *testing.T) {
	b := newLockBed(t)
	lock := b.lock(b.direct, "me")
	lost := lock.Lost()
	b.await("the place is shown", func() bool { return len(b.queue()) == 1 })
	b.plain.delete("/doc/write_lock/" + b.queue()[0])
	select {
	case <-lost:
	case <-time.After(patience):
		t.Fatal("the holder is not told")
	}
	_, err := b.direct.Commit(b.ctx, store.Put{Path: "/doc", Base: b.load().Version, Data: []byte("x")}, store.Hold{Lock: lock})
	if !errors.Is(err, store.ErrLockLost) {
		t.Errorf("a commit under it: %v", err)
	}
}

// commitSigned puts data with a receipt, through the faulty network.
func (b *lockBed) commitSigned(base store.Version, data string) (store.Version, error) {
	versions, err := b.faulty.Commit(b.ctx,
		store.Put{Path: "/doc", Base: base, Data: []byte(data)},
		store.Receipt{Path: "/doc", ID: "me", Data: []byte("receipt of " + data)})
	if err != nil {
		return store.Version{}, err
	}
	return versions[0], nil
}

// watch has the faulty store look at the document, and know from then on that it does
// not change.
func (b *lockBed) watch() {
	b.Helper()
	stop := b.faulty.Watch("/doc", time.Hour, func() {}).Stop
	b.Cleanup(stop)
	if _, err := b.faulty.Load(b.ctx, "/doc", store.Version{}, store.Local); err != nil {
		b.Fatal(err)
	}
}

// recordVersion is the data version of the listener record that commitSigned's
// receipts go to, and are fenced by.
func (b *lockBed) recordVersion() int32 {
	b.Helper()
	return b.plain.call(zk.Exists{Path: "/doc/listeners/me"}).Stat.Version
}

// TestReceiptFindsOut: the answer to a commit is lost, and it is found out that it
// was applied, and as which version.
func TestReceiptFindsOut(t *testing.T) {
	b := newLockBed(t)
	v := b.load().Version
	for i := range 10 {
		dropped := b.net.DropReply(func(op wire.Opcode) bool { return op == wire.OpMulti })
		data := fmt.Sprint("round ", i)
		made, err := b.commitSigned(v, data)
		if err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
		<-dropped
		if rec := b.load(); rec.Version != made || string(rec.Data) != data {
			t.Fatalf("round %d: stored is %v %q, the commit said %v", i, rec.Version, rec.Data, made)
		}
		v = made
	}
	dropped := b.net.DropReply(func(op wire.Opcode) bool { return op == wire.OpMulti })
	versions, err := b.faulty.Commit(b.ctx, store.Create{Path: "/made", Data: []byte("1")}, store.Receipt{Path: "/made", ID: "me", Data: []byte("receipt")})
	if err != nil {
		t.Fatal(err)
	}
	<-dropped
	if rec, err := b.direct.Load(b.ctx, "/made", store.Version{}, store.Linearizable); err != nil || rec.Version != versions[0] {
		t.Errorf("stored is %v, the commit said %v; %v", rec.Version, versions, err)
	}
}

// TestReceiptOfALostRevocation: the request is lost, and so is the answer to the write that
// makes it fail for good. The commit is not applied, whether or not there was a record
// before, and that is what is said.
func TestReceiptOfALostRevocation(t *testing.T) {
	b := newLockBed(t)
	b.watch()
	for _, name := range []string{"no record", "a record"} {
		v := b.load().Version
		b.watch()
		var cut atomic.Bool
		stop := b.net.DropReplies(func(op wire.Opcode) bool {
			if op == wire.OpMulti && cut.CompareAndSwap(false, true) {
				b.net.Cut() // before it is forwarded
			}
			return false
		})
		revocation := b.net.DropReply(func(op wire.Opcode) bool { return op == wire.OpSetData })
		_, err := b.commitSigned(v, "lost")
		stop()
		<-revocation
		if rec := b.load(); rec.Version != v || !errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrUnknownOutcome) {
			t.Errorf("%s: stored is %q, the commit says %v", name, rec.Data, err)
		}
		if _, err := b.commitSigned(v, "next"); err != nil {
			t.Errorf("%s: the next commit: %v", name, err)
		}
	}
}

// TestReceiptOfARelease: the answer to a commit that gives the lock up is lost. Once
// it is found out that it was applied, the lock is known to be given up too.
func TestReceiptOfARelease(t *testing.T) {
	b := newLockBed(t)
	v := b.load().Version
	lock := b.lock(b.faulty, "me")
	dropped := b.net.DropReply(func(op wire.Opcode) bool { return op == wire.OpMulti })
	_, err := b.faulty.Commit(b.ctx,
		store.Put{Path: "/doc", Base: v, Data: []byte("1")}, store.Receipt{Path: "/doc", ID: "me", Data: []byte("receipt")}, store.Release{Lock: lock})
	if err != nil {
		t.Fatal(err)
	}
	<-dropped
	again := b.lock(b.faulty, "me")
	if err := lock.Unlock(b.ctx); err != nil {
		t.Errorf("unlock what is given up: %v", err)
	}
	if n := len(b.queue()); n != 1 {
		t.Errorf("%d places in the queue", n)
	}
	if err := again.Unlock(b.ctx); err != nil {
		t.Error(err)
	}
}

// TestReceiptIsNoOneElses: the request is lost on its way, and then somebody writes
// the record: that is no receipt. As long as the record is another's, nothing is said
// about the commit that cannot be known.
func TestReceiptIsNoOneElses(t *testing.T) {
	b := newLockBed(t)
	b.watch()
	v, err := b.commitSigned(b.load().Version, "before")
	if err != nil {
		t.Fatal(err)
	}
	b.watch()
	b.net.SetMode(netfault.Blackhole)
	answer := make(chan error, 1)
	go func() {
		_, err := b.commitSigned(v, "lost")
		answer <- err
	}()
	time.Sleep(50 * time.Millisecond) // it goes into the dark
	b.plain.set("/doc/listeners/me", "scribble")
	b.net.Cut()
	b.net.SetMode(netfault.Pass)
	err = <-answer
	if moved := b.load().Version != v; moved != (err == nil) {
		t.Errorf("moved: %v; the commit says %v", moved, err)
	}
	if _, err := b.commitSigned(b.load().Version, "after"); err != nil {
		t.Errorf("the next commit: %v", err)
	}
}

// TestReceiptIsAFence: a record that moved refuses the commit. It is made sure of, and
// the commit goes out once more.
func TestReceiptIsAFence(t *testing.T) {
	b := newLockBed(t)
	v, err := b.commitSigned(b.load().Version, "before")
	if err != nil {
		t.Fatal(err)
	}
	scribbled := b.plain.set("/doc/listeners/me", "scribble")
	made, err := b.commitSigned(v, "after")
	if rec := b.load(); err != nil || rec.Version != made || made.Since(v) != 1 {
		t.Errorf("on top of %v, %v was made, and stored is %v: %v", v, made, rec.Version, err)
	}
	if writes := b.recordVersion() - scribbled.Version; writes != 2 {
		t.Errorf("the record was written %d times since: to put it right, and with the commit, is twice", writes)
	}
}

// TestCommitOnARecreation: the document was deleted and made again, up to the same
// version number, and the news of that was lost. The commit hits the new one, and
// does not pass that off as what was asked for.
func TestCommitOnARecreation(t *testing.T) {
	b := newLockBed(t)
	b.watch()
	rec := b.load()
	defer b.net.HoldEvents()()
	b.plain.delete("/doc/payload")
	b.plain.create("/doc/payload", "new", zk.Persistent)
	time.Sleep(2 * time.Millisecond) // what was seen longer ago than a look takes is trusted only where a watch is set
	_, err := b.commitSigned(rec.Version, "mine")
	switch found := b.load(); {
	case string(found.Data) == "mine" && !errors.Is(err, store.ErrUnknownOutcome):
		t.Errorf("the new document was replaced: %v", err)
	case string(found.Data) != "mine":
		t.Errorf("stored is %q: %v: the look was not saved, so this test has shown nothing", found.Data, err)
	}
}

// TestReceiptFindsOutThatNot: the request is lost on its way. It is found out that it
// was not applied, and never will be: the next commit on the same base is.
func TestReceiptFindsOutThatNot(t *testing.T) {
	b := newLockBed(t)
	b.watch()
	v, err := b.commitSigned(b.load().Version, "before")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		before := b.recordVersion()
		b.watch() // no look before the commit, which would be what is lost
		b.net.SetMode(netfault.Blackhole)
		answer := make(chan error, 1)
		go func() {
			_, err := b.commitSigned(v, "lost")
			answer <- err
		}()
		time.Sleep(50 * time.Millisecond) // it goes into the dark; where it gets to does not matter
		b.net.Cut()
		b.net.SetMode(netfault.Pass)
		err := <-answer
		after := b.recordVersion()
		if !errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrUnknownOutcome) {
			if err != nil {
				t.Fatalf("round %d: %v", i, err)
			}
			v = b.load().Version // it had not been sent yet, and went out afterwards
			continue
		}
		if rec := b.load(); rec.Version != v {
			t.Fatalf("round %d: stored is %q", i, rec.Data)
		}
		if after == before {
			t.Errorf("round %d: the commit could still come through", i)
		}
		if v, err = b.commitSigned(v, fmt.Sprint("again ", i)); err != nil {
			t.Fatalf("round %d: the next commit: %v", i, err)
		}
	}
}

// TestReceiptOfALostSession: what the record could tell is gone. If the document has
// not moved, that tells as much; if it has, nothing does.
func TestReceiptOfALostSession(t *testing.T) {
	b := newLockBed(t)
	for _, applied := range []bool{false, true} {
		var v store.Version
		b.await("a commit goes through", func() (done bool) {
			var err error
			v, err = b.commitSigned(b.load().Version, "before")
			return err == nil
		})
		granted, _ := b.net.LastSession()
		dropped := make(<-chan struct{})
		if applied {
			dropped = b.net.DropReply(func(op wire.Opcode) bool { return op == wire.OpMulti })
		} else {
			b.net.SetMode(netfault.Blackhole)
		}
		answer := make(chan error, 1)
		go func() {
			_, err := b.commitSigned(v, "in doubt")
			answer <- err
		}()
		if applied {
			<-dropped
		} else {
			time.Sleep(50 * time.Millisecond) // it goes into the dark
		}
		b.net.SetMode(netfault.Refuse)
		if err := zkserver.KillSession(b.ctx, b.server.Addr(), granted.ID, granted.Password); err != nil {
			t.Fatal(err)
		}
		b.net.Cut()
		b.net.SetMode(netfault.Pass)
		err := <-answer
		switch moved := b.load().Version != v; {
		case moved && !errors.Is(err, store.ErrUnknownOutcome) && err != nil:
			t.Errorf("it was applied: %v", err)
		case !moved && (!errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrUnknownOutcome)):
			t.Errorf("it was not applied: %v", err)
		case applied && !moved:
			t.Error("the reply that was dropped was to nothing")
		}
	}
}

// TestLockGivenUpDuringALook: who gives up waiting for a lock hears that others were ahead, also if it was just looking
// whether they still are.
func TestLockGivenUpDuringALook(t *testing.T) {
	b := newLockBed(t)
	b.lock(b.direct, "first")
	ctx, cancel := context.WithCancel(b.ctx)
	defer cancel()
	second, leave := context.WithCancel(b.ctx)
	defer leave()
	left := make(chan error, 2)
	wait := func(ctx context.Context, s *zkstore.Store, id string, places int) {
		go func() {
			_, err := s.Lock(ctx, "/doc", id)
			left <- err
		}()
		b.await(id+" waits", func() bool { return len(b.queue()) == places })
	}
	wait(second, b.direct, "second", 2)
	watches := b.net.Requests(wire.OpExists)
	wait(ctx, b.faulty, "third", 3)
	b.await("the third watches the second", func() bool { return b.net.Requests(wire.OpExists) > watches })
	stop := b.net.DropReplies(func(op wire.Opcode) bool {
		if op == wire.OpGetChildren2 {
			cancel() // while it looks
		}
		return false
	})
	defer stop()
	leave()
	for range 2 {
		if err := <-left; !errors.Is(err, store.ErrLocked) || !errors.Is(err, context.Canceled) {
			t.Errorf("who gave up hears of %v", err)
		}
	}
}

package zkstore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zk/wire"
	"github.com/zkstate/zkstate/store"
)

// loseAnswers has fn commit through the faulty network, which loses the answers to
// Multis, until it is known to be applied and meanwhile is done. It returns fn's error.
func (b *lockBed) loseAnswers(fn func() error, applied func() bool, meanwhile func()) error {
	b.Helper()
	stop := b.net.DropReplies(func(op wire.Opcode) bool { return op == wire.OpMulti })
	answer := make(chan error, 1)
	go func() { answer <- fn() }()
	b.await("the commit is applied", applied)
	meanwhile() // no barrier comes through, so nothing was found out yet
	stop()
	return <-answer
}

func (b *lockBed) holds(path, data string) bool {
	rec, err := b.direct.Load(b.ctx, path, store.Version{}, store.Linearizable)
	return err == nil && string(rec.Data) == data
}

// TestDeletedBeforeItWasFoundOut: a commit is applied, its answer is lost, and what it
// made is deleted, or deleted and made again, before anybody could find out. Nobody says
// that it was not applied.
func TestDeletedBeforeItWasFoundOut(t *testing.T) {
	b := newLockBed(t)
	receipt := func(path string) store.Receipt {
		return store.Receipt{Path: path, ID: "me", Data: []byte("receipt")}
	}
	again := func(path string) {
		b.plain.deleteAll(path)
		b.plain.create(path, "", zk.Persistent)
		b.plain.create(path+"/payload", "new", zk.Persistent)
	}
	for name, meanwhile := range map[string]func(path string){
		"deleted":                b.plain.deleteAll,
		"deleted and made again": again,
		"only the payload":       func(path string) { b.plain.delete(path + "/payload") },
		"the session is lost too": func(path string) {
			b.plain.deleteAll(path)
			b.killSession()
		},
		"the payload, and the session is lost too": func(path string) {
			b.plain.delete(path + "/payload")
			b.killSession()
		},
		"only the folder was made again, and the session is lost": func(path string) {
			b.plain.deleteAll(path)
			b.plain.create(path, "", zk.Persistent)
			b.killSession()
		},
	} {
		created := fmt.Sprint("/created/", len(name))
		err := b.loseAnswers(func() error {
			_, err := b.faulty.Commit(b.ctx, store.Create{Path: created, Data: []byte("mine")}, receipt(created))
			return err
		}, func() bool { return b.holds(created, "mine") }, func() { meanwhile(created) })
		if err != nil && !errors.Is(err, store.ErrUnknownOutcome) {
			t.Errorf("create, %s: %v", name, err)
		}
		b.withdraw(created)
		put := fmt.Sprint("/put/", len(name))
		v := mustCommit(t, b.ctx, b.direct, store.Create{Path: put, Data: []byte("0")})[0]
		err = b.loseAnswers(func() error {
			_, err := b.faulty.Commit(b.ctx, store.Put{Path: put, Base: v, Data: []byte("mine")}, receipt(put))
			return err
		}, func() bool { return b.holds(put, "mine") }, func() { meanwhile(put) })
		if err != nil && !errors.Is(err, store.ErrUnknownOutcome) {
			t.Errorf("put, %s: %v", name, err)
		}
		b.withdraw(put)
	}
}

// withdraw takes the record at path back, so that nothing is put right by a Multi while
// their answers are lost.
func (b *lockBed) withdraw(path string) {
	b.Helper()
	b.await("the record is withdrawn", func() bool { return b.faulty.Withdraw(b.ctx, path, "me") == nil })
}

// TestCreationThatNeverCame: nothing of it was applied, and the record that would tell
// is gone with the session. The folder tells.
func TestCreationThatNeverCame(t *testing.T) {
	b := newLockBed(t)
	if err := b.faulty.Announce(b.ctx, "/never", "me", []byte("1")); err != nil {
		t.Fatal(err)
	}
	b.holdMulti(func() { b.killSession() })
	_, err := b.faulty.Commit(b.ctx, store.Create{Path: "/never", Data: []byte("mine")}, store.Receipt{Path: "/never", ID: "me", Data: []byte("r")})
	switch there := b.holds("/never", "mine"); {
	case there && err != nil && !errors.Is(err, store.ErrUnknownOutcome):
		t.Errorf("it was created: %v", err)
	case !there && (!errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrUnknownOutcome)):
		t.Errorf("it was not created: %v", err)
	}
}

// holdMulti cuts the faulty connection instead of forwarding the next Multi, after doing
// something.
func (b *lockBed) holdMulti(first func()) {
	var once sync.Once
	stop := b.net.DropReplies(func(op wire.Opcode) bool {
		if op == wire.OpMulti {
			once.Do(func() { first(); b.net.Cut() })
		}
		return false
	})
	b.Cleanup(func() { stop() })
}

// TestRecreatedBehindALostWatch: another tool deletes the document and makes it again,
// the news of that is lost, and so is the answer to the commit that hits the new one. It
// is not said to be what was asked for, and the next update goes through.
func TestRecreatedBehindALostWatch(t *testing.T) {
	b := newLockBed(t)
	b.watch()
	v, err := b.commitSigned(b.load().Version, "before")
	if err != nil {
		t.Fatal(err)
	}
	b.watch()
	release := b.net.HoldEvents()
	defer release()
	b.plain.delete("/doc/payload")
	b.plain.create("/doc/payload", "new", zk.Persistent)
	for range v.Counter() {
		b.plain.set("/doc/payload", "new")
	}
	err = b.loseAnswers(func() error {
		_, err := b.commitSigned(v, "mine")
		return err
	}, func() bool { return true }, func() {})
	if found := b.load(); string(found.Data) == "mine" && !errors.Is(err, store.ErrUnknownOutcome) {
		t.Errorf("the new document was replaced: %v", err)
	} else if string(found.Data) != "mine" && err == nil {
		t.Errorf("stored is %q, and the commit says it was applied", found.Data)
	}
	if _, err := b.commitSigned(b.load().Version, "next"); err != nil {
		t.Errorf("the next update: %v", err)
	}
}

// TestReleaseWithALostAnswer: the place is seen to go before it is known why.
func TestReleaseWithALostAnswer(t *testing.T) {
	b := newLockBed(t)
	for i := range 5 {
		lock := b.lock(b.faulty, "me")
		lost := lock.Lost()
		data := fmt.Sprint("round ", i)
		err := b.loseAnswers(func() error {
			_, err := b.faulty.Commit(b.ctx, store.Put{Path: "/doc", Base: b.load().Version, Data: []byte(data)},
				store.Receipt{Path: "/doc", ID: "me", Data: []byte(data)}, store.Release{Lock: lock})
			return err
		}, func() bool { return b.holds("/doc", data) }, func() {})
		if err != nil {
			t.Fatal(err)
		}
		b.lock(b.faulty, "another").Unlock(b.ctx) // the news of it has come by then
		select {
		case <-lost:
			t.Fatal("a lock that was given up is said to be lost")
		default:
		}
	}
}

// TestRecordRemovedByHand: it comes back, also if that happens on a new connection.
func TestRecordRemovedByHand(t *testing.T) {
	b := newLockBed(t)
	if err := b.faulty.Announce(b.ctx, "/doc", "me", []byte("old")); err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		data := fmt.Sprint(i)
		if i%2 == 0 {
			if err := b.faulty.Announce(b.ctx, "/doc", "me", []byte(data)); err != nil {
				t.Fatal(err)
			}
		} else if _, err := b.commitSigned(b.load().Version, data); err != nil {
			t.Fatal(err)
		} else {
			data = "receipt of " + data
		}
		if i > 1 {
			b.net.Cut()
		}
		b.plain.delete("/doc/listeners/me")
		b.await("the record is back", func() bool {
			reply, err := b.plain.try(zk.Get{Path: "/doc/listeners/me"})
			return err == nil && string(reply.Data) == data
		})
	}
	if err := b.faulty.Withdraw(b.ctx, "/doc", "me"); err != nil {
		t.Fatal(err)
	}
	if err := b.faulty.Announce(b.ctx, "/doc", "other", nil); err != nil { // the keeper has had its time
		t.Fatal(err)
	}
	if _, err := b.plain.try(zk.Exists{Path: "/doc/listeners/me"}); !errors.Is(err, zk.ErrNoNode) {
		t.Errorf("a record that was withdrawn came back: %v", err)
	}
}

// TestWithdrawWithALostAnswer: withdrawing goes on until it is done.
func TestWithdrawWithALostAnswer(t *testing.T) {
	b := newLockBed(t)
	for range 5 {
		if err := b.faulty.Announce(b.ctx, "/doc", "me", []byte("1")); err != nil {
			t.Fatal(err)
		}
		var once sync.Once
		stop := b.net.DropReplies(func(op wire.Opcode) bool {
			if op == wire.OpDelete {
				once.Do(b.net.Cut) // before it is forwarded
			}
			return false
		})
		err := b.faulty.Withdraw(b.ctx, "/doc", "me")
		b.await("the record is gone", func() bool {
			_, err := b.plain.try(zk.Exists{Path: "/doc/listeners/me"})
			return errors.Is(err, zk.ErrNoNode)
		})
		stop()
		if err != nil && !errors.Is(err, store.ErrUnavailable) {
			t.Error(err)
		}
	}
}

// TestHostileStore has commits of every kind while somebody deletes and makes again what
// they are about, switches the journal and leaves nonsense. Each ends with an error that
// is known, and none ends the process.
func TestHostileStore(t *testing.T) {
	b := newLockBed(t)
	stop := make(chan struct{})
	var hostile, victims sync.WaitGroup
	hostile.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			b.vandalise(rand.IntN(8))
		}
	})
	known := []error{
		store.ErrConflict, store.ErrExists, store.ErrNotFound, store.ErrTaken, store.ErrJournal, store.ErrLockLost,
		store.ErrUnavailable, store.ErrUnknownOutcome, store.ErrDenied, context.DeadlineExceeded,
	}
	for victim := range 3 {
		victims.Go(func() {
			for i := range 150 {
				if err := b.attack(victim, i); err != nil && !matchesAny(err, known) {
					t.Errorf("%v", err)
				}
			}
		})
	}
	victims.Wait()
	close(stop)
	hostile.Wait()
}

func matchesAny(err error, known []error) bool {
	for _, k := range known {
		if errors.Is(err, k) {
			return true
		}
	}
	return false
}

// vandalise does one of the things that an operator should not do. Whatever fails, fails.
func (b *lockBed) vandalise(what int) {
	everybody := zk.WorldACL(zk.PermAll)
	switch what {
	case 0:
		b.plain.deleteAll("/doc")
	case 1:
		_ = b.direct.SetJournal(b.ctx, "/doc", 1+rand.IntN(3))
	case 2:
		_ = b.direct.SetJournal(b.ctx, "/doc", 0)
	case 3:
		b.plain.deleteAll("/doc/history")
	case 4:
		b.plain.deleteAll("/doc/listeners")
	case 5:
		_, _ = b.plain.try(zk.Create{Path: "/doc/history", Data: []byte("nonsense"), ACL: everybody})
		for _, name := range []string{"x", "0000000007", "00000000zz", "latch-"} {
			_, _ = b.plain.try(zk.Create{Path: "/doc/history/" + name, ACL: everybody})
			_, _ = b.plain.try(zk.Create{Path: "/doc/write_lock/" + name, ACL: everybody})
			_, _ = b.plain.try(zk.Create{Path: "/doc/listeners/" + name, Data: []byte("{"), ACL: everybody})
		}
	case 6:
		_, _ = b.plain.try(zk.Set{Path: "/doc/payload", Data: nil, Version: zk.AnyVersion})
	case 7:
		_, _ = b.plain.try(zk.Set{Path: "/doc", Data: []byte("data"), Version: zk.AnyVersion})
	}
}

// attack commits what it can, and looks at everything.
func (b *lockBed) attack(victim, i int) error {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	id := fmt.Sprint("victim-", victim)
	rec, err := b.faulty.Load(ctx, "/doc", store.Version{}, store.Local)
	ops := []store.Op{store.Put{Path: "/doc", Base: rec.Version, Data: []byte("data")}}
	switch {
	case errors.Is(err, store.ErrNotFound):
		ops[0] = store.Create{Path: "/doc", Data: []byte("new")}
	case err != nil:
		return err
	case i%10 == 9:
		ops[0] = store.Delete{Path: "/doc", Base: rec.Version}
	}
	ops = append(ops, store.Append{Path: "/doc", Data: fmt.Append(nil, "entry ", victim, i)})
	if i%3 != 0 {
		ops = append(ops, store.Receipt{Path: "/doc", ID: id, Data: fmt.Append(nil, "receipt ", i)})
	}
	if i%4 == 0 {
		locking, cancel := context.WithTimeout(ctx, patience/100)
		lock, err := b.faulty.Lock(locking, "/doc", id)
		cancel()
		if err != nil {
			return err
		}
		ops = append(ops, store.Release{Lock: lock})
		defer lock.Unlock(ctx)
	}
	_, err = b.faulty.Commit(ctx, ops...)
	_, _, err1 := b.faulty.Journal(ctx, "/doc", 10)
	_, err2 := b.faulty.Listeners(ctx, "/doc")
	_, err3 := b.faulty.Queue(ctx, "/doc")
	for _, err := range []error{err, err1, err2, err3} {
		if err != nil {
			return err
		}
	}
	return nil
}

// TestAnothersRecordTellsNothing: a commit is applied, its answer and its session are lost,
// and before that could be found out another handle has a record of that name, at the
// version that the commit supposed. Nobody says that it was not applied, and the other's
// record is left alone.
func TestAnothersRecordTellsNothing(t *testing.T) {
	b := newLockBed(t)
	v := b.load().Version
	err := b.loseAnswers(func() error {
		_, err := b.commitSigned(v, "mine")
		return err
	}, func() bool { return b.holds("/doc", "mine") }, func() {
		b.killSession()
		b.await("the name is free", func() bool { return b.direct.Announce(b.ctx, "/doc", "me", []byte("another's")) == nil })
	})
	if err != nil && !errors.Is(err, store.ErrUnknownOutcome) {
		t.Errorf("it was applied: %v", err)
	}
	if reply := b.plain.call(zk.Get{Path: "/doc/listeners/me"}); string(reply.Data) != "another's" {
		t.Errorf("the other's record is %q", reply.Data)
	}
}

package zkstore_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/zkstate/zkstate/internal/netfault"
	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zkserver"
	"github.com/zkstate/zkstate/store"
)

func (b *lockBed) absent(present ...string) []store.Listener {
	b.Helper()
	found, err := b.direct.Absent(b.ctx, "/doc", present)
	if err != nil {
		b.Fatal(err)
	}
	return found
}

// lose ends the session of the faulty store, which cannot make another one.
func (b *lockBed) lose() {
	b.Helper()
	session, ok := b.net.LastSession()
	if !ok {
		b.Fatal("no session was seen")
	}
	b.net.SetMode(netfault.Refuse)
	if err := zkserver.KillSession(b.ctx, b.server.Addr(), session.ID, session.Password); err != nil {
		b.Fatal(err)
	}
	b.await("the record goes with the session", func() bool {
		found, err := b.direct.Listeners(b.ctx, "/doc")
		return err == nil && len(found) == 0
	})
}

// TestRoster: whoever announced itself is known until it withdraws, or is forgotten
// while its record is not there.
func TestRoster(t *testing.T) {
	b := newLockBed(t)
	announce := func(s store.Store, data string) {
		b.Helper()
		if err := s.Announce(b.ctx, "/doc", "me", []byte(data)); err != nil {
			b.Fatal(err)
		}
	}
	forget := func(l store.Listener) {
		b.Helper()
		if err := b.direct.Forget(b.ctx, "/doc", l); err != nil {
			b.Fatal(err)
		}
	}
	announce(b.faulty, "first")
	there := b.absent()
	if len(there) != 1 || there[0].ID != "me" || string(there[0].Data) != "first" || len(b.absent("me")) != 0 {
		b.Fatalf("it is there: %+v", there)
	}
	if forget(there[0]); len(b.absent()) != 1 {
		b.Error("it was forgotten although its record is there")
	}

	b.lose()
	lost := b.absent()
	if len(lost) != 1 {
		b.Fatalf("after its session was lost: %+v", lost)
	}
	b.net.SetMode(netfault.Pass)
	b.await("it is back", func() bool {
		found, err := b.direct.Listeners(b.ctx, "/doc")
		return err == nil && len(found) == 1
	})
	b.lose()
	if forget(lost[0]); len(b.absent()) != 1 {
		b.Error("it was forgotten although it had been back")
	}
	if forget(b.absent()[0]); len(b.absent()) != 0 {
		b.Error("it was not forgotten")
	}
	b.net.SetMode(netfault.Pass)
	b.await("it is back, and known", func() bool { return len(b.absent()) == 1 })

	if err := b.faulty.Withdraw(b.ctx, "/doc", "me"); err != nil || len(b.absent()) != 0 {
		b.Errorf("it withdrew: %+v, %v", b.absent(), err)
	}
	other := open(t, "", b.server.Addr())
	announce(other, "last")
	if err := other.Close(); err != nil || len(b.absent()) != 0 {
		b.Errorf("its store was closed: %+v, %v", b.absent(), err)
	}
}

// TestNothingIsConfirmedBeforeTheRecordsAreBack: who has lost its session, and was forgotten,
// hears no linearizable answer before its records are there again. Else it would serve as
// confirmed what others no longer wait for it to replace.
func TestNothingIsConfirmedBeforeTheRecordsAreBack(t *testing.T) {
	b := newLockBed(t)
	const documents = 100
	for i := range documents {
		path := fmt.Sprintf("/doc/%d", i)
		if _, err := b.direct.Commit(b.ctx, store.Create{Path: path, Data: []byte("0")}); err != nil {
			b.Fatal(err)
		}
		if err := b.faulty.Announce(b.ctx, path, "me", []byte("{}")); err != nil {
			b.Fatal(err)
		}
	}
	if err := b.faulty.Announce(b.ctx, "/doc", "me", []byte("{}")); err != nil {
		b.Fatal(err)
	}
	b.lose()
	type answer struct {
		record store.Record
		err    error
	}
	answers := make(chan answer)
	go func() {
		record, err := b.faulty.Load(b.ctx, "/doc", store.Version{}, store.Linearizable)
		answers <- answer{record, err}
	}()
	b.net.SetMode(netfault.Pass)
	got := <-answers
	for errors.Is(got.err, store.ErrUnavailable) { // asked in the session that was lost
		record, err := b.faulty.Load(b.ctx, "/doc", store.Version{}, store.Linearizable)
		got = answer{record, err}
	}
	if got.err != nil {
		b.Fatal(got.err)
	}
	for i := range documents {
		full := fmt.Sprintf("/doc/%d/listeners/me", i)
		reply, err := b.plain.try(zk.Exists{Path: full})
		if err != nil || reply.Stat.Czxid > got.record.AsOf {
			b.Fatalf("%s: %v, made by transaction %x; the answer is as of %x", full, err, reply.Stat.Czxid, got.record.AsOf)
		}
	}
}

// TestThousandsSayGoodBye: what thousands of listeners made is gone when their store is closed,
// whether or not they withdrew first, and also if somebody removed the entry of one. Their
// good-byes share transactions: one after another they would not get through in time.
func TestThousandsSayGoodBye(t *testing.T) {
	for _, withdrawing := range []bool{false, true} {
		t.Run(fmt.Sprintf("withdrawing=%v", withdrawing), func(t *testing.T) {
			b := newBed(t)
			const n = 2000
			together := func(do func(id string) error) {
				b.Helper()
				var all sync.WaitGroup
				for i := range n {
					all.Go(func() {
						if err := do(fmt.Sprint(i)); err != nil {
							t.Error(i, err)
						}
					})
				}
				all.Wait()
			}
			together(func(id string) error { return b.s.Announce(b.ctx, "/doc", id, []byte("{}")) })
			plain := newPlainClient(t, b.ctx, b.server.Addr())
			if _, err := plain.try(zk.Delete{Path: "/doc/listeners_open/7", Version: zk.AnyVersion}); err != nil {
				t.Fatal(err)
			}
			before, err := b.server.Counts(b.ctx)
			if err != nil {
				t.Fatal(err)
			}
			if withdrawing {
				together(func(id string) error { return b.s.Withdraw(b.ctx, "/doc", id) })
			}
			if err := b.s.Close(); err != nil {
				t.Fatal(err)
			}
			after, err := b.server.Counts(b.ctx)
			if made := after.Since(before).Zxid; err != nil || made > n/5 {
				t.Errorf("%d good-byes made %d transactions; %v", n, made, err)
			}
			entries, err := b.direct.Absent(b.ctx, "/doc", nil)
			if err != nil || len(entries) > 0 {
				t.Errorf("%d entries are left; %v", len(entries), err)
			}
			records, err := b.direct.Listeners(b.ctx, "/doc")
			if err != nil || len(records) > 0 {
				t.Errorf("%d records are left; %v", len(records), err)
			}
		})
	}
}

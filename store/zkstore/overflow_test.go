package zkstore_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zkserver"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/zkstore"
)

// restore stops the server and starts it with worn nodes. Sessions may be lost on the way.
func (b *lockBed) restore(worn ...zkserver.Wear) {
	b.Helper()
	if err := b.server.Restore(worn...); err != nil {
		b.Fatal(err)
	}
	for _, s := range []*zkstore.Store{b.direct, b.faulty} {
		b.await("an answer", func() bool {
			_, err := s.Ping(b.ctx)
			return err == nil
		})
	}
}

// TestWornDocument: a document whose version has come to the end of an int32 can be
// changed and deleted, by whoever knows its version only.
func TestWornDocument(t *testing.T) {
	b := newLockBed(t)
	for _, version := range []int32{math.MaxInt32 - 1, -3} {
		b.restore(zkserver.Wear{Path: "/doc/payload", Data: []byte("0"), Version: version})
		rec, err := b.direct.Load(b.ctx, "/doc", store.Version{}, store.Linearizable)
		if err != nil {
			t.Fatal(err)
		}
		v := rec.Version
		for i := range 5 {
			data, stale := fmt.Append(nil, i), v
			s := []*zkstore.Store{b.direct, b.faulty}[i%2]
			v = mustCommit(t, b.ctx, s, store.Put{Path: "/doc", Base: v, Data: data}, store.Receipt{Path: "/doc", ID: fmt.Sprint("id", i%2), Data: data})[0]
			if !stale.Before(v) || v.Since(stale) != 1 {
				t.Errorf("%v is %d after %v", v, v.Since(stale), stale)
			}
			for _, s := range []*zkstore.Store{b.direct, b.faulty} {
				_, err := s.Commit(b.ctx, store.Put{Path: "/doc", Base: stale, Data: []byte("stale")})
				wantErr(t, err, store.ErrConflict)
				_, err = s.Commit(b.ctx, store.Delete{Path: "/doc", Base: stale})
				wantErr(t, err, store.ErrConflict)
			}
			if rec, err := b.faulty.Load(b.ctx, "/doc", store.Version{}, store.Linearizable); err != nil || rec.Version != v || string(rec.Data) != string(data) {
				t.Fatalf("stored is %v %q, %v", rec.Version, rec.Data, err)
			}
		}
	}
	b.restore(zkserver.Wear{Path: "/doc/payload", Data: []byte("0"), Version: -1}, zkserver.Wear{Path: "/doc", Version: -1})
	rec, err := b.direct.Load(b.ctx, "/doc", store.Version{}, store.Linearizable)
	if err != nil || rec.Version.Counter() != -1 {
		t.Fatal(rec.Version, err)
	}
	mustCommit(t, b.ctx, b.direct, store.Delete{Path: "/doc", Base: rec.Version})
	mustCommit(t, b.ctx, b.faulty, store.Create{Path: "/doc", Data: []byte("again")})
}

// TestWornJournal: a journal whose numbers have come to the end of an int32 takes entries
// from all, and keeps the newest in their order.
func TestWornJournal(t *testing.T) {
	b := newLockBed(t)
	const keep = 3
	if err := b.direct.SetJournal(b.ctx, "/doc", keep); err != nil {
		t.Fatal(err)
	}
	for _, next := range []int32{math.MaxInt32 - 3, math.MaxInt32} { // with the entries from before, and with none
		if err := b.direct.SetJournal(b.ctx, "/doc", 0); err != nil {
			t.Fatal(err)
		}
		if err := b.direct.SetJournal(b.ctx, "/doc", keep); err != nil {
			t.Fatal(err)
		}
		b.restore(zkserver.Wear{Path: "/doc/history", Data: []byte(`{"keep":3}`), Version: -1, Next: next})
		rec, err := b.direct.Load(b.ctx, "/doc", store.Version{}, store.Linearizable)
		if err != nil {
			t.Fatal(err)
		}
		v := rec.Version
		var want []string
		for i := range 10 {
			data := fmt.Sprint(next, " ", i)
			s := []*zkstore.Store{b.direct, b.direct, b.faulty}[i%3]
			v = mustCommit(t, b.ctx, s, store.Put{Path: "/doc", Base: v, Data: []byte(data)}, store.Append{Path: "/doc", Data: []byte(data)})[0]
			want = append(want, data)
			_, all, err := b.direct.Journal(b.ctx, "/doc", keep)
			if err != nil {
				t.Fatal(err)
			}
			for _, entry := range all {
				_, around, err := b.direct.JournalAround(b.ctx, "/doc", entry.Order)
				if err != nil || fmt.Sprint(around) != fmt.Sprint(store.EntriesAround(all, entry.Order)) {
					t.Fatalf("around %s of %q are %+v, %v", entry.Data, want, around, err)
				}
			}
			for newest := range keep + 2 {
				expected := want[max(0, len(want)-min(newest, keep)):]
				_, entries, err := b.faulty.Journal(b.ctx, "/doc", newest)
				var got []string
				for _, entry := range entries {
					got = append(got, string(entry.Data))
				}
				if err != nil || fmt.Sprint(got) != fmt.Sprint(expected) {
					t.Fatalf("the newest %d entries are %q, want %q: %v", newest, got, expected, err)
				}
			}
		}
	}
}

// TestWornQueue: places whose numbers have come to the end of an int32 get the lock in the
// order in which they came, one after another.
func TestWornQueue(t *testing.T) {
	b := newLockBed(t)
	const waiting = 6
	if err := b.lock(b.direct, "x").Unlock(b.ctx); err != nil { // makes the folder
		t.Fatal(err)
	}
	b.restore(zkserver.Wear{Path: "/doc/write_lock", Next: math.MaxInt32 - 2})
	first := b.lock(b.direct, "first")
	type turn struct {
		id   string
		lock store.Lock
	}
	turns := make(chan turn, waiting)
	for i := range waiting { // the order of their ids is another
		id := fmt.Sprint("w", (i*5+3)%waiting)
		go func() {
			lock, err := []*zkstore.Store{b.direct, b.faulty}[i%2].Lock(b.ctx, "/doc", id)
			if err != nil {
				t.Error(err)
			}
			turns <- turn{id, lock}
		}()
		b.await("a place more", func() bool { return len(b.queue()) == i+2 })
	}
	shown, err := b.direct.Queue(b.ctx, "/doc")
	if err != nil || len(shown) != waiting+1 {
		t.Fatal(shown, err)
	}
	for i := range waiting {
		if want := fmt.Sprint("w", (i*5+3)%waiting); shown[i+1].ID != want {
			t.Errorf("place %d is of %s, want %s", i+1, shown[i+1].ID, want)
		}
	}
	for held, i := first, 0; ; i++ {
		select {
		case second := <-turns:
			t.Fatalf("%s has the lock too", second.id)
		default:
		}
		if err := held.Unlock(b.ctx); err != nil {
			t.Fatal(err)
		}
		if i == waiting {
			break
		}
		next := <-turns
		if want := fmt.Sprint("w", (i*5+3)%waiting); next.id != want {
			t.Errorf("turn %d is of %s, want %s", i, next.id, want)
		}
		held = next.lock
	}
}

// TestNegativePlaces: some servers go on with negative numbers.
func TestNegativePlaces(t *testing.T) {
	b := newLockBed(t)
	if err := b.lock(b.direct, "x").Unlock(b.ctx); err != nil { // makes the folder
		t.Fatal(err)
	}
	names := []string{"latch-a-2147483646", "latch-b-2147483647", "latch-c--2147483648", "latch-d--2147483647", "latch-e--000000002", "latch-f-0000000001"}
	for _, name := range names {
		b.plain.create("/doc/write_lock/"+name, "", zk.Ephemeral)
	}
	shown, err := b.direct.Queue(b.ctx, "/doc")
	if err != nil || len(shown) != len(names) {
		t.Fatal(shown, err)
	}
	for i, name := range names {
		if shown[i].Key != name {
			t.Errorf("place %d is %s, want %s", i, shown[i].Key, name)
		}
	}
	got := make(chan error, 1)
	go func() {
		_, err := b.faulty.Lock(b.ctx, "/doc", "last")
		got <- err
	}()
	b.await("its place", func() bool { return len(b.queue()) == len(names)+1 })
	for _, name := range names {
		select {
		case err := <-got:
			t.Fatalf("it is locked before %s has left: %v", name, err)
		default:
		}
		b.plain.delete("/doc/write_lock/" + name)
	}
	if err := <-got; err != nil {
		t.Error(err)
	}
}

// TestPlaceOfALostSession: where all places have one number, the place of a session that
// is lost stands in the way of the same id until it goes.
func TestPlaceOfALostSession(t *testing.T) {
	b := newLockBed(t)
	if err := b.lock(b.direct, "x").Unlock(b.ctx); err != nil {
		t.Fatal(err)
	}
	b.restore(zkserver.Wear{Path: "/doc/write_lock", Next: math.MaxInt32})
	b.plain.create("/doc/write_lock/latch-me-2147483647", "", zk.Ephemeral)
	ctx, cancel := context.WithTimeout(b.ctx, session/20)
	_, err := b.direct.Lock(ctx, "/doc", "me")
	cancel()
	wantErr(t, err, context.DeadlineExceeded)
	b.plain.delete("/doc/write_lock/latch-me-2147483647")
	lock := b.lock(b.direct, "me")
	if places := b.queue(); len(places) != 1 || !strings.HasPrefix(places[0], "latch-me-") {
		t.Errorf("the queue is %v", places)
	}
	if err := lock.Unlock(b.ctx); err != nil {
		t.Error(err)
	}
}

package zkstore_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zk/wire"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/storetest"
)

// openings are what opening a State does with a store: it follows the document, looks at it,
// creates it, and announces itself.
func (b *bed) openDocument(path string) (w store.Watcher) {
	b.Helper()
	w = storetest.NewWatch(b.s, path, time.Hour)
	if _, err := b.s.Load(b.ctx, path, store.Version{}, store.Creating); err == nil {
		b.Fatal("the test's premise: there is no document")
	}
	if _, err := b.s.Commit(b.ctx, store.Create{Path: path, Data: []byte("0")}); err != nil {
		b.Fatal(err)
	}
	if err := b.s.Announce(b.ctx, path, "me", []byte("record")); err != nil {
		b.Fatal(err)
	}
	return w
}

// requests counts what the store with faults has sent, without pings.
func (b *bed) requests() map[wire.Opcode]int {
	counts := make(map[wire.Opcode]int)
	for _, op := range []wire.Opcode{wire.OpCreate2, wire.OpCreateContainer, wire.OpDelete, wire.OpExists, wire.OpGetData, wire.OpSetData,
		wire.OpGetChildren, wire.OpGetChildren2, wire.OpMulti, wire.OpSetWatches, wire.OpRemoveWatches} {
		counts[op] = b.net.Requests(op)
	}
	return counts
}

// wantRequests waits until so many were sent since, and fails if more or others were.
func (b *bed) wantRequests(since, want map[wire.Opcode]int) {
	b.Helper()
	b.eventually("the requests are sent", func() error {
		for op, count := range b.requests() {
			switch sent := count - since[op]; {
			case sent > want[op]:
				b.Fatalf("%v: %d requests, want %d", op, sent, want[op])
			case sent < want[op]:
				return fmt.Errorf("%v: %d requests, want %d", op, sent, want[op])
			}
		}
		return nil
	})
}

// TestCostOfOpening: a new document costs these requests and no others. The Multis are the
// barrier of the look, the document with its folder, and the record with its entry and their
// folders; many that are opened at once share them.
func TestCostOfOpening(t *testing.T) {
	b := newBed(t)
	defer b.openDocument("/folder/first").Stop() // makes what is above them
	before := b.requests()
	zxid, err := b.server.Counts(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer b.openDocument("/folder/second").Stop()
	b.wantRequests(before, map[wire.Opcode]int{
		wire.OpGetData:    1, // the look
		wire.OpExists:     1, // when it was made
		wire.OpMulti:      3,
		wire.OpSetWatches: 2, // behind the document, which nothing waits for, and behind the record
	})
	after, err := b.server.Counts(b.ctx)
	if made := after.Since(zxid).Zxid; err != nil || made != 3 {
		t.Errorf("%d transactions, want 3; %v", made, err)
	}
}

// TestOpeningTogether: creations and records that wait for each other share transactions, and one
// that is refused fails alone.
func TestOpeningTogether(t *testing.T) {
	b := newBed(t)
	const n = 100
	if err := b.direct.Announce(b.ctx, "/folder/7", "me", []byte("another's")); err != nil {
		t.Fatal(err)
	}
	failed := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			path := fmt.Sprint("/folder/", i)
			if i != 7 { // whose listeners have a folder already
				_, failed[i] = b.s.Commit(b.ctx, store.Create{Path: path, Data: []byte("0")})
			}
			if failed[i] == nil {
				failed[i] = b.s.Announce(b.ctx, path, "me", []byte("record"))
			}
		})
	}
	all.Wait()
	for i, err := range failed {
		if i == 7 {
			wantErr(t, err, store.ErrTaken)
		} else if err != nil {
			t.Error(i, err)
		}
	}
}

// TestNothingStays: when documents are deleted and nobody follows them any more, neither a
// watch nor a znode of theirs is left.
func TestNothingStays(t *testing.T) {
	for _, first := range []string{"delete", "withdraw"} {
		t.Run(first+" first", func(t *testing.T) {
			b := newBed(t)
			if _, err := b.direct.Commit(b.ctx, store.Create{Path: "/folder/stays", Data: []byte("0")}); err != nil {
				t.Fatal(err)
			}
			before, err := b.server.Counts(b.ctx)
			if err != nil {
				t.Fatal(err)
			}
			w := b.openDocument("/folder/goes")
			also := storetest.NewWatch(b.s, "/folder/stays", time.Hour)
			rec, err := b.s.Load(b.ctx, "/folder/stays", store.Version{}, store.Local)
			if err != nil {
				t.Fatal(err)
			}
			remove := func() {
				rec, err = b.s.Load(b.ctx, "/folder/goes", store.Version{}, store.Local)
				if err == nil {
					_, err = b.s.Commit(b.ctx, store.Delete{Path: "/folder/goes", Base: rec.Version})
				}
			}
			if first == "delete" {
				remove()
			}
			if err := b.s.Withdraw(b.ctx, "/folder/goes", "me"); err != nil {
				t.Fatal(err)
			}
			if first == "withdraw" {
				remove()
			}
			if err != nil {
				t.Fatal(err)
			}
			w.Stop()
			also.Stop()
			b.eventually("nothing stays", func() error {
				now, err := b.server.Counts(b.ctx)
				if left := now.Since(before); err == nil && (left.Znodes != 0 || left.Watches != 0) {
					err = fmt.Errorf("%d znodes and %d watches stay", left.Znodes, left.Watches)
				}
				return err
			})
			if _, err := newPlainClient(t, b.ctx, b.server.Addr()).try(zk.Exists{Path: "/folder/goes"}); err == nil {
				t.Error("the folder stays")
			}
		})
	}
}

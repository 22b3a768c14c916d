package zkstore_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zk/wire"
	"github.com/zkstate/zkstate/store"
)

// fill makes a journal of n entries, as one that had no bound would be.
func (b *lockBed) fill(n int) {
	b.Helper()
	b.plain.create("/doc/history", fmt.Sprintf(`{"keep":%d}`, 10*n), zk.Persistent)
	for made := 0; made < n; {
		var batch zk.Multi
		for ; made < n && len(batch) < 2000; made++ {
			batch = append(batch, zk.Create{Path: "/doc/history/", Data: fmt.Append(nil, made), ACL: zk.WorldACL(zk.PermAll), Mode: zk.PersistentSequential})
		}
		b.plain.call(batch)
	}
}

// length is how many entries there are.
func (b *lockBed) length() int {
	b.Helper()
	return int(b.plain.call(zk.Exists{Path: "/doc/history"}).Stat.NumChildren)
}

// newestEntries are the newest entries' data.
func (b *lockBed) newestEntries(newest int) (found []string) {
	b.Helper()
	_, entries, err := b.faulty.Journal(b.ctx, "/doc", newest)
	if err != nil {
		b.Fatal(err)
	}
	for _, entry := range entries {
		found = append(found, string(entry.Data))
	}
	return found
}

// TestLongJournal: a journal that is longer than any can be set to is read as far as is
// asked for, takes entries, and is lowered while others commit.
func TestLongJournal(t *testing.T) {
	b := newLockBed(t)
	const long = 2*store.MaxJournal + 3000
	b.fill(long)
	middle := b.plain.call(zk.Exists{Path: fmt.Sprintf("/doc/history/%010d", long/2)}).Stat.Czxid
	keep, around, err := b.faulty.JournalAround(b.ctx, "/doc", middle)
	if err != nil || keep != 10*long || len(around) == 0 || around[min(1, len(around)-1)].Order != middle {
		t.Errorf("around %d are %+v, %v", middle, around, err)
	}
	if asked, got := b.net.Requests(wire.OpExists), b.net.Requests(wire.OpGetData); asked > 30 || got > 8 {
		t.Errorf("%d entries were asked for their place, %d were read", asked, got)
	}
	listed := b.net.Requests(wire.OpGetChildren2)
	if got := b.newestEntries(2); fmt.Sprint(got) != fmt.Sprint([]int{long - 2, long - 1}) {
		t.Errorf("the newest are %v", got)
	}
	rec, err := b.faulty.Load(b.ctx, "/doc", store.Version{}, store.Linearizable)
	if err != nil {
		t.Fatal(err)
	}
	v := rec.Version
	put := func(data string) {
		t.Helper()
		v = mustCommit(t, b.ctx, b.faulty, store.Put{Path: "/doc", Base: v, Data: []byte(data)}, store.Append{Path: "/doc", Data: []byte(data)})[0]
	}
	put("a")
	b.plain.set("/doc/history", `{"keep":100}`) // as another process does that ends before it has trimmed
	put("b")
	put("c")
	mustCommit(t, b.ctx, b.faulty, store.Delete{Path: "/doc", Base: v}, store.Append{Path: "/doc", Data: []byte("d")})
	v = mustCommit(t, b.ctx, b.faulty, store.Create{Path: "/doc"}, store.Append{Path: "/doc", Data: []byte("e")})[0]
	if got := b.length(); got >= long || got < long-300 {
		t.Errorf("%d entries are left of %d", got, long)
	}
	if got := b.newestEntries(5); fmt.Sprint(got) != "[a b c d e]" {
		t.Errorf("the newest are %v", got)
	}
	if now := b.net.Requests(wire.OpGetChildren2); now != listed {
		t.Errorf("it was listed %d times", now-listed)
	}
	var lowered sync.WaitGroup
	for _, s := range []store.Store{b.direct, b.faulty} {
		lowered.Go(func() {
			if err := s.SetJournal(b.ctx, "/doc", 10); err != nil {
				t.Error(err)
			}
		})
	}
	var want []string
	for i := range 20 {
		put(fmt.Sprint("d", i))
		want = append(want, fmt.Sprint("d", i))
	}
	lowered.Wait()
	put("last")
	if got := b.newestEntries(1000); fmt.Sprint(got) != fmt.Sprint(append(want[len(want)-9:], "last")) {
		t.Errorf("it has %v", got)
	}
}

// TestLongJournalWithGaps: entries that somebody removed by hand are no entries.
func TestLongJournalWithGaps(t *testing.T) {
	b := newLockBed(t)
	b.fill(40)
	for _, at := range []int{3, 38, 39} {
		b.plain.delete(fmt.Sprintf("/doc/history/%010d", at))
	}
	b.plain.create("/doc/history/notes", "", zk.Persistent)
	if got := b.newestEntries(3); fmt.Sprint(got) != "[35 36 37]" {
		t.Errorf("the newest are %v", got)
	}
	if err := b.direct.SetJournal(b.ctx, "/doc", 2); err != nil {
		t.Fatal(err)
	}
	if got := b.newestEntries(10); fmt.Sprint(got) != "[36 37]" {
		t.Errorf("it has %v", got)
	}
	if err := b.direct.SetJournal(b.ctx, "/doc", 0); err == nil {
		t.Error("a journal with others' things in it is removed")
	}
}

package zkstate_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/zkstate/zkstate"
	journal "github.com/zkstate/zkstate/history"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/storetest"
)

// lines is a history as people read it.
func lines(entries []zkstate.Entry) (all []string) {
	for _, e := range entries {
		line := fmt.Sprintf("%d", e.Version.Counter())
		if e.External > 0 {
			line += fmt.Sprintf(" outside(%d)", e.External)
		}
		if e.Deleted {
			line += " deleted"
		}
		if e.Reason != "" {
			line += " " + e.Reason + ":"
		}
		for _, c := range e.Changes {
			line += " " + c.String()
		}
		all = append(all, line)
	}
	return all
}

func (e *env) wantHistory(st *zkstate.State[config], want ...string) []zkstate.Entry {
	e.Helper()
	entries, err := st.History(e.ctx)
	if err != nil {
		e.Fatal(err)
	}
	if got := lines(entries); !slices.Equal(got, want) {
		e.Fatalf("the history is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	s := e.handle()
	for newest := range len(want) + 2 {
		some, err := journal.Read(e.ctx, s, "/app/config", newest)
		if got, tail := lines(some), want[max(0, len(want)-newest):]; err != nil || !slices.Equal(got, tail) {
			e.Fatalf("the newest %d of the history are\n%s\nwant\n%s\n%v", newest, strings.Join(got, "\n"), strings.Join(tail, "\n"), err)
		}
	}
	e.wantSteps(s, entries)
	return entries
}

// wantSteps holds that each step is found by its version as it is in the whole history.
func (e *env) wantSteps(s store.Store, entries []zkstate.Entry) {
	e.Helper()
	for _, want := range entries {
		got, err := journal.At(e.ctx, s, "/app/config", want.Version)
		known := !want.Deleted && want.Document() != nil
		if known != (err == nil) || known && (got.Version != want.Version || string(got.Document()) != string(want.Document())) {
			e.Errorf("at %v is %s, %v; the history has %s", want.Version, got.Document(), err, want.Document())
		}
	}
}

// countedEntries is a store that counts the entries that it reads.
type countedEntries struct {
	store.Store
	read int
}

func (c *countedEntries) Journal(ctx context.Context, path string, newest int) (int, []store.Entry, error) {
	keep, entries, err := c.Store.Journal(ctx, path, newest)
	c.read += len(entries)
	return keep, entries, err
}

func (c *countedEntries) JournalAround(ctx context.Context, path string, order int64) (int, []store.Entry, error) {
	keep, entries, err := c.Store.JournalAround(ctx, path, order)
	c.read += len(entries)
	return keep, entries, err
}

// TestOneStepOfManyIsRead: however long the journal is, At and Rollback read the entries next
// to the one that they are about.
func TestOneStepOfManyIsRead(t *testing.T) {
	eachStore(t, func(e *env) {
		s := &countedEntries{Store: e.handle()}
		st := openOn(e, s, zkstate.WithHistory(100))
		snap, _ := st.Snapshot()
		versions := []zkstate.Version{snap.Version}
		for range 24 {
			v, err := st.Update(e.ctx, bump)
			if err != nil {
				e.Fatal(err)
			}
			versions = append(versions, v)
		}
		for i, v := range versions {
			before := s.read
			if got, err := st.At(e.ctx, v); err != nil || got.Interval != i+1 {
				e.Errorf("at %v the interval was %d, %v", v, got.Interval, err)
			}
			if n := s.read - before; n > 3 {
				e.Errorf("for version %d of %d, %d entries were read", i, len(versions), n)
			}
		}
		before := s.read
		if _, err := st.Rollback(e.ctx, versions[7]); err != nil {
			e.Error(err)
		}
		if got, err := st.Read(); err != nil || got.Interval != 8 || s.read-before > 3 {
			e.Errorf("rolled back to %d, %v; %d entries were read", got.Interval, err, s.read-before)
		}
	})
}

// TestHistory has commits of two instances, writes of other tools, and a rollback.
func TestHistory(t *testing.T) {
	eachStore(t, func(e *env) {
		if e.tool == nil {
			return // TestJournalIsTrimmed and the rest hold the memory to it
		}
		st := e.open(zkstate.WithHistory(6), zkstate.WithApp("one"))
		other := e.open(zkstate.WithApp("two")) // it does not know of the journal yet
		created := `+ (document) {"processes":["systemd*","rsync*"],"interval":1}`
		first := e.wantHistory(st, "0 "+created)[0]
		if first.Who.App != "one" || first.Who.ID != st.ID() || first.Time.IsZero() {
			e.Errorf("the first entry is by %+v at %v", first.Who, first.Time)
		}
		if _, err := st.Update(e.ctx, bump, zkstate.WithReason("more often")); err != nil {
			e.Fatal(err)
		}
		if _, err := other.Update(e.ctx, bump); err != nil {
			e.Fatal(err)
		}
		second := "1 more often: ~ /interval 1 -> 2"
		entries := e.wantHistory(st, "0 "+created, second, "2 ~ /interval 2 -> 3")
		if entries[2].Who.App != "two" {
			e.Errorf("the third entry is by %+v", entries[2].Who)
		}
		snap, err := st.Snapshot()
		if err != nil || entries[2].Version != snap.Version && entries[2].Version.Before(snap.Version) {
			e.Errorf("the third entry is of %v, the copy at %v, %v", entries[2].Version, snap.Version, err)
		}

		e.tool(`{"processes":["systemd*","rsync*"],"interval":3,"x":1}`)
		e.tool(`{"processes":["systemd*","rsync*"],"interval":3,"x":2}`)
		e.wantHistory(st, "0 "+created, second, "2 ~ /interval 2 -> 3", "4 outside(2) + /x 2")
		if _, err := st.Update(e.ctx, bump); err != nil {
			e.Fatal(err)
		}
		entries = e.wantHistory(st, "0 "+created, second, "2 ~ /interval 2 -> 3", "4 outside(2) + /x 2", "5 ~ /interval 3 -> 4")

		for i, want := range []int{1, 2, 3, 3, 4} {
			if got, err := st.At(e.ctx, entries[i].Version); err != nil || got.Interval != want {
				e.Errorf("at %v the interval was %d, %v; want %d", entries[i].Version, got.Interval, err, want)
			}
		}
		if _, err := st.At(e.ctx, store.NewVersion(1, 1, 77)); !errors.Is(err, zkstate.ErrNotFound) {
			e.Errorf("a version that never was: %v", err)
		}
		back, err := st.Rollback(e.ctx, entries[3].Version, zkstate.WithReason("it was better"))
		if err != nil {
			e.Fatal(err)
		}
		if doc := string(e.raw().load().Data); doc != `{"processes":["systemd*","rsync*"],"interval":3,"x":2}` {
			e.Errorf("rolled back to %s", doc)
		}
		if back.Since(entries[4].Version) != 1 {
			e.Errorf("rolling back made %v", back)
		}
		if again, err := st.Rollback(e.ctx, entries[3].Version); err != nil || again != back {
			e.Errorf("rolling back to what is there made %v of %v, %v", again, back, err)
		}
		e.wantHistory(st, "0 "+created, second, "2 ~ /interval 2 -> 3", "4 outside(2) + /x 2", "5 ~ /interval 3 -> 4", "6 it was better: ~ /interval 4 -> 3")

		if err := st.Delete(e.ctx, zkstate.WithReason("no use")); err != nil {
			e.Fatal(err)
		}
		entries = e.wantHistory(st, "0 "+created, second, "2 ~ /interval 2 -> 3", "4 outside(2) + /x 2", "5 ~ /interval 3 -> 4", "6 it was better: ~ /interval 4 -> 3",
			`7 deleted no use: - (document) {"processes":["systemd*","rsync*"],"interval":3,"x":2}`)
		if len(entries) != 7 {
			e.Errorf("%d entries", len(entries))
		}
	})
}

// TestJournalIsTrimmed: under contention too, the newest entries are kept, and no
// commit is without one.
func TestJournalIsTrimmed(t *testing.T) {
	eachStore(t, func(e *env) {
		const keep, instances, each = 8, 3, 12
		var group sync.WaitGroup
		for range instances {
			st := e.open(zkstate.WithHistory(keep))
			group.Go(func() {
				for range each {
					if _, err := st.Update(e.ctx, bump); err != nil {
						e.Error(err)
					}
				}
			})
		}
		group.Wait()
		st := e.open()
		entries, err := st.History(e.ctx)
		if err != nil || len(entries) != keep {
			e.Fatalf("%d entries, %v: %v", len(entries), err, lines(entries))
		}
		for i, entry := range entries {
			if entry.External > 0 || i > 0 && entry.Version.Since(entries[i-1].Version) != 1 {
				e.Errorf("entry %d is %+v", i, entry)
			}
		}
	})
}

// TestHistoryIsBounded: a journal that no store would keep is refused when a State opens,
// also where the document's is on already.
func TestHistoryIsBounded(t *testing.T) {
	eachStore(t, func(e *env) {
		e.open(zkstate.WithHistory(3))
		for _, path := range []string{"/app/config", "/another"} {
			_, err := zkstate.Open(e.ctx, e.handle(), path, config{}, zkstate.WithHistory(store.MaxJournal+1))
			if !errors.Is(err, zkstate.ErrTooLarge) {
				e.Errorf("%s: %v", path, err)
			}
		}
	})
}

// TestLargeDocumentsAreJournaled: an entry is cut before a commit fails for it.
func TestLargeDocumentsAreJournaled(t *testing.T) {
	eachStore(t, func(e *env) {
		st := e.open(zkstate.WithHistory(3))
		var big strings.Builder // not to be compressed away
		for i := 0; big.Len() < store.MaxCommit-2000; i++ {
			fmt.Fprintf(&big, "%x", uint64(i)*2654435761)
		}
		if _, err := st.Update(e.ctx, func(c *config) error {
			c.Labels = map[string]string{"big": big.String()[:store.MaxCommit-2000]}
			return nil
		}); err != nil {
			e.Fatal(err)
		}
		v, err := st.Update(e.ctx, bump)
		if err != nil {
			e.Fatal(err)
		}
		entries, err := st.History(e.ctx)
		if err != nil || len(entries) != 3 || !entries[1].Truncated || !entries[2].Truncated {
			e.Fatalf("%d entries, %v", len(entries), err)
		}
		if last := entries[2]; last.Version != v || len(last.Changes) != 1 || last.Changes[0].String() != "~ /interval 1 -> 2" {
			e.Errorf("the last entry is of %v, %v", last.Version, last.Changes)
		}
		if _, err := st.At(e.ctx, v); !errors.Is(err, zkstate.ErrNotFound) {
			e.Errorf("the document was too large to keep: %v", err)
		}
		if got, err := st.At(e.ctx, entries[0].Version); err != nil || got.Interval != 1 {
			e.Errorf("%+v, %v", got, err)
		}
	})
}

// TestNoJournal: nothing is kept that was not asked for.
func TestNoJournal(t *testing.T) {
	eachStore(t, func(e *env) {
		st := e.open()
		if _, err := st.Update(e.ctx, bump, zkstate.WithReason("nobody asked")); err != nil {
			e.Fatal(err)
		}
		if _, err := st.History(e.ctx); !errors.Is(err, zkstate.ErrNoJournal) {
			e.Errorf("History says %v", err)
		}
		if _, err := st.Rollback(e.ctx, zkstate.Version{}); !errors.Is(err, zkstate.ErrNoJournal) {
			e.Errorf("Rollback says %v", err)
		}
	})
}

// TestBatchReasons: the entry of a commit that several updates share has the reasons
// of those that changed something.
func TestBatchReasons(t *testing.T) {
	eachStore(t, func(e *env) {
		faults := storetest.Inject(e.handle())
		st := openOn(e, faults, zkstate.WithHistory(10))
		started, release := make(chan struct{}), make(chan struct{})
		faults.BeforeCommit(func() { close(started); <-release })
		var group sync.WaitGroup
		update := func(why string, fn func(*config) error) {
			group.Go(func() {
				if _, err := st.Update(e.ctx, fn, zkstate.WithReason(why)); err != nil {
					e.Error(err)
				}
			})
		}
		update("first", bump)
		<-started
		update("second", bump)
		update("second", bump)
		update("idle", func(*config) error { return nil })
		st.AwaitQueued(3)
		close(release)
		group.Wait()
		entries, err := st.History(e.ctx)
		if err != nil || len(entries) != 3 || entries[2].Reason != "second" || len(entries[2].Changes) != 1 {
			e.Errorf("%v, %v", lines(entries), err)
		}
	})
}

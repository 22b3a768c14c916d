package zkstate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/store/memstore"
)

func TestChangesShowPaths(t *testing.T) {
	eachStore(t, func(e *env) {
		st, other := e.open(), e.open()
		sets := e.changes(st)
		for _, step := range []struct {
			fn   func(*config) error
			want string
		}{
			{func(c *config) error { c.Processes = append(c.Processes, "firefox*"); return nil }, `[+ /processes/2 "firefox*"]`},
			{func(c *config) error { c.Processes = c.Processes[1:]; return nil }, `[- /processes/0 "systemd*"]`},
			{func(c *config) error { c.Interval = 5; return nil }, `[~ /interval 1 -> 5]`},
			{func(c *config) error { c.Labels = map[string]string{"a/b": "1"}; return nil }, `[+ /labels {"a/b":"1"}]`},
		} {
			v, err := other.Update(e.ctx, step.fn)
			if err != nil {
				e.Fatal(err)
			}
			set := next(e.T, sets)
			if got := fmt.Sprint(set.Changes); got != step.want || set.To != v || set.Missed != 0 || set.Origin != "" {
				e.Errorf("got %s (%+v), want %s at %v", got, set, step.want, v)
			}
			if snap, _ := st.Snapshot(); snap.Version.Before(set.To) {
				e.Errorf("a set for %v came before reads gave it: %v", set.To, snap.Version)
			}
		}
	})
}

// TestChangesReplay applies every set to the first document, with commits from
// several instances and a document deleted and recreated in between.
func TestChangesReplay(t *testing.T) {
	eachStore(t, func(e *env) {
		st := e.open(zkstate.WithID("subscriber"))
		sets := e.changes(st, zkstate.Replay())
		const each = 15
		var group sync.WaitGroup
		for _, writer := range []*zkstate.State[config]{st, e.open(), e.open()} {
			group.Go(func() {
				for range each {
					if _, err := writer.Update(e.ctx, bump); err != nil {
						e.Error(err)
					}
				}
			})
		}
		finished := make(chan struct{})
		go func() { group.Wait(); close(finished) }()
		var doc []byte
		last, commits := zkstate.Version{}, 0
		for {
			set := next(e.T, sets)
			if set.From != last || !last.Before(set.To) || len(set.Changes) == 0 {
				e.Fatalf("set %v to %v follows %v", set.From, set.To, last)
			}
			var err error
			if doc, err = diff.Apply(doc, set.Changes); err != nil {
				e.Fatal(err)
			}
			if set.Origin != "" && set.Origin != "subscriber" {
				e.Errorf("origin %q", set.Origin)
			}
			last, commits = set.To, commits+1+set.Missed
			var now config
			if err := json.Unmarshal(doc, &now); err != nil {
				e.Fatal(err)
			}
			if now.Interval == 1+3*each {
				break
			}
		}
		<-finished
		want := e.raw().load()
		if same, err := diff.Equal(want.Data, doc); !same || err != nil || want.Version != last {
			e.Errorf("replayed to %s at %v, stored is %s at %v", doc, last, want.Data, want.Version)
		}
		if commits != 1+3*each {
			e.Errorf("sets and folded commits are %d, there were %d", commits, 1+3*each)
		}
	})
}

// TestSlowSubscriberIsFolded: whoever takes nothing gets the net effect at once.
func TestSlowSubscriberIsFolded(t *testing.T) {
	eachStore(t, func(e *env) {
		st := e.open()
		seq := st.Changes(e.ctx)
		for range 10 {
			if _, err := st.Update(e.ctx, bump); err != nil {
				e.Fatal(err)
			}
		}
		for set := range seq {
			if got := fmt.Sprint(set.Changes); got != "[~ /interval 1 -> 11]" || set.Missed != 9 || set.Origin != "" {
				e.Errorf("folded to %s: %+v", got, set)
			}
			break
		}
		if _, err := st.Update(e.ctx, bump); err != nil {
			e.Fatal(err)
		}
		for set := range seq { // goes on where it stopped
			if got := fmt.Sprint(set.Changes); got != "[~ /interval 11 -> 12]" || set.Missed != 0 || set.Origin != st.ID() {
				e.Errorf("then %s: %+v", got, set)
			}
			break
		}
	})
}

// TestNoNetChangeIsNoSet: there and back, white space and key order.
func TestNoNetChangeIsNoSet(t *testing.T) {
	eachStore(t, func(e *env) {
		st := e.open()
		sets := e.changes(st)
		r := e.raw()
		r.put(`{ "interval": 1, "processes": ["systemd*", "rsync*"] }`)
		if _, _, err := st.ReadConsistent(e.ctx); err != nil {
			e.Fatal(err)
		}
		v := r.put(`{"processes":["systemd*","rsync*"],"interval":2}`)
		set := next(e.T, sets)
		if got := fmt.Sprint(set.Changes); got != "[~ /interval 1 -> 2]" || set.To != v || set.Missed != 1 {
			e.Errorf("%s: %+v", got, set)
		}
	})
}

func TestOnChange(t *testing.T) {
	st, err := zkstate.Open(t.Context(), memstore.New(), "/app/config", initial())
	if err != nil {
		t.Fatal(err)
	}
	defer closeState(t, st)
	sets := make(chan zkstate.ChangeSet, 10)
	stop := st.OnChange(func(set zkstate.ChangeSet) {
		sets <- set
		panic(errors.New("the subscriber's own"))
	})
	for range 3 {
		if _, err := st.Update(t.Context(), bump); err != nil {
			t.Fatal(err)
		}
		next(t, sets)
	}
	stop()
	stop()
}

// TestOnChangeStops: after stop, and after Close, nothing is called any more.
func TestOnChangeStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := memstore.New()
		st, err := zkstate.Open(t.Context(), mem, "/app/config", initial())
		if err != nil {
			t.Fatal(err)
		}
		calls := 0
		stop := st.OnChange(func(zkstate.ChangeSet) { calls++ })
		var st2 *zkstate.State[config]
		if st2, err = zkstate.Open(t.Context(), mem.Attach(), "/app/config", initial()); err != nil {
			t.Fatal(err)
		}
		defer st2.Close()
		update := func() {
			if _, err := st2.Update(t.Context(), bump); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		update()
		stop()
		update()
		if calls != 1 {
			t.Errorf("%d calls, want 1 before stop and none after", calls)
		}
		st.OnChange(func(zkstate.ChangeSet) { calls++ })
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		update()
		if calls != 1 {
			t.Errorf("%d calls after Close", calls)
		}
	})
}

// TestSelect: a derived value is given when it changed, and not when something else
// did.
func TestSelect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, err := zkstate.Open(t.Context(), memstore.New(), "/app/config", initial())
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		pick := func(c config) []string { return c.Processes }
		ctx, cancel := context.WithCancel(t.Context())
		collect := func(opts ...zkstate.ChangesOption) *[]string {
			var got []string
			values := zkstate.Select(ctx, st, pick, opts...)
			go func() {
				for value := range values {
					got = append(got, fmt.Sprint(value))
				}
			}()
			return &got
		}
		plain, replayed := collect(), collect(zkstate.Replay())
		for _, fn := range []func(*config) error{
			bump,
			func(c *config) error { c.Processes = c.Processes[:1]; return nil },
			bump,
			func(c *config) error { c.Processes = nil; return nil },
		} {
			if _, err := st.Update(t.Context(), fn); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if err := st.Delete(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		cancel()
		synctest.Wait()
		if got := fmt.Sprint(*plain); got != "[[systemd*] []]" {
			t.Errorf("selected %s", got)
		}
		if got := fmt.Sprint(*replayed); got != "[[systemd* rsync*] [systemd*] []]" {
			t.Errorf("selected with replay %s", got)
		}
	})
}

// TestSlowCallbackBlocksNobody: while one callback hangs, the State and another
// subscriber go on.
func TestSlowCallbackBlocksNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, err := zkstate.Open(t.Context(), memstore.New(), "/app/config", initial())
		if err != nil {
			t.Fatal(err)
		}
		release := make(chan struct{})
		var slow []zkstate.ChangeSet
		st.OnChange(func(set zkstate.ChangeSet) { slow = append(slow, set); <-release })
		quick := 0
		st.OnChange(func(zkstate.ChangeSet) { quick++ })
		for range 100 {
			if _, err := st.Update(t.Context(), bump); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		close(release)
		synctest.Wait()
		if quick != 100 || len(slow) != 2 || slow[1].Missed != 98 {
			t.Errorf("quick saw %d sets, slow %d: %+v", quick, len(slow), slow)
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
	})
}

// TestSelectBeginsWhereItsFirstValueIs: an update that comes while Select makes its first
// value is delivered.
func TestSelectBeginsWhereItsFirstValueIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, err := zkstate.Open(t.Context(), memstore.New(), "/app/config", initial())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var once sync.Once
		intervals := zkstate.Select(ctx, st, func(c config) int {
			once.Do(func() {
				if _, err := st.Update(ctx, bump); err != nil {
					t.Error(err)
				}
			})
			return c.Interval
		})
		got := 0
		for got = range intervals {
			break
		}
		if got != 2 {
			t.Errorf("the first value that differs from 1 is %d", got)
		}
		closeState(t, st)
	})
}

// TestSubscribersShareTheDifference: subscribers that lag at the same place, however far,
// are given one difference that is made once.
func TestSubscribersShareTheDifference(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, err := zkstate.Open(t.Context(), memstore.New(), "/app/config", initial())
		if err != nil {
			t.Fatal(err)
		}
		early := []iter.Seq[zkstate.ChangeSet]{st.Changes(t.Context()), st.Changes(t.Context())}
		update := func() {
			if _, err := st.Update(t.Context(), bump); err != nil {
				t.Fatal(err)
			}
		}
		update()
		late := []iter.Seq[zkstate.ChangeSet]{st.Changes(t.Context()), st.Changes(t.Context())}
		update()
		for want, seqs := range map[string][]iter.Seq[zkstate.ChangeSet]{"[~ /interval 1 -> 3]": early, "[~ /interval 2 -> 3]": late} {
			var sets []zkstate.ChangeSet
			for _, seq := range seqs {
				for set := range seq {
					sets = append(sets, set)
					break
				}
			}
			if fmt.Sprint(sets[0].Changes) != want || &sets[0].Changes[0] != &sets[1].Changes[0] {
				t.Errorf("%+v and %+v, want %s, shared", sets[0], sets[1], want)
			}
		}
		closeState(t, st)
	})
}

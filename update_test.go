package zkstate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
	"github.com/zkstate/zkstate/store/storetest"
)

func bump(c *config) error { c.Interval++; return nil }

func TestUpdateReadsItsOwnWrites(t *testing.T) {
	eachStore(t, func(e *env) {
		st := e.open()
		for i := range 20 {
			v, err := st.Update(e.ctx, bump)
			if err != nil {
				e.Fatal(err)
			}
			got, err := st.Read()
			snap, _ := st.Snapshot()
			if err != nil || got.Interval != i+2 || snap.Version != v {
				e.Fatalf("after update %d to %v: %+v at %v, %v", i, v, got, snap.Version, err)
			}
		}
	})
}

// TestContendedUpdates counts with several instances, several goroutines each. More
// than the acknowledgements is an update applied twice, less is one lost.
func TestContendedUpdates(t *testing.T) {
	eachStore(t, func(e *env) {
		const instances, goroutines, each = 4, 2, 15
		var acknowledged atomic.Int64
		var group sync.WaitGroup
		for range instances {
			st := e.open()
			for range goroutines {
				group.Go(func() {
					for range each {
						if _, err := st.Update(e.ctx, bump); err != nil {
							e.Error(err)
							return
						}
						acknowledged.Add(1)
					}
				})
			}
		}
		group.Wait()
		var got config
		if err := json.Unmarshal(e.raw().load().Data, &got); err != nil || int64(got.Interval) != 1+acknowledged.Load() {
			e.Errorf("counter is %d after %d acknowledgements, %v", got.Interval, acknowledged.Load(), err)
		}
	})
}

// TestUpdateRunsOnTheLatest makes somebody else commit between the function and its
// commit.
func TestUpdateRunsOnTheLatest(t *testing.T) {
	eachStore(t, func(e *env) {
		faults := storetest.Inject(e.handle())
		st := openOn(e, faults)
		r := e.raw()
		faults.BeforeCommit(func() { r.put(`{"processes":["theirs"],"interval":10}`) })
		var seen []int
		if _, err := st.Update(e.ctx, func(c *config) error { seen = append(seen, c.Interval); return bump(c) }); err != nil {
			e.Fatal(err)
		}
		if !slices.Equal(seen, []int{1, 10}) {
			e.Errorf("the function ran on %v", seen)
		}
		if got, err := st.Read(); err != nil || got.Interval != 11 || got.Processes[0] != "theirs" {
			e.Errorf("result %+v, %v", got, err)
		}
	})
}

// TestUpdateJudgesOnTheLatest: "no change" and an error of the function are answers
// too, and must not come from an old copy.
func TestUpdateJudgesOnTheLatest(t *testing.T) {
	eachStore(t, func(e *env) {
		faults := storetest.Inject(e.handle())
		faults.Mute()
		st := openOn(e, faults, zkstate.WithRefresh(time.Hour))
		r := e.raw()
		r.put(`{"processes":[],"interval":1}`)
		add := func(c *config) error {
			if !slices.Contains(c.Processes, "rsync*") {
				c.Processes = append(c.Processes, "rsync*")
			}
			return nil
		}
		if _, err := st.Update(e.ctx, add); err != nil {
			e.Fatal(err)
		}
		if got := string(r.load().Data); got != `{"processes":["rsync*"],"interval":1}` {
			e.Errorf("no change was needed on the old copy, but on the latest: stored %s", got)
		}
		r.put(`{"processes":["free"],"interval":1}`)
		errTaken := errors.New("taken")
		claim := func(c *config) error {
			if !slices.Contains(c.Processes, "free") {
				return errTaken
			}
			c.Processes = nil
			return nil
		}
		if _, err := st.Update(e.ctx, claim); err != nil {
			e.Errorf("the old copy's error was returned: %v", err)
		}
	})
}

func TestUpdateAllOrNothing(t *testing.T) {
	eachStore(t, func(e *env) {
		faults := storetest.Inject(e.handle())
		st := openOn(e, faults)
		before, _ := st.Snapshot()
		errOwn := errors.New("my own")
		for name, test := range map[string]struct {
			fn   func(*config) error
			want error
		}{
			"error":     {func(c *config) error { c.Interval, c.Processes[0] = 99, "trace"; return errOwn }, errOwn},
			"invalid":   {func(c *config) error { c.Interval = -1; return nil }, errNegative},
			"too large": {func(c *config) error { c.Processes[0] = strings.Repeat("x", 2<<20); return nil }, zkstate.ErrTooLarge},
			"no change": {func(c *config) error { c.Interval++; c.Interval--; return nil }, nil},
		} {
			v, err := st.Update(e.ctx, test.fn)
			if !errors.Is(err, test.want) || (test.want == errOwn && err != errOwn) {
				e.Errorf("%s: error is %v", name, err)
			}
			if err == nil && v != before.Version {
				e.Errorf("%s: moved to %v", name, v)
			}
		}
		func() {
			defer func() {
				if r := recover(); r != "mine" {
					e.Errorf("the panic in the caller's goroutine is %v", r)
				}
			}()
			_, _ = st.Update(e.ctx, func(c *config) error { c.Interval = 99; panic("mine") })
		}()
		if _, err := st.Update(e.ctx, nil); err == nil {
			e.Error("a nil function succeeded")
		}
		after, err := st.Snapshot()
		if err != nil || after.Version != before.Version || cmp.Diff(before.Value, after.Value) != "" {
			e.Errorf("the copy went from %+v to %+v, %v", before, after, err)
		}
		if got := e.raw().load().Version; got != before.Version {
			e.Errorf("the store moved from %v to %v", before.Version, got)
		}
		if _, err := st.Update(e.ctx, bump); err != nil {
			e.Errorf("the next update: %v", err)
		}
	})
}

func TestUpdateConflicts(t *testing.T) {
	eachStore(t, func(e *env) {
		faults := storetest.Inject(e.handle())
		st := openOn(e, faults)
		r := e.raw()
		snap, _ := st.Snapshot()
		if _, err := st.Update(e.ctx, bump, zkstate.IfVersion(snap.Version)); err != nil {
			e.Fatal(err)
		}
		if _, err := st.Update(e.ctx, bump, zkstate.IfVersion(snap.Version)); !errors.Is(err, zkstate.ErrConflict) {
			e.Errorf("IfVersion of an old version: %v", err)
		}
		if err := st.Delete(e.ctx, zkstate.IfVersion(snap.Version)); !errors.Is(err, zkstate.ErrConflict) {
			e.Errorf("Delete of an old version: %v", err)
		}
		for _, name := range []string{"NoRetry", "IfVersion"} {
			opt, runs := zkstate.NoRetry(), 0
			if name == "IfVersion" {
				opt = zkstate.IfVersion(r.load().Version)
			}
			faults.BeforeCommit(func() { r.put(`{"interval":10}`) })
			_, err := st.Update(e.ctx, func(c *config) error { runs++; return bump(c) }, opt)
			if !errors.Is(err, zkstate.ErrConflict) || runs != 1 {
				e.Errorf("%s: ran %d times, %v", name, runs, err)
			}
			if got, err := st.Read(); err != nil || got.Interval != 10 {
				e.Errorf("%s: the copy after a conflict is %+v, %v", name, got, err)
			}
			if _, _, err := st.ReadConsistent(e.ctx); err != nil {
				e.Fatal(err)
			}
		}
	})
}

// TestUpdateThatCannotReload: a conflict, and then the store refuses to be read.
func TestUpdateThatCannotReload(t *testing.T) {
	mem := memstore.New()
	faults := storetest.Inject(mem.Attach())
	st, err := zkstate.Open(t.Context(), faults, "/app/config", initial())
	if err != nil {
		t.Fatal(err)
	}
	faults.BeforeCommit(func() {
		rec, err := mem.Load(t.Context(), "/app/config", store.Version{}, store.Local)
		if err == nil {
			_, err = mem.Commit(t.Context(), store.Put{Path: "/app/config", Base: rec.Version, Data: []byte(`{"interval":9}`)})
		}
		if err != nil {
			t.Error(err)
		}
		faults.FailLoads(store.ErrDenied)
	})
	if _, err := st.Update(t.Context(), bump); !errors.Is(err, zkstate.ErrDenied) {
		t.Errorf("update: %v", err)
	}
	faults.FailLoads(nil)
	closeState(t, st)
}

func TestUpdateUnknownOutcome(t *testing.T) {
	faults := storetest.Inject(memstore.New())
	st, err := zkstate.Open(t.Context(), faults, "/app/config", initial())
	if err != nil {
		t.Fatal(err)
	}
	defer closeState(t, st)
	faults.LoseReply()
	runs := 0
	if _, err := st.Update(t.Context(), func(c *config) error { runs++; return bump(c) }); !errors.Is(err, zkstate.ErrUnknownOutcome) || runs != 1 {
		t.Fatalf("ran %d times, %v", runs, err)
	}
	if got, _, err := st.ReadConsistent(t.Context()); err != nil || got.Interval != 2 {
		t.Fatalf("after the lost reply: %+v, %v", got, err)
	}
}

func TestUpdateWaitsForTheStore(t *testing.T) {
	faults := storetest.Inject(memstore.New())
	st, err := zkstate.Open(t.Context(), faults, "/app/config", initial())
	if err != nil {
		t.Fatal(err)
	}
	defer closeState(t, st)
	faults.Fail(store.ErrUnavailable)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = st.Update(ctx, bump)
	if !errors.Is(err, zkstate.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "/app/config") {
		t.Fatalf("store away: %v", err)
	}
	time.AfterFunc(20*time.Millisecond, func() { faults.Fail(nil) })
	if _, err := st.Update(t.Context(), bump); err != nil {
		t.Fatalf("store back: %v", err)
	}
	if got, err := st.Read(); err != nil || got.Interval != 2 {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestOthersFieldsSurvive: this binary's struct does not know all of what is
// stored.
func TestOthersFieldsSurvive(t *testing.T) {
	eachStore(t, func(e *env) {
		r := e.raw()
		r.create(`{"newer":{"deep":[1,2.50]},"labels":{"a":"1","b":"2"},"processes":["x","y"],"interval":1,"big":9007199254740993}`)
		st := e.open()
		steps := []struct {
			fn   func(*config) error
			want string
		}{
			{bump, `{"newer":{"deep":[1,2.50]},"labels":{"a":"1","b":"2"},"processes":["x","y"],"interval":2,"big":9007199254740993}`},
			{func(c *config) error { delete(c.Labels, "a"); c.Labels["c"] = "3"; return nil },
				`{"newer":{"deep":[1,2.50]},"labels":{"b":"2","c":"3"},"processes":["x","y"],"interval":2,"big":9007199254740993}`},
			{func(c *config) error { c.Processes = slices.Insert(c.Processes, 0, "w"); return nil },
				`{"newer":{"deep":[1,2.50]},"labels":{"b":"2","c":"3"},"processes":["w","x","y"],"interval":2,"big":9007199254740993}`},
		}
		for i, step := range steps {
			if _, err := st.Update(e.ctx, step.fn); err != nil {
				e.Fatal(err)
			}
			if got := string(r.load().Data); got != step.want {
				e.Errorf("step %d stored\n%s, want\n%s", i, got, step.want)
			}
		}
	})
}

// celsius writes itself in a form that a merge cannot respect: its encoding holds
// what it computed from the rest.
type celsius struct{ Degrees int }

func (c celsius) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, `{"degrees":%d,"fahrenheit":%d}`, c.Degrees, c.Degrees*9/5+32), nil
}

func (c *celsius) UnmarshalJSON(text []byte) error {
	var in struct{ Degrees, Fahrenheit int }
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	if in.Degrees*9/5+32 != in.Fahrenheit {
		return errors.New("the two scales disagree")
	}
	c.Degrees = in.Degrees
	return nil
}

func TestOwnEncodingIsWrittenWhole(t *testing.T) {
	ctx, mem := t.Context(), memstore.New()
	st, err := zkstate.Open(ctx, mem, "/t", celsius{20})
	if err != nil {
		t.Fatal(err)
	}
	defer closeState(t, st)
	if _, err := st.Update(ctx, func(c *celsius) error { c.Degrees = 30; return nil }); err != nil {
		t.Fatal(err)
	}
	if got, err := st.Read(); err != nil || got.Degrees != 30 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestRawDocuments(t *testing.T) {
	ctx, mem := t.Context(), memstore.New()
	text := `{"z":1,"a":1.0,"n":9007199254740993,"e":1e400}`
	st, err := zkstate.Open(ctx, mem, "/t", json.RawMessage(text))
	if err != nil {
		t.Fatal(err)
	}
	defer closeState(t, st)
	if got, err := st.Read(); err != nil || string(got) != text {
		t.Errorf("%s, %v", got, err)
	}
	for _, bad := range []string{``, `{`, `{"a":1,"a":2}`, "\"\xff\"", `{} {}`} {
		if _, err := st.Update(ctx, func(d *json.RawMessage) error { *d = json.RawMessage(bad); return nil }); err == nil {
			t.Errorf("%q was written", bad)
		}
	}
	if got, _, err := st.ReadConsistent(ctx); err != nil || string(got) != text {
		t.Errorf("after refused updates: %s, %v", got, err)
	}
}

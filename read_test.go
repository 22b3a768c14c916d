package zkstate_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
	"github.com/zkstate/zkstate/store/storetest"
)

// TestReadIsBounded runs on a fake clock: a store that fails must not keep Read
// from serving up to the bound, nor let it serve a moment longer.
func TestReadIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		faults := storetest.Inject(memstore.New())
		st, err := zkstate.Open(t.Context(), faults, "/app/config", initial())
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		time.Sleep(time.Hour) // refreshes go on without any hint
		if _, err := st.Read(); err != nil {
			t.Fatalf("after a quiet hour: %v", err)
		}
		faults.Fail(store.ErrUnavailable)
		snap, err := st.Snapshot()
		if err != nil || snap.Age() > zkstate.DefaultRefresh*3/2 || !snap.Fresh() {
			t.Fatalf("dirty: %+v, %v", snap, err)
		}
		time.Sleep(zkstate.DefaultMaxStaleness - snap.Age())
		if _, err := st.Read(); err != nil {
			t.Fatalf("at the bound: %v", err)
		}
		time.Sleep(time.Nanosecond)
		if _, err := st.Read(); !errors.Is(err, zkstate.ErrStale) {
			t.Fatalf("past the bound: %v", err)
		}
		if snap, err := st.Snapshot(); err != nil || snap.Fresh() || snap.Value.Interval != 1 {
			t.Fatalf("dirty past the bound: %+v, %v", snap, err)
		}
		faults.Fail(nil)
		time.Sleep(2 * zkstate.DefaultRefresh)
		if _, err := st.Read(); err != nil {
			t.Fatalf("after the store came back: %v", err)
		}
	})
}

// TestVerificationIsStampedBeforeTheRequest: what a slow answer proves, it proves
// for the moment the request left.
func TestVerificationIsStampedBeforeTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		faults := storetest.Inject(unconfirming{memstore.New()})
		st, err := zkstate.Open(t.Context(), faults, "/app/config", initial(), zkstate.WithRefresh(time.Hour), zkstate.WithMaxStaleness(2*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		time.Sleep(time.Minute)
		faults.Hang(true)
		read := make(chan error, 1)
		go func() {
			_, _, err := st.ReadConsistent(t.Context())
			read <- err
		}()
		synctest.Wait()
		time.Sleep(20 * time.Second)
		faults.Hang(false)
		if err := <-read; err != nil {
			t.Fatal(err)
		}
		if snap, _ := st.Snapshot(); snap.Age() != 20*time.Second {
			t.Fatalf("age is %v, the request left 20s ago", snap.Age())
		}
	})
}

func TestReadDoesNotAllocate(t *testing.T) {
	st, err := zkstate.Open(t.Context(), memstore.New(), "/app/config", initial())
	if err != nil {
		t.Fatal(err)
	}
	defer closeState(t, st)
	if n := testing.AllocsPerRun(1000, func() {
		_, err := st.Read()
		_, errDirty := st.Snapshot()
		if err := errors.Join(err, errDirty); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("Read and Snapshot allocate %v times", n)
	}
}

// TestReadConsistentSeesFinishedCommits: hints are lost and no refresh is near, so
// only the consistent read itself can bring the news.
func TestReadConsistentSeesFinishedCommits(t *testing.T) {
	eachStore(t, func(e *env) {
		faults := storetest.Inject(e.handle())
		faults.Mute()
		st := openOn(e, faults, zkstate.WithRefresh(time.Hour))
		other := e.open()
		for i := range 20 {
			if _, err := other.Update(e.ctx, func(c *config) error { c.Interval = 100 + i; return nil }); err != nil {
				e.Fatal(err)
			}
			if i == 0 {
				if got, err := st.Read(); err != nil || got.Interval != 1 {
					e.Fatalf("the test's premise: hints are muted, but Read gives %+v, %v", got, err)
				}
			}
			if got, _, err := st.ReadConsistent(e.ctx); err != nil || got.Interval != 100+i {
				e.Fatalf("consistent read gives %+v, %v; %d was committed", got, err, 100+i)
			}
		}
	})
}

// TestReadConsistentSharesRounds: calls that wait share one round, and never the
// one that was under way when they began.
func TestReadConsistentSharesRounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := memstore.New()
		faults := storetest.Inject(mem)
		st, err := zkstate.Open(t.Context(), faults, "/app/config", initial(), zkstate.WithRefresh(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		synctest.Wait()
		before, _ := faults.Calls()
		faults.Hang(true)
		var group sync.WaitGroup
		group.Go(func() { _, _, _ = st.ReadConsistent(t.Context()) })
		synctest.Wait()
		for range 50 {
			group.Go(func() {
				if _, _, err := st.ReadConsistent(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		faults.Hang(false)
		group.Wait()
		after, _ := faults.Calls()
		if rounds := after - before; rounds != 2 {
			t.Errorf("51 calls took %d rounds, want the one under way and one more", rounds)
		}
	})
}

func TestReadConsistentEndsWithContext(t *testing.T) {
	faults := storetest.Inject(memstore.New())
	st, err := zkstate.Open(t.Context(), faults, "/app/config", initial())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { faults.Hang(false); closeState(t, st) }()
	faults.Hang(true)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, _, err := st.ReadConsistent(ctx); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, zkstate.ErrUnavailable) {
		t.Fatalf("hung store: %v", err)
	}
}

// TestLostWatchCostsOneRefresh is the hazard that a follower must not depend on.
func TestLostWatchCostsOneRefresh(t *testing.T) {
	eachStore(t, func(e *env) {
		faults := storetest.Inject(e.handle())
		faults.Mute()
		st := openOn(e, faults, zkstate.WithRefresh(20*time.Millisecond))
		sets := e.changes(st)
		e.raw().put(`{"interval":9}`)
		next(e.T, sets)
		if got, err := st.Read(); err != nil || got.Interval != 9 {
			e.Fatalf("after a lost hint: %+v, %v", got, err)
		}
	})
}

func TestDeletedAndRecreated(t *testing.T) {
	eachStore(t, func(e *env) {
		st, deleter := e.open(), e.open()
		sets := e.changes(st)
		if err := deleter.Delete(e.ctx); err != nil {
			e.Fatal(err)
		}
		if _, err := deleter.Read(); !errors.Is(err, zkstate.ErrDeleted) {
			e.Errorf("Read right after the own Delete: %v", err)
		}
		set := next(e.T, sets)
		if !set.To.IsZero() || len(set.Changes) != 1 || set.Changes[0].Path.Pointer() != "" {
			e.Errorf("the deletion shows as %+v", set)
		}
		for name, err := range map[string]error{
			"Read":           second(st.Read()),
			"ReadConsistent": third(st.ReadConsistent(e.ctx)),
			"Snapshot":       second(st.Snapshot()),
			"Update":         second(st.Update(e.ctx, func(c *config) error { c.Interval++; return nil })),
			"Delete":         st.Delete(e.ctx),
		} {
			if !errors.Is(err, zkstate.ErrDeleted) || !strings.Contains(err.Error(), "/app/config") {
				e.Errorf("%s of a deleted document: %v", name, err)
			}
		}
		e.raw().create(`{"processes":["systemd*","rsync*"],"interval":1}`)
		set = next(e.T, sets)
		if !set.From.IsZero() || set.To.IsZero() {
			e.Errorf("the recreation shows as %+v", set)
		}
		if got, err := st.Read(); err != nil || got.Interval != 1 {
			e.Errorf("Read after recreation: %+v, %v", got, err)
		}
		if _, err := st.Update(e.ctx, func(c *config) error { c.Interval++; return nil }); err != nil {
			e.Errorf("Update after recreation: %v", err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func third[T, U any](_ T, _ U, err error) error { return err }

// hostile is what may stand in a payload that anybody can write, and what the
// reason must name.
var hostile = map[string]string{
	``:                            "",
	`{`:                           "",
	`{"interval":1} trailing`:     "",
	`{"interval":1,"interval":2}`: "interval",
	"{\"processes\":[\"\xff\"]}":  "UTF-8",
	`{"processes":["\ud800"]}`:    "surrogate",
	`{"interval":"secret"}`:       "interval",
	`{"interval":1.5}`:            "interval",
	`{"interval":1e999}`:          "interval",
	`{"interval":-1}`:             "negative",
	`{"processes":"secret"}`:      "processes",
	`[1,2]`:                       "",
	`null`:                        "null",
	`"` + strings.Repeat("a", 10): "",
	strings.Repeat(`{"labels":`, 200) + `1` + strings.Repeat(`}`, 200): "deep",
}

func TestRejectedDocuments(t *testing.T) {
	eachStore(t, func(e *env) {
		st := e.open(zkstate.WithID("watcher"))
		r := e.raw()
		sets := e.changes(st)
		good := 1
		for doc, want := range hostile {
			bad := r.put(doc)
			_, _, err := st.ReadConsistent(e.ctx)
			var rejected *zkstate.RejectedError
			if !errors.Is(err, zkstate.ErrRejected) || !errors.Is(err, zkstate.ErrStale) || !errors.As(err, &rejected) {
				e.Fatalf("%.40q: consistent read gives %v", doc, err)
			}
			if rejected.Version != bad || rejected.Path != "/app/config" || !strings.Contains(rejected.Error(), want) || strings.Contains(err.Error(), "secret") {
				e.Errorf("%.40q is refused as %v", doc, err)
			}
			if got, err := st.Read(); err != nil || got.Interval != good {
				e.Errorf("%.40q: the last good copy is not kept: %+v, %v", doc, got, err)
			}
			_, err = st.Update(e.ctx, func(c *config) error { c.Interval = 50; return nil })
			if !errors.Is(err, zkstate.ErrRejected) {
				e.Errorf("%.40q: update on top gives %v", doc, err)
			}
			if got := r.load(); string(got.Data) != doc {
				e.Errorf("%.40q was written over by a refused update", doc)
			}
			good++
			heal, err := json.Marshal(config{Interval: good})
			if err != nil {
				e.Fatal(err)
			}
			r.put(string(heal))
			if got, _, err := st.ReadConsistent(e.ctx); err != nil || got.Interval != good {
				e.Fatalf("healed after %.40q: %+v, %v", doc, got, err)
			}
			next(e.T, sets)
		}
	})
}

// TestRejectedDocumentDoesNotRefreshTheAge: a bad document must not keep a good
// copy looking fresh.
func TestRejectedDocumentDoesNotRefreshTheAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := memstore.New()
		st, err := zkstate.Open(t.Context(), mem, "/app/config", initial(), zkstate.WithID("me"))
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		put := func(doc string) {
			rec, err := mem.Load(t.Context(), "/app/config", store.Version{}, store.Local)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := mem.Commit(t.Context(), store.Put{Path: "/app/config", Base: rec.Version, Data: []byte(doc)}); err != nil {
				t.Fatal(err)
			}
		}
		put(`{"interval":`)
		time.Sleep(zkstate.DefaultMaxStaleness + zkstate.DefaultRefresh*5/4)
		if _, err := st.Read(); !errors.Is(err, zkstate.ErrStale) || !errors.Is(err, zkstate.ErrRejected) {
			t.Fatalf("Read past the bound: %v", err)
		}
		found, err := st.Listeners(t.Context())
		if err != nil || len(found) != 1 || found[0].Status != zkstate.StatusRejected || found[0].Reason == "" {
			t.Fatalf("listener record: %+v, %v", found, err)
		}
		put(`{"interval":4}`)
		time.Sleep(2 * time.Second) // the record is written at most once a second
		if got, err := st.Read(); err != nil || got.Interval != 4 {
			t.Fatalf("after healing: %+v, %v", got, err)
		}
		snap, _ := st.Snapshot()
		found, err = st.Listeners(t.Context())
		if err != nil || found[0].Status != zkstate.StatusApplied || found[0].Reason != "" || found[0].Applied != snap.Version {
			t.Fatalf("listener record after healing: %+v, %v", found, err)
		}
	})
}

func TestOpenOnARejectedDocument(t *testing.T) {
	eachStore(t, func(e *env) {
		r := e.raw()
		r.create(`{"interval":`)
		if _, err := zkstate.Open(e.ctx, e.handle(), "/app/config", initial()); !errors.Is(err, zkstate.ErrRejected) {
			e.Fatalf("Open: %v", err)
		}
		st := e.open(zkstate.TolerateRejected())
		if _, err := st.Read(); !errors.Is(err, zkstate.ErrRejected) || !errors.Is(err, zkstate.ErrStale) {
			e.Errorf("Read: %v", err)
		}
		if snap, err := st.Snapshot(); err != nil || snap.Fresh() || snap.Value.Interval != 1 {
			e.Errorf("Snapshot: %+v, %v", snap, err)
		}
		add := func(c *config) error { c.Interval += 10; return nil }
		if _, err := st.Update(e.ctx, add); !errors.Is(err, zkstate.ErrRejected) {
			e.Errorf("Update: %v", err)
		}
		if _, err := st.Update(e.ctx, add, zkstate.Overwrite()); err != nil {
			e.Fatalf("Update with Overwrite: %v", err)
		}
		if got, err := st.Read(); err != nil || got.Interval != 11 {
			e.Errorf("healed: %+v, %v", got, err)
		}
		if got := string(r.load().Data); got != `{"processes":["systemd*","rsync*"],"interval":11}` {
			e.Errorf("stored: %s", got)
		}
	})
}

func TestDetectMutation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		found := make(chan error, 10)
		st, err := zkstate.Open(t.Context(), memstore.New(), "/app/config", initial(), zkstate.WithMutationDetector(func(err error) { found <- err }))
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		if _, err := st.Update(t.Context(), func(c *config) error { c.Processes[0] = "own copy"; return nil }); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if len(found) != 0 {
			t.Fatalf("an Update was reported: %v", <-found)
		}
		got, err := st.Read()
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // whatever reads the value has read it
		got.Processes[0] = "scribble"
		if _, err := st.Update(t.Context(), func(c *config) error { c.Interval = 2; return nil }); err != nil {
			t.Fatal(err)
		}
		if err := <-found; !strings.Contains(err.Error(), "/app/config") || strings.Contains(err.Error(), "scribble") {
			t.Errorf("report: %v", err)
		}
	})
}

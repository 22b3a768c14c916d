package metrics_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/metrics"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
)

// state is a State with figures that a test sets.
type state struct{ now zkstate.Stats }

func (s *state) Stats() zkstate.Stats { return s.now }

// newState returns one with counters of n.
func newState(path string, condition zkstate.Condition, n uint64) *state {
	return &state{zkstate.Stats{
		Path: path, Condition: condition, Version: store.NewVersion(1, int64(n), 0),
		VerifiedAge: time.Duration(n) * time.Second, MaxStaleness: 30 * time.Second,
		Updates: map[zkstate.UpdateResult]uint64{zkstate.UpdateCommitted: n},
		Commits: n, LockWaited: time.Duration(n) * time.Second, Queued: int(n), Looks: n + 1, LookFailures: 1,
	}}
}

// handle is a handle with figures that a test sets.
type handle struct {
	store.Store
	now store.Stats
}

func (h *handle) Stats() store.Stats { return h.now }

// figures are what a Set gathers, by metric and labels.
func figures(set *metrics.Set) map[string]float64 {
	found := make(map[string]float64)
	for _, s := range set.Gather() {
		found[s.Metric.Name+" "+strings.Join(s.Labels, " ")] = s.Value
	}
	return found
}

func want(t *testing.T, set *metrics.Set, want map[string]float64) {
	t.Helper()
	found := figures(set)
	for name, value := range want {
		if got, there := found[name]; !there || got != value {
			t.Errorf("%s is %v (%v), want %v", name, got, there, value)
		}
	}
}

// TestSetCombines: States of one document count together: counters are added, and of what
// is now the worst is shown. What a State counted stays when it goes, as long as others of
// its document remain.
func TestSetCombines(t *testing.T) {
	set := metrics.NewSet("s")
	a, b, other := newState("/a", zkstate.ConditionGood, 5), newState("/a", zkstate.ConditionStale, 7), newState("/b", zkstate.ConditionGood, 1)
	set.Add(a, b, other)
	set.Add(a) // again
	both := map[string]float64{
		"zkstate_updates_total s /a committed": 12, "zkstate_updates_total s /a unknown": 0, "zkstate_updates_total s /b committed": 1,
		"zkstate_commits_total s /a": 12, "zkstate_lock_wait_seconds_total s /a": 12, "zkstate_looks_total s /a ok": 12, "zkstate_looks_total s /a failed": 2,
		"zkstate_states s /a good": 1, "zkstate_states s /a stale": 1, "zkstate_verified_age_seconds s /a": 7,
		"zkstate_version_order s /a": 5, "zkstate_updates_queued s /a": 12, "zkstate_max_staleness_seconds s /a": 30,
	}
	want(t, set, both)
	want(t, set, both) // gathering changes nothing

	set.Remove(a)
	set.Remove(a)
	left := map[string]float64{
		"zkstate_updates_total s /a committed": 12, "zkstate_states s /a good": 0, "zkstate_version_order s /a": 7, "zkstate_updates_queued s /a": 7,
	}
	want(t, set, left)
	c := newState("/a", zkstate.ConditionGood, 1)
	set.Add(c)
	b.now.Condition = zkstate.ConditionClosed // so it is removed
	want(t, set, map[string]float64{"zkstate_updates_total s /a committed": 13, "zkstate_states s /a good": 1, "zkstate_states s /a stale": 0})
	set.Remove(c)
	for name := range figures(set) {
		if strings.Contains(name, " /a") {
			t.Errorf("%s is still there", name)
		}
	}
	set.Add(newState("/a", zkstate.ConditionGood, 2))
	want(t, set, map[string]float64{"zkstate_updates_total s /a committed": 2})
}

// TestSetOfWhatNeverWas: a document that was never verified, and one that is deleted.
func TestSetOfWhatNeverWas(t *testing.T) {
	set := metrics.NewSet("s")
	gone := newState("/a", zkstate.ConditionDeleted, 1)
	gone.now.Version, gone.now.VerifiedAge = store.Version{}, math.MaxInt64
	set.Add(gone)
	want(t, set, map[string]float64{"zkstate_verified_age_seconds s /a": math.Inf(1), "zkstate_states s /a deleted": 1})
	if _, there := figures(set)["zkstate_version_order s /a"]; there {
		t.Error("no version has a place in the order")
	}
}

// TestSetOfHandles: handles count together too, and one that counts nothing shows whether
// it is connected.
func TestSetOfHandles(t *testing.T) {
	set := metrics.NewSet("s")
	if found := figures(set); len(found) > 0 {
		t.Errorf("nothing was added, and there is %v", slices.Collect(maps.Keys(found)))
	}
	a := &handle{Store: memstore.New(), now: store.Stats{
		Status: store.Status{Connected: true, LostWatches: 2}, Followed: 3, Requests: 10, Rounds: 4, RoundFailures: 1,
		Resolved: map[store.Resolution]uint64{store.ResolvedApplied: 5},
	}}
	bare := struct{ store.Store }{memstore.New()}
	set.AddStore(a, bare)
	both := map[string]float64{
		"zkstate_store_handles s": 2, "zkstate_store_connected_handles s": 2, "zkstate_store_followed_documents s": 3,
		"zkstate_store_requests_total s": 10, "zkstate_store_rounds_total s ok": 3, "zkstate_store_rounds_total s failed": 1,
		"zkstate_store_lost_watches_total s": 2, "zkstate_store_lost_answers_total s applied": 5, "zkstate_store_lost_answers_total s unknown": 0,
	}
	want(t, set, both)
	set.RemoveStore(a)
	want(t, set, map[string]float64{"zkstate_store_handles s": 1, "zkstate_store_requests_total s": 10, "zkstate_store_followed_documents s": 0})
	set.RemoveStore(bare)
	set.AddStore(memstore.New())
	want(t, set, map[string]float64{"zkstate_store_handles s": 1, "zkstate_store_requests_total s": 0})
}

// TestCountersOnlyGrow: whatever comes and goes while the figures are gathered.
func TestCountersOnlyGrow(t *testing.T) {
	set := metrics.NewSet("s")
	set.Add(newState("/a", zkstate.ConditionGood, 0))
	var comers sync.WaitGroup
	for range 4 {
		comers.Go(func() {
			for range 200 {
				st := newState("/a", zkstate.ConditionGood, 1)
				set.Add(st)
				set.Remove(st)
			}
		})
	}
	before := 0.0
	for done := false; !done; {
		now := figures(set)["zkstate_commits_total s /a"]
		if now < before {
			t.Fatalf("it goes from %v to %v", before, now)
		}
		before, done = now, now == 800
	}
	comers.Wait()
}

// TestNames: the names keep to the conventions of Prometheus.
func TestNames(t *testing.T) {
	seen := make(map[string]bool)
	for _, m := range metrics.All() {
		what := fmt.Sprintf("%s %q", m.Name, m.Help)
		if seen[m.Name] || !strings.HasPrefix(m.Name, "zkstate_") || strings.HasSuffix(m.Name, "_total") != m.Counter || !strings.HasSuffix(m.Help, ".") {
			t.Error(what)
		}
		seen[m.Name] = true
	}
}

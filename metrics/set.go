// Package metrics gathers the figures of a program's States and store handles, and says
// what they are called. Package metrics/prom shows them to Prometheus and package
// metrics/otel to OpenTelemetry, each from a module of its own. docs/OBSERVING.md describes
// every figure.
//
//	set := metrics.NewSet("main")
//	set.AddStore(handle)
//	set.Add(st)
//	prometheus.MustRegister(prom.NewCollector(set))
package metrics

import (
	"slices"
	"sync"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
)

// State is a [zkstate.State] of any type.
type State interface {
	Stats() zkstate.Stats
}

// Set has the figures of one store: of a program's handles on it, and of the States on
// these. States of one document count together, and so do handles. All methods may be
// called concurrently.
type Set struct {
	store string

	counting sync.Mutex // serializes gathering and removing, or a removed State would be counted twice

	mu      sync.Mutex // guards all below
	states  []State
	closed  map[string]zkstate.Stats // by path: counters of States that were removed while others of the path remained
	handles []store.Store
	removed store.Stats // counters of handles that were removed while others remained
}

// NewSet returns a Set for the store that operators know by that name. It is the label
// store of every metric. Sets that are shown together need names of their own.
func NewSet(store string) *Set {
	return &Set{store: store, closed: make(map[string]zkstate.Stats)}
}

// Store is the name of the store.
func (s *Set) Store() string { return s.store }

// Add adds States. One that is closed is removed when the figures are gathered next.
func (s *Set) Add(states ...State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range states {
		if !slices.Contains(s.states, st) {
			s.states = append(s.states, st)
		}
	}
}

// Remove removes a State. What it counted stays counted as long as there are other States
// of its document.
func (s *Set) Remove(st State) {
	s.counting.Lock()
	defer s.counting.Unlock()
	s.remove(st, st.Stats())
}

// remove removes a State that has counted that. counting is held.
func (s *Set) remove(st State, last zkstate.Stats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.states, st)
	if i < 0 {
		return
	}
	s.states = slices.Delete(s.states, i, i+1)
	s.closed[last.Path] = addCounters(s.closed[last.Path], last)
}

// AddStore adds handles. Of one that is not [store.Measured] only its Status is shown.
func (s *Set) AddStore(handles ...store.Store) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range handles {
		if !slices.Contains(s.handles, h) {
			s.handles = append(s.handles, h)
		}
	}
}

// RemoveStore removes a handle, which may be closed. What it counted stays counted as long
// as there are other handles.
func (s *Set) RemoveStore(h store.Store) {
	s.counting.Lock()
	defer s.counting.Unlock()
	last := statsOf(h)
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.handles, h)
	if i < 0 {
		return
	}
	s.handles = slices.Delete(s.handles, i, i+1)
	s.removed = addHandle(s.removed, last)
	if len(s.handles) == 0 {
		s.removed = store.Stats{}
	}
}

func statsOf(h store.Store) store.Stats {
	if m, ok := h.(store.Measured); ok {
		return m.Stats()
	}
	return store.Stats{Status: h.Status()}
}

// Sample is one figure.
type Sample struct {
	Metric *Metric
	Labels []string // the values of Metric.Labels
	Value  float64
}

// Gather returns the present figures.
func (s *Set) Gather() (samples []Sample) {
	s.counting.Lock()
	defer s.counting.Unlock()
	for path, d := range s.documents() {
		for i := range stateMetrics {
			m := &stateMetrics[i]
			m.figures(d, func(value float64, labels ...string) {
				samples = append(samples, Sample{&m.Metric, append([]string{s.store, path}, labels...), value})
			})
		}
	}
	all := s.open()
	if all.open == 0 {
		return samples
	}
	for i := range storeMetrics {
		m := &storeMetrics[i]
		m.figures(all, func(value float64, labels ...string) {
			samples = append(samples, Sample{&m.Metric, append([]string{s.store}, labels...), value})
		})
	}
	return samples
}

// documents returns the figures of each document by its path, and removes the States that
// are closed.
func (s *Set) documents() map[string]*document {
	s.mu.Lock()
	states := slices.Clone(s.states)
	s.mu.Unlock()
	found := make(map[string]*document)
	for _, st := range states {
		stats := st.Stats()
		if stats.Condition == zkstate.ConditionClosed {
			s.remove(st, stats)
			continue
		}
		if found[stats.Path] == nil {
			found[stats.Path] = &document{conditions: make(map[zkstate.Condition]int)}
		}
		found[stats.Path].add(stats)
	}
	s.addClosed(found)
	return found
}

// open returns the figures of the handles.
func (s *Set) open() *handles {
	s.mu.Lock()
	open, all := slices.Clone(s.handles), &handles{Stats: s.removed}
	s.mu.Unlock()
	for _, h := range open {
		all.add(statsOf(h))
	}
	return all
}

// addClosed adds what States counted that were removed, and forgets documents that no State
// is left of.
func (s *Set) addClosed(documents map[string]*document) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for path, counted := range s.closed {
		if d := documents[path]; d != nil {
			d.Stats = addCounters(d.Stats, counted)
		} else {
			delete(s.closed, path)
		}
	}
}

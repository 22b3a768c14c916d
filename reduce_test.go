// One goroutine, for long: see the Makefile.

//go:build !race

package zkstate

import (
	"testing"
	"time"

	"github.com/zkstate/zkstate/store"
)

// model is a store with one document, a State that asks it, and all that may happen
// to them next. Time is counted in commits.
type model struct {
	t        *testing.T
	replay   modelState   // the first of another history that may come
	only     bool         // histories without it were tried already
	states   []modelState // of the document, one per commit and one before them
	asOf     bool         // the store says as of which point a document is absent
	copy     *published[int]
	asks     []modelAsk // that are not answered yet
	event    uint64
	at       []int // for each event, how many commits there were then
	seen     int   // the copy shows this one of states, at the least
	replaced bool  // the store's history was replaced
}

// modelState is the document at one time. order is the store's.
type modelState struct {
	version  Version // zero: absent
	order    int64
	replaces bool // it is the first of another history
}

type modelAsk struct {
	moment
	linearizable bool
}

// TestReduceOnAllHistories tries every history of up to four observations and two
// commits: whatever is asked when, answered as of any moment that its kind allows, and
// delivered in whatever order. One of the commits can be the replacement of the history by one
// whose order is behind, at the same numbers, or beyond. After each delivery:
//
//   - what a linearizable answer decided is at least as new as when it was asked for;
//   - the copy was the newest at a moment not before the one for which it is verified;
//   - the copy does not go back;
//   - one more linearizable look, with nothing else under way, makes it the truth.
func TestReduceOnAllHistories(t *testing.T) {
	t.Parallel()
	first := modelState{version: store.NewVersion(10, 10, 0), order: 10}
	behind := modelState{store.NewVersion(3, 5, 0), 5, true}
	for _, c := range []struct {
		replay     modelState
		asOf, only bool
	}{
		{behind, true, false}, {behind, false, false},
		{modelState{first.version.WithTag(7), first.order, true}, true, true},
		{modelState{store.NewVersion(3, 25, 9), 25, true}, true, true},
	} {
		m := &model{t: t, asOf: c.asOf, replay: c.replay, only: c.only, at: []int{0}}
		m.states = []modelState{first}
		m.copy = &published[int]{snapshot: &snapshot[int]{}}
		m.deliver(modelAsk{m.now(), true}, 0)
		m.explore(4, 2)
	}
}

func (m *model) now() moment {
	m.event++
	m.at = append(m.at, len(m.states)-1)
	return moment{time: time.Unix(int64(m.event), 0), event: m.event}
}

// explore tries everything that may happen next.
func (m *model) explore(asks, commits int) {
	if m.t.Failed() || m.only && !m.replaced && commits == 0 {
		return
	}
	saved := *m
	back := func() {
		at, states, pending := m.at[:len(saved.at)], m.states[:len(saved.states)], saved.asks
		*m = saved
		m.at, m.states, m.asks = at, states, pending
	}
	if asks > 0 {
		for _, linearizable := range []bool{true, false} {
			m.asks = append(append([]modelAsk{}, saved.asks...), modelAsk{m.now(), linearizable})
			m.explore(asks-1, commits)
			back()
		}
	}
	if commits > 0 && len(saved.asks) > 0 { // else it is as if it had come before the first ask
		for _, next := range m.changes() {
			m.states = append(m.states, next)
			m.replaced = m.replaced || next.replaces
			m.explore(asks, commits-1)
			back()
		}
	}
	for i, ask := range saved.asks {
		first := 0 // a server that lags may answer as of any time
		if ask.linearizable {
			first = m.at[ask.event]
		}
		for as := first; as < len(saved.states); as++ {
			m.asks = append(append([]modelAsk{}, saved.asks[:i]...), saved.asks[i+1:]...)
			m.deliver(ask, as)
			m.settles()
			m.explore(asks, commits)
			back()
		}
	}
}

// changes are what may be done to the document next.
func (m *model) changes() []modelState {
	last := m.states[len(m.states)-1]
	order := last.order + 10
	if last.version.IsZero() {
		return []modelState{{version: store.NewVersion(order, order, 0), order: order}}
	}
	next := []modelState{
		{version: store.NewVersion(last.version.Created(), order, last.version.Counter()+1), order: order},
		{version: Version{}, order: order},
	}
	if !m.replaced { // once is enough
		next = append(next, m.replay)
	}
	return next
}

// deliver lets the State observe the document as it was at a time.
func (m *model) deliver(ask modelAsk, as int) {
	state := m.states[as]
	o := observation[int]{rec: store.Record{Version: state.version}, asked: ask.moment, linearizable: ask.linearizable}
	if !state.version.IsZero() {
		o.rec.Data = []byte("1")
	} else if m.asOf {
		o.rec.AsOf = state.order
	}
	next, decided := reduce(m.copy, o, m.now().event)
	if next != nil {
		m.copy = next
	}
	if m.replaced {
		return // only that it becomes the truth is promised, and by the next look
	}
	if ask.linearizable && decided && !m.showsSince(m.at[ask.event]) {
		m.t.Errorf("the copy is older than the call: %+v after %+v as of %d; states %v", m.copy, ask, as, m.states)
	}
	if !m.showsSince(m.seen) {
		m.t.Fatalf("the copy went back: %+v after %+v as of %d; states %v", m.copy, ask, as, m.states)
	}
	for m.states[m.seen].version != m.shown() {
		m.seen++
	}
	if m.copy.replaced != 0 {
		m.t.Errorf("nothing was replaced: %+v after %+v as of %d; states %v", m.copy, ask, as, m.states)
	}
	if v := m.copy.verified; !v.IsZero() && !m.showsSince(m.at[v.Unix()]) {
		m.t.Errorf("verified too late: %+v after %+v as of %d; states %v", m.copy, ask, as, m.states)
	}
}

// shown is the version that reads serve.
func (m *model) shown() Version { return m.copy.version }

// showsSince reports whether the copy was the newest at that time or later.
func (m *model) showsSince(since int) bool {
	for _, s := range m.states[since:] {
		if s.version == m.shown() {
			return true
		}
	}
	return false
}

// settles looks once more, with nothing else under way.
func (m *model) settles() {
	before, events := m.copy, m.event
	o := observation[int]{rec: store.Record{Version: m.states[len(m.states)-1].version}, linearizable: true}
	if !o.rec.Version.IsZero() {
		o.rec.Data = []byte("1")
	} else if m.asOf {
		o.rec.AsOf = m.states[len(m.states)-1].order
	}
	o.asked = moment{time: time.Unix(int64(events)+1, 0), event: events + 1}
	next, decided := reduce(before, o, events+2)
	if next == nil {
		next = before
	}
	if last := m.states[len(m.states)-1]; last.replaces && before.version == m.states[0].version && next.replaced != events+2 {
		m.t.Errorf("the history of %v was replaced, and that is not said: %+v; states %v", before.version, next, m.states)
	}
	if !decided || next.version != o.rec.Version || !next.deleted && !next.verified.Equal(o.asked.time) {
		m.t.Errorf("one more look at %v makes it %+v, decided: %v; states %v", o.rec.Version, next, decided, m.states)
	}
}

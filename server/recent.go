package server

import (
	"slices"

	"github.com/zkstate/zkstate"
)

// Bounds of what is kept of a document's changes, so that streams which are behind or were
// interrupted get them one by one. Beyond that they get the whole document.
const (
	maxRecent      = 1024
	maxRecentBytes = 4 << 20
)

// step is one change set as it is sent.
type step struct {
	from, to zkstate.Version
	frame    []byte
}

// recent are the newest steps of a document, each beginning where the one before it ends.
// The zero value is ready to use.
type recent struct {
	steps []step
	bytes int
}

// add adds a step behind the others. The oldest go if there is no room.
func (r *recent) add(s step) {
	r.steps = append(r.steps, s)
	r.bytes += len(s.frame)
	drop := 0
	for ; len(r.steps)-drop > maxRecent || r.bytes > maxRecentBytes; drop++ {
		r.bytes -= len(r.steps[drop].frame)
	}
	if drop > 0 {
		r.steps = slices.Delete(r.steps, 0, drop)
	}
}

// prepend adds steps before the others, the last ones first, as far as there is room.
func (r *recent) prepend(older []step) {
	first := len(older)
	for ; first > 0; first-- {
		size := len(older[first-1].frame)
		if len(r.steps)+len(older)-first >= maxRecent || r.bytes+size > maxRecentBytes {
			break
		}
		r.bytes += size
	}
	r.steps = slices.Concat(older[first:], r.steps)
}

// after returns the steps that lead from a version to the newest, and whether they are
// known.
func (r *recent) after(version zkstate.Version) ([]step, bool) {
	for i, s := range slices.Backward(r.steps) {
		if s.from.Same(version) {
			return r.steps[i:], true
		}
	}
	return nil, false
}

// oldest is where the steps begin, or newest if there are none.
func (r *recent) oldest(newest zkstate.Version) zkstate.Version {
	if len(r.steps) == 0 {
		return newest
	}
	return r.steps[0].from
}

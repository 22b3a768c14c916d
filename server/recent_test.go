package server

import (
	"testing"

	"github.com/zkstate/zkstate/store"
)

func version(n int64) store.Version { return store.NewVersion(1, n, int32(n)).WithTag(n) }

func stepOf(n int64, size int) step { return step{version(n - 1), version(n), make([]byte, size)} }

// TestRecent: the newest steps are kept, within the bounds, and found by where they begin.
func TestRecent(t *testing.T) {
	var r recent
	for n := int64(2); n < 5000; n++ {
		r.add(stepOf(n, 10))
	}
	if steps, known := r.after(version(4990)); !known || len(steps) != 9 || steps[0].to != version(4991) {
		t.Errorf("%d steps, %v", len(steps), known)
	}
	if len(r.steps) != maxRecent || r.bytes != 10*maxRecent {
		t.Errorf("%d steps with %d bytes are kept", len(r.steps), r.bytes)
	}
	if _, known := r.after(version(5)); known {
		t.Error("what is not kept any more is found")
	}
	r.add(stepOf(5000, maxRecentBytes-5))
	if len(r.steps) != 1 || r.bytes > maxRecentBytes {
		t.Errorf("beside a large one there are %d steps, %d bytes in all", len(r.steps), r.bytes)
	}
	r.add(stepOf(5001, maxRecentBytes+1))
	if len(r.steps) != 0 || r.bytes != 0 || r.oldest(version(5001)) != version(5001) {
		t.Errorf("one that is too large leaves %d steps, %d bytes", len(r.steps), r.bytes)
	}
}

// TestPrepend: as many as there is room for, without a gap.
func TestPrepend(t *testing.T) {
	var r recent
	r.add(stepOf(2000, 10))
	var older []step
	for n := int64(2); n < 2000; n++ {
		older = append(older, stepOf(n, 10))
	}
	r.prepend(older)
	if len(r.steps) != maxRecent || r.bytes != 10*maxRecent || r.steps[maxRecent-2].to != version(1999) {
		t.Errorf("%d steps with %d bytes are kept", len(r.steps), r.bytes)
	}
	for i := 1; i < len(r.steps); i++ {
		if r.steps[i].from != r.steps[i-1].to {
			t.Fatalf("there is a gap before step %d", i)
		}
	}
}

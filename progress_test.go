package zkstate

import (
	"testing"

	"github.com/zkstate/zkstate/store"
)

// TestAppliedInAnotherHistory: a listener that has the numbers of a version, of a history that
// was replaced, has not applied it. One that was written by a program from before there were
// tags is believed by its numbers.
func TestAppliedInAnotherHistory(t *testing.T) {
	v := store.NewVersion(1, 9, 4).WithTag(7)
	p := progress{version: v, self: func(Listener) bool { return false }}
	said := make(map[reported]int)
	for _, l := range []Listener{
		{ID: "it", Applied: v, Status: StatusApplied},
		{ID: "later", Applied: store.NewVersion(1, 10, 5).WithTag(9), Status: StatusApplied},
		{ID: "untagged", Applied: v.WithTag(0), Status: StatusApplied},
		{ID: "undone", Applied: v.WithTag(8), Status: StatusApplied},
		{ID: "older", Applied: store.NewVersion(1, 8, 3).WithTag(8), Status: StatusApplied},
		{ID: "new", Status: StatusApplied},
		{ID: "refuses", Newest: v, Status: StatusRejected},
		{ID: "refused", Newest: v.WithTag(8), Status: StatusRejected},
	} {
		said[p.statusOf(l)]++
	}
	if said[applied] != 3 || said[silent] != 4 || said[rejected] != 1 {
		t.Errorf("%d applied, %d silent, %d rejected", said[applied], said[silent], said[rejected])
	}
}

package store_test

import (
	"testing"

	"github.com/zkstate/zkstate/store"
)

// TestEntriesAround has entries that do not say their order, which may be the ones that are meant.
func TestEntriesAround(t *testing.T) {
	entries := []store.Entry{{Order: 0}, {Order: 3}, {Order: 5}, {Order: 0}, {Order: 0}, {Order: 9}, {Order: 11}}
	for order, want := range map[int64][2]int{
		1: {0, 2}, 3: {0, 3}, 4: {1, 3}, 5: {1, 6}, 7: {2, 6}, 9: {4, 7}, 10: {5, 7}, 11: {5, 7}, 12: {6, 7},
	} {
		got := store.EntriesAround(entries, order)
		if len(got) != want[1]-want[0] || &got[0] != &entries[want[0]] {
			t.Errorf("around %d are %v, want those from %d to %d", order, got, want[0], want[1])
		}
	}
	if got := store.EntriesAround(nil, 1); len(got) != 0 {
		t.Errorf("%v are around nothing", got)
	}
}

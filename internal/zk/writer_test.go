package zk

import (
	"math"
	"testing"
)

// TestXidsStayPositive: the negative ones are of events, pings and authentication.
func TestXidsStayPositive(t *testing.T) {
	w := &writer{xid: math.MaxInt32 - 1}
	if last, first := w.next(), w.next(); last != math.MaxInt32 || first != 1 {
		t.Errorf("after %d comes %d", last, first)
	}
}

package hints_test

import (
	"testing"

	"github.com/zkstate/zkstate/store/internal/hints"
)

func TestHub(t *testing.T) {
	var h hints.Hub
	a1, stopA1 := h.Channel("/a")
	a2, stopA2 := h.Channel("/a")
	b, stopB := h.Channel("/b")
	want := func(what string, counts ...int) {
		t.Helper()
		for i, ch := range []<-chan struct{}{a1, a2, b} {
			if len(ch) != counts[i] {
				t.Errorf("%s: channel %d holds %d hints, want %d", what, i, len(ch), counts[i])
			}
		}
	}
	h.Signal("/a")
	h.Signal("/a")
	want("two signals are one hint", 1, 1, 0)
	<-a1
	h.SignalAll()
	want("all", 1, 1, 1)
	<-a1
	<-a2
	stopA1()
	stopA1()
	h.Signal("/a")
	want("a stopped watch", 0, 1, 1)
	if !h.Any() {
		t.Error("one watch of two is left")
	}
	stopA2()
	stopB()
	if h.Any() {
		t.Error("a watch stayed")
	}
}

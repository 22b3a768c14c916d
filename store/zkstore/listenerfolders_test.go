package zkstore

import (
	"testing"

	"github.com/zkstate/zkstate/internal/zk"
)

// TestListenerWatchIsTold: an event wakes the watchers of its folder and names the record; a
// new connection wakes all, and they begin anew.
func TestListenerWatchIsTold(t *testing.T) {
	s, err := Open(Config{Servers: []string{"127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	a, b := s.WatchListeners("/a").(*listenerWatch), s.WatchListeners("/b").(*listenerWatch)
	for _, w := range []*listenerWatch{a, b} {
		if moved, lost := w.take(); len(moved) > 0 || !lost {
			t.Errorf("at first: moved %v, lost %v", moved, lost)
		}
	}
	s.onEvent(zk.Event{Kind: zk.NodeDataChanged, Path: "/a/listeners/id"})
	s.onEvent(zk.Event{Kind: zk.NodeDataChanged, Path: "/a/payload"})
	if moved, lost := a.take(); len(a.wake) != 1 || len(moved) != 1 || moved[0] != "id" || lost {
		t.Errorf("after an event: moved %v, lost %v, woken %d", moved, lost, len(a.wake))
	}
	if moved, lost := b.take(); len(b.wake) != 0 || len(moved) != 0 || lost {
		t.Errorf("another's event: moved %v, lost %v, woken %d", moved, lost, len(b.wake))
	}
	s.onEvent(zk.Event{Kind: zk.Connected, Conn: 7})
	for _, w := range []*listenerWatch{a, b} {
		if _, lost := w.take(); !lost || len(w.wake) != 1 {
			t.Errorf("after a new connection: lost %v, woken %d", lost, len(w.wake))
		}
	}
	a.Stop()
	s.onEvent(zk.Event{Kind: zk.NodeDataChanged, Path: "/a/listeners/id"})
	if moved, _ := a.take(); len(moved) > 0 {
		t.Errorf("after Stop: %v", moved)
	}
}

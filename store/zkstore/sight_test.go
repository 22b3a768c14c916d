package zkstore

import (
	"testing"

	"github.com/go-zookeeper/zk"
)

// TestSightsOfALostConnection: the answer to a look comes from a connection that has
// been lost since, with its watch.
func TestSightsOfALostConnection(t *testing.T) {
	const full = "/doc/history"
	var s sights
	look := func(meanwhile func()) (known bool) {
		since := s.begin(full)
		meanwhile()
		s.keep(full, since, node{stat: &zk.Stat{}})
		_, known = s.at(full)
		return known
	}
	for what, known := range map[string]bool{
		"nothing":           look(func() {}),
		"event":             !look(func() { s.moved(full) }),
		"lost connection":   !look(s.clear),
		"nothing, later on": look(func() {}),
	} {
		if !known {
			t.Error(what)
		}
	}
}

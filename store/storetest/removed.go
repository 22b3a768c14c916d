package storetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/zkstate/zkstate/store"
)

// RunRemoved tests a store whose listener records other tools can remove: whatever is
// removed comes back by itself, and whoever asks who has to be waited for hears of it all the
// time. remove takes the record <path>/listeners/<id> away.
func RunRemoved(t *testing.T, open Opener, remove func(path, id string)) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	e := &env{t: t, ctx: ctx, open: open}
	s, other := e.handle(), e.handle()
	e.create(s, "/a", "0")
	for i, data := range []string{"first", "second", "third"} {
		if err := s.Announce(ctx, "/a", "removed", []byte(data)); err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			data += ", a receipt"
			version := e.load(s, "/a").Version
			if _, err := s.Commit(ctx, store.Put{Path: "/a", Base: version, Data: []byte(data)},
				store.Receipt{Path: "/a", ID: "removed", Data: []byte(data)}); err != nil {
				t.Fatal(err)
			}
		}
		remove("/a", "removed")
		e.eventually("the record is back", func() error { return e.listed(other, data) })
	}
	if err := s.Withdraw(ctx, "/a", "removed"); err != nil {
		t.Fatal(err)
	}
	if err := other.Announce(ctx, "/a", "removed", []byte("another's")); err != nil {
		t.Fatal(err)
	}
	e.wantListeners(other, "/a", "removed=another's")
}

// listed returns an error if the record is not there with its data. It has to be present or
// absent.
func (e *env) listed(s store.Store, data string) error {
	e.t.Helper()
	present, err := s.Listeners(e.ctx, "/a")
	if err != nil {
		e.t.Fatal(err)
	}
	if len(present) == 1 && string(present[0].Data) == data {
		return nil
	}
	absent, err := s.Absent(e.ctx, "/a", ids(present))
	if err != nil || len(present)+len(absent) != 1 {
		e.t.Fatalf("present %v, absent %v, %v", present, absent, err)
	}
	return fmt.Errorf("present are %v", present)
}

func ids(listeners []store.Listener) (found []string) {
	for _, l := range listeners {
		found = append(found, l.ID)
	}
	return found
}

package storetest

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/zkstate/zkstate/store"
)

// testReceipt has commits that change a listener record with the document.
func testReceipt(t *testing.T, e *env) {
	s, other := e.handle(), e.handle()
	v := e.create(s, "/doc", "0")
	commit := func(s store.Store, base store.Version, n int, id string) error {
		versions, err := s.Commit(e.ctx,
			store.Put{Path: "/doc", Base: base, Data: []byte(strconv.Itoa(n))},
			store.Receipt{Path: "/doc", ID: id, Data: fmt.Append(nil, "receipt ", n)})
		if err == nil && (len(versions) != 2 || !versions[1].IsZero()) {
			t.Fatalf("versions %v", versions)
		}
		if err == nil {
			v = versions[0]
		}
		return err
	}
	if err := commit(s, v, 1, "me"); err != nil { // it was never announced before
		t.Fatal(err)
	}
	e.wantListeners(other, "/doc", "me=receipt 1")
	if err := s.Announce(e.ctx, "/doc", "me", []byte("announced")); err != nil {
		t.Fatal(err)
	}
	for n := 2; n < 6; n++ {
		if err := commit(s, v, n, "me"); err != nil {
			t.Fatal(err)
		}
		e.wantListeners(other, "/doc", fmt.Sprint("me=receipt ", n))
	}
	e.wantErr(commit(s, store.NewVersion(v.Created(), v.Order()-1, v.Counter()-1), 8, "me"), store.ErrConflict)
	e.wantErr(commit(other, v, 9, "me"), store.ErrTaken)
	e.wantErr(commit(s, v, 9, "a/b"), store.ErrInvalidID)
	e.wantListeners(other, "/doc", "me=receipt 5")
	e.wantData(other, "/doc", "5")
	if err := s.Withdraw(e.ctx, "/doc", "me"); err != nil {
		t.Fatal(err)
	}
	if err := commit(other, v, 6, "me"); err != nil {
		t.Fatal(err)
	}
	e.wantListeners(s, "/doc", "me=receipt 6")
}

package storetest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/zkstate/zkstate/store"
)

// wantPlace compares a description of a document with the document itself.
func (e *env) wantPlace(s store.Store, got store.Place, path string, listeners int) {
	e.t.Helper()
	rec := e.load(s, path)
	if got.Path != path || got.Version != rec.Version || got.Size != int64(len(rec.Data)) ||
		!got.Modified.Equal(rec.Time) || got.Listeners != listeners || got.Err != nil {
		e.t.Fatalf("%s is described as %+v, it is at %v of %v, has %d bytes and %d listeners",
			path, got, rec.Version, rec.Time, len(rec.Data), listeners)
	}
}

func testStat(t *testing.T, e *env) {
	s, other := e.handle(), e.handle()
	_, err := s.Stat(e.ctx, "/a/b", store.Linearizable)
	e.wantErr(err, store.ErrNotFound)
	v := e.create(other, "/a/b", `{"x":"1"}`)
	_, err = s.Stat(e.ctx, "/a", store.Linearizable)
	e.wantErr(err, store.ErrNotFound) // a mere folder is no document
	stat := func(listeners int) store.Place {
		t.Helper()
		place, err := s.Stat(e.ctx, "/a/b", store.Linearizable)
		if err != nil {
			t.Fatal(err)
		}
		e.wantPlace(s, place, "/a/b", listeners)
		return place
	}
	created := stat(0).Created
	if err := other.Announce(e.ctx, "/a/b", "one", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	if err := s.SetJournal(e.ctx, "/a/b", 3); err != nil {
		t.Fatal(err)
	}
	stat(1)
	if _, err := other.Commit(e.ctx, store.Put{Path: "/a/b", Base: v, Data: []byte("ü")}, store.Append{Path: "/a/b", Data: []byte("1")}); err != nil {
		t.Fatal(err)
	}
	if again := stat(1); !again.Created.Equal(created) {
		t.Errorf("it was created at %v, and at %v after a change", created, again.Created)
	}
	if err := other.Withdraw(e.ctx, "/a/b", "one"); err != nil {
		t.Fatal(err)
	}
	stat(0)
}

// wantList compares the paths below a folder; a folder's ends in a slash, that of a
// place which is a document and a folder is followed by one in parentheses.
func (e *env) wantList(s store.Store, folder string, mode store.Consistency, want ...string) []store.Place {
	e.t.Helper()
	places, err := s.List(e.ctx, folder, mode)
	if err != nil {
		e.t.Fatalf("list %s: %v", folder, err)
	}
	var got []string
	for _, place := range places {
		switch {
		case place.Folder && place.Version.IsZero():
			got = append(got, place.Path+"/")
		case place.Folder:
			got = append(got, place.Path+"(/)")
		default:
			got = append(got, place.Path)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		e.t.Fatalf("below %s there is %v, want %v", folder, got, want)
	}
	return places
}

func testList(t *testing.T, e *env) {
	s := e.handle()
	e.wantList(s, "/", store.Linearizable)
	for i, path := range []string{"/b", "/a/x", "/a-b", "/a/y/z", "/é", "/a/x/0", "/ab", "/a/x/0/1"} {
		e.create(s, path, strings.Repeat("x", i))
	}
	for _, id := range []string{"one", "two"} {
		if err := s.Announce(e.ctx, "/b", id, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.SetJournal(e.ctx, "/b", 3); err != nil { // the store's own names are no paths
		t.Fatal(err)
	}
	lock, err := s.Lock(e.ctx, "/b", "id")
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []store.Consistency{store.Local, store.Linearizable, store.Creating} {
		for _, place := range e.wantList(s, "/", mode, "/a/", "/a-b", "/ab", "/b", "/é") {
			if place.Path != "/a" {
				e.wantPlace(s, place, place.Path, map[string]int{"/b": 2}[place.Path])
			}
		}
		e.wantPlace(s, e.wantList(s, "/a", mode, "/a/x(/)", "/a/y/")[0], "/a/x", 0)
		e.wantList(s, "/a/x", mode, "/a/x/0(/)")
		e.wantList(s, "/b", mode)
		e.wantList(s, "/none/such", mode)
	}
	if err := lock.Unlock(e.ctx); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"", "a", "/a/", "//", "/../a", "/zookeeper", "/a\x00b"} {
		_, err := s.List(e.ctx, folder, store.Local)
		e.wantErr(err, store.ErrInvalidPath)
	}
}

func testListAcrossHandles(_ *testing.T, e *env) {
	writer, reader := e.handle(), e.handle()
	for i := range 10 {
		path := fmt.Sprint("/folder/", i)
		v := e.create(writer, path, "1")
		e.wantList(reader, "/folder", store.Linearizable, path)
		e.commit(writer, store.Delete{Path: path, Base: v})
		e.wantList(reader, "/folder", store.Linearizable)
	}
}

func testPing(t *testing.T, e *env) {
	s := e.handle()
	pong, err := s.Ping(e.ctx)
	if err != nil || pong.Server == "" || pong.Latency < 0 || pong.Latency > patience {
		t.Fatalf("ping: %+v, %v", pong, err)
	}
	ended, cancel := context.WithDeadline(e.ctx, time.Now().Add(-time.Second))
	defer cancel()
	_, err = s.Ping(ended)
	e.wantErr(err, context.DeadlineExceeded)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = s.Ping(e.ctx)
	e.wantErr(err, store.ErrClosed)
}

package zkstore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zkserver"
	"github.com/zkstate/zkstate/store"
)

// placesBed is a server with a document, a store without chroot, and a plain client.
func placesBed(t *testing.T) (context.Context, store.Store, *plainClient) {
	t.Helper()
	server := zkserver.Standalone(t)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	s := open(t, "", server.Addr())
	t.Cleanup(func() { _ = s.Close() })
	plain := newPlainClient(t, ctx, server.Addr())
	if _, err := s.Commit(ctx, store.Create{Path: "/doc", Data: []byte("1")}); err != nil {
		t.Fatal(err)
	}
	return ctx, s, plain
}

func TestListingWithUnreadablePlaces(t *testing.T) {
	ctx, s, plain := placesBed(t)
	nobody := []zk.ACL{{Perms: zk.PermAll, Scheme: "digest", ID: "nobody:knows"}}
	for _, node := range []struct {
		path string
		acl  []zk.ACL
	}{
		{"/foreign", zk.WorldACL(zk.PermAll)}, // neither a document nor a folder
		{"/payload", zk.WorldACL(zk.PermAll)},
		{"/open", zk.WorldACL(zk.PermAll)},
		{"/open/payload", nobody},
		{"/secret", zk.WorldACL(zk.PermAll)},
		{"/secret/doc", zk.WorldACL(zk.PermAll)},
		{"/secret/doc/payload", zk.WorldACL(zk.PermAll)},
	} {
		plain.call(zk.Create{Path: node.path, Data: []byte("{}"), ACL: node.acl})
	}
	plain.call(zk.SetACL{Path: "/secret", ACL: nobody, Version: zk.AnyVersion})
	places, err := s.List(ctx, "/", store.Linearizable)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, place := range places {
		got = append(got, fmt.Sprintf("%s document:%v folder:%v denied:%v", place.Path, !place.Version.IsZero(), place.Folder, errors.Is(place.Err, store.ErrDenied)))
	}
	want := []string{
		"/doc document:true folder:false denied:false",
		"/open document:true folder:false denied:false", // before 3.9, that it is there needs no permission
		"/secret document:false folder:true denied:true",
	}
	newer := slices.Clone(want)
	newer[1] = "/open document:false folder:false denied:true"
	if !slices.Equal(got, want) && !slices.Equal(got, newer) {
		t.Errorf("listed %q, want %q", got, want)
	}
	if _, err := s.List(ctx, "/secret", store.Local); !errors.Is(err, store.ErrDenied) {
		t.Errorf("listing what cannot be read: %v", err)
	}
	if place, err := s.Stat(ctx, "/secret/doc", store.Local); err != nil || place.Size != 2 {
		t.Errorf("a document in a folder that cannot be listed: %+v, %v", place, err)
	}
}

// TestListingOfAGiant: an answer that is longer than the client accepts ends the
// connection, and with it everybody's calls, so it is not asked for.
func TestListingOfAGiant(t *testing.T) {
	ctx, s, plain := placesBed(t)
	plain.create("/giant", "", zk.Persistent)
	const names, batch = 40_000, 1000
	for i := 0; i < names; i += batch {
		var requests zk.Multi
		for j := range batch {
			path := fmt.Sprintf("/giant/%0120d", i+j)
			requests = append(requests, zk.Create{Path: path, ACL: zk.WorldACL(zk.PermAll)})
		}
		plain.call(requests)
	}
	session := s.Status().Session
	places, err := s.List(ctx, "/", store.Local)
	if err != nil || len(places) != 2 || places[0].Path != "/doc" || !errors.Is(places[1].Err, store.ErrTooLarge) {
		t.Fatalf("the listing is %+v, %v", places, err)
	}
	if _, err := s.List(ctx, "/giant", store.Local); !errors.Is(err, store.ErrTooLarge) {
		t.Fatalf("listing the giant: %v", err)
	}
	if _, err := s.Load(ctx, "/doc", store.Version{}, store.Local); err != nil || s.Status().Session != session {
		t.Fatalf("the connection was lost: %v", err)
	}
}

func TestPingTellsWhoAnswered(t *testing.T) {
	ctx, s, _ := placesBed(t)
	pong, err := s.Ping(ctx)
	if err != nil || !strings.Contains(pong.Server, ":") || pong.Latency <= 0 {
		t.Fatalf("%+v, %v", pong, err)
	}
	if !strings.HasPrefix(pong.Version, "ZooKeeper 3.") || strings.ContainsAny(pong.Version, "-,\n") {
		t.Errorf("version %q", pong.Version) // servers allow srvr unless they are told otherwise
	}
}

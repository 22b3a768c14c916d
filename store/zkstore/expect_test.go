package zkstore

import (
	"math"
	"testing"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zkserver"
)

// TestExpectedVersions: a request for a version is refused at every other one, also where
// the version is the one that means any to the server.
func TestExpectedVersions(t *testing.T) {
	server := zkserver.Standalone(t)
	client, err := zk.Connect(zk.Config{Servers: zk.Hosts{server.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	call := func(request zk.Request) (zk.Reply, error) {
		session, err := client.Session(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return session.Call(t.Context(), request)
	}
	if _, err := call(zk.Create{Path: "/n", ACL: zk.WorldACL(zk.PermAll)}); err != nil {
		t.Fatal(err)
	}
	at := func(version int32) {
		t.Helper()
		if err := server.Restore(zkserver.Wear{Path: "/n", Data: []byte("x"), Version: version}); err != nil {
			t.Fatal(err)
		}
		if found, err := call(zk.Exists{Path: "/n"}); err != nil || found.Stat.Version != version {
			t.Fatalf("it is at %d, want %d: %v", found.Stat.Version, version, err)
		}
	}
	for _, version := range []int32{math.MaxInt32, -2} {
		at(version)
		for range 4 { // over the end
			for _, wrong := range []int32{version - 1, version + 1, -1, 0, 5} {
				if wrong == version {
					continue
				}
				for _, request := range []zk.Multi{setAt("/n", nil, wrong), deleteAt("/n", wrong), checkAt("/n", []byte("x"), wrong)} {
					if _, err := call(request); err == nil {
						t.Errorf("at %d, %v is done", version, request)
					}
				}
			}
			if _, err := call(checkAt("/n", []byte("x"), version)); err != nil {
				t.Errorf("a check at %d: %v", version, err)
			}
			found, err := call(zk.Exists{Path: "/n"})
			if err != nil {
				t.Fatal(err)
			}
			reply, err := call(setAt("/n", []byte("x"), found.Stat.Version))
			if err != nil || !follows(found.Stat.Version, reply.Results[0].Stat.Version) {
				t.Fatalf("a set at %d: %v", found.Stat.Version, err)
			}
			version = reply.Results[0].Stat.Version
		}
	}
	at(-1)
	if _, err := call(deleteAt("/n", -1)); err != nil {
		t.Error(err)
	}
	if _, err := call(zk.Exists{Path: "/n"}); err == nil {
		t.Error("it is there")
	}
}

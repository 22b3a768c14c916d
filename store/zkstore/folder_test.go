package zkstore

import (
	"testing"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store"
)

// TestFoldersOfAnotherHistory: what is known of folders is not believed on a new connection,
// where the same version number may be another folder's.
func TestFoldersOfAnotherHistory(t *testing.T) {
	s, err := Open(Config{Servers: []string{"127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.folders.set("/doc", folder{folderNode: folderNode{exists: true}})
	s.onEvent(zk.Event{Kind: zk.Connected, Conn: 1})
	if _, known := s.folders.get("/doc"); known {
		t.Error("a folder is known that was not looked at on this connection")
	}
}

// TestVersionOfACreation: the document was changed before the commit that created it could look
// which version it had made. That has the time of the creation.
func TestVersionOfACreation(t *testing.T) {
	var changed zk.Reply
	changed.Stat.Czxid, changed.Stat.Mzxid, changed.Stat.Version = 5, 9, 1
	changed.Stat.Ctime, changed.Stat.Mtime = 100, 200
	c := &commit{store: &Store{}, ops: []store.Op{store.Create{Path: "/doc"}}, created: []zk.Reply{changed}, marks: make([]mark, 1)}
	versions, err := c.conclude(t.Context(), nil)
	if want := store.NewVersion(5, 5, 0).WithTag(100); err != nil || versions[0] != want {
		t.Errorf("made %v, want %v; %v", versions, want, err)
	}
}

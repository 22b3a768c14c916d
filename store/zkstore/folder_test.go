package zkstore

import (
	"testing"

	"github.com/zkstate/zkstate/internal/zk"
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

// TestTimeOfACreation: the document was changed before the commit that created it could look when that was. The time
// is that of the creation, and not known if another creation is all that is left.
func TestTimeOfACreation(t *testing.T) {
	var changed zk.Reply
	changed.Stat.Czxid, changed.Stat.Mzxid, changed.Stat.Version = 5, 9, 1
	changed.Stat.Ctime, changed.Stat.Mtime = 100, 200
	if at, err := timeOf(t.Context(), nil, 5, []string{"/doc/payload"}, changed); at != 100 || err != nil {
		t.Errorf("made at %d, want 100; %v", at, err)
	}
	if at, err := timeOf(t.Context(), nil, 4, []string{"/doc/payload"}, changed); err == nil {
		t.Errorf("made at %d, by a creation that came later", at)
	}
}

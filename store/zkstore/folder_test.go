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
	s.folders.set("/doc", folder{exists: true})
	s.onEvent(zk.Event{Kind: zk.Connected, Conn: 1})
	if _, known := s.folders.get("/doc"); known {
		t.Error("a folder is known that was not looked at on this connection")
	}
}

// Package history is the journal of a document: the form of its entries, and how
// they are read.
//
// Where a document's journal is on, every commit of this library writes an entry in
// the same transaction. Tools that write the document by other means write none; what
// they did is made out when the journal is read, from the documents before and after.
package history

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/user"
	"strings"
	"sync"

	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/store"
)

// Note is what a commit writes to the journal.
type Note struct {
	Base      store.Version // that it changed, the zero Version if it created the document
	Who       Who
	Reason    string
	Receipt   string // that the same commit left in the writer's listener record, if any
	Deleted   bool   // it deleted the document
	Changes   []diff.Change
	Document  []byte // that it made, nil if it deleted it
	Truncated bool   // Document, and maybe Changes, were left out: they were too large
}

// Who is who made a commit.
type Who struct {
	ID   string `json:"id"`
	Host string `json:"host"`
	App  string `json:"app"`
	User string `json:"user"`
}

// ActorVariable is the environment variable that says who acts, where that is not the user
// that the process runs as.
const ActorVariable = "ZKSTATE_ACTOR"

// maxActor bounds the name of who acts, in bytes.
const maxActor = 256

// Self is this process, under a listener's id and an application's name. The user is what
// [ActorVariable] says, else the one that the process runs as.
func Self(id, app string) Who {
	host, _ := os.Hostname() // an unknown host is an empty one
	return Who{ID: id, Host: host, App: app, User: currentUser()}.As(os.Getenv(ActorVariable))
}

// As is w with another user, if the name is not empty. What is longer than 256 bytes is cut.
func (w Who) As(user string) Who {
	if user == "" {
		return w
	}
	if len(user) > maxActor {
		user = user[:maxActor]
	}
	w.User = strings.ToValidUTF8(user, "")
	return w
}

// currentUser is the name of the user that this process runs as, "" if it has none.
var currentUser = sync.OnceValue(func() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return u.Username
})

// String is the user, the application and the host, as in "ann (zkstate on web1)".
func (w Who) String() string {
	if w.User == "" {
		return fmt.Sprintf("%s on %s", w.App, w.Host)
	}
	return fmt.Sprintf("%s (%s on %s)", w.User, w.App, w.Host)
}

// form is a Note as it is stored.
type form struct {
	Base store.Version `json:"base"`
	Who
	Reason    string          `json:"why,omitempty"`
	Receipt   string          `json:"receipt,omitempty"`
	Deleted   bool            `json:"deleted,omitempty"`
	Truncated bool            `json:"cut,omitempty"`
	Changes   []diff.Change   `json:"changes,omitempty"`
	Document  json.RawMessage `json:"document,omitempty"`
	Packed    []byte          `json:"packed,omitempty"` // gzip of the changes as a line of JSON, and the document
}

// Encode returns the entry for a journal, in at most room bytes: if need be without
// the document, or without the changes as well. What remains fits into
// [store.AppendAllowance]; a reason longer than a quarter of that is shortened.
func (n Note) Encode(room int) ([]byte, error) {
	if limit := store.AppendAllowance / 4; len(n.Reason) > limit {
		n.Reason = string(bytes.ToValidUTF8([]byte(n.Reason[:limit]), nil)) + "…"
	}
	plain := form{
		Base: n.Base, Who: n.Who, Reason: n.Reason, Receipt: n.Receipt, Deleted: n.Deleted, Truncated: n.Truncated,
		Changes: n.Changes, Document: n.Document,
	}
	if len(n.Document) < packFrom && isCompact(n.Document) {
		if entry, err := marshal(plain); err != nil || len(entry) <= min(room, packFrom) {
			return entry, err
		}
	}
	changes, err := marshal(n.Changes)
	if err != nil {
		return nil, err
	}
	tooMany := len(changes) > maxChanges
	if tooMany {
		changes = []byte("null")
	}
	for _, document := range [][]byte{n.Document, nil} {
		packed, err := pack(changes, document)
		if err != nil {
			return nil, err
		}
		f := plain
		f.Changes, f.Document, f.Packed = nil, nil, packed
		f.Truncated = n.Truncated || tooMany || document == nil && !n.Deleted
		if entry, err := marshal(f); err != nil || len(entry) <= room {
			return entry, err
		}
	}
	plain.Changes, plain.Document, plain.Truncated = nil, nil, true
	return marshal(plain)
}

// isCompact reports whether document survives being embedded byte by byte.
func isCompact(document []byte) bool {
	var compact bytes.Buffer
	return document == nil || json.Compact(&compact, document) == nil && bytes.Equal(compact.Bytes(), document)
}

func marshal(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}

// Decode reads what [Note.Encode] wrote.
func Decode(entry []byte) (Note, error) {
	n, packed, err := decode(entry)
	if err == nil && packed != nil {
		n.Changes, _, err = unpackChanges(packed, maxChanges)
		if err == nil {
			n.Document, err = unpackDocument(packed)
		}
	}
	if err != nil {
		return Note{}, fmt.Errorf("journal entry: %w", err)
	}
	return n, nil
}

// decode reads an entry, and leaves packed what is packed.
func decode(entry []byte) (n Note, packed []byte, err error) {
	var f form
	if err := json.Unmarshal(entry, &f); err != nil {
		return Note{}, nil, err
	}
	return Note{
		Base: f.Base, Who: f.Who, Reason: f.Reason, Receipt: f.Receipt, Deleted: f.Deleted,
		Changes: f.Changes, Document: f.Document, Truncated: f.Truncated,
	}, f.Packed, nil
}

package server

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/diff"
)

// The events of a stream.
type (
	// documentEvent is the whole document.
	documentEvent struct {
		Path    string          `json:"path"`
		Version zkstate.Version `json:"version"` // "-": there is none, and Value is null
		Value   json.RawMessage `json:"value"`
		Cause   string          `json:"cause"` // one of the causes
	}
	// changesEvent is what changed.
	changesEvent struct {
		zkstate.ChangeSet
		Seen time.Time `json:"seen"` // when the server did
	}
	// statusEvent says how the document is.
	statusEvent struct {
		Status  string           `json:"status"` // one of the statuses
		Version *zkstate.Version `json:"version,omitempty"`
		Pointer string           `json:"pointer,omitempty"`
		Offset  *int64           `json:"offset,omitempty"`
		Reason  string           `json:"reason,omitempty"`
	}
	// endEvent is the last one.
	endEvent struct {
		Reason string `json:"reason"`
	}
)

// Why a stream gets the whole document.
const (
	causeStart   = "start"
	causeUnknown = "unknown-version" // it cannot be told what changed since Last-Event-ID
	causeBehind  = "behind"          // the client reads too slowly
)

// How a document can be.
const (
	statusGood        = "good"
	statusRejected    = "rejected"
	statusDeleted     = "deleted"
	statusUnreachable = "unreachable"
)

// frame writes an event. The id is left out if it is empty.
func frame(event, id string, value any) []byte {
	data, err := encode(value) // one line
	if err != nil {
		data = []byte("null\n") // what was checked on arrival can be encoded
	}
	head := "event: " + event + "\n"
	if id != "" {
		head += "id: " + id + "\n"
	}
	return fmt.Appendf(nil, "%sdata: %s\n", head, data)
}

// changesFrame writes what changed. Where it was read from a journal, nobody saw it happen.
func changesFrame(set zkstate.ChangeSet, seen time.Time) []byte {
	if set.Changes == nil {
		set.Changes = []diff.Change{}
	}
	return frame("changes", set.To.String(), changesEvent{set, seen.UTC()})
}

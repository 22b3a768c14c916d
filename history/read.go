package history

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/store"
)

// ErrOff means that the document has no journal.
var ErrOff = errors.New("the journal is off")

// ErrNotKept means that a version, or its document, is not in the journal. It matches
// [store.ErrNotFound] too.
var ErrNotKept = fmt.Errorf("not in the journal, %w", store.ErrNotFound)

// Entry is one step in a document's history. In JSON it is
//
//	{"version":"3.100000007.100000002","time":"…","who":{"id","host","app","user"},"why":"…","changes":[…]}
type Entry struct {
	Version store.Version `json:"version"` // that the step made; of a deletion only Order and String tell it from others
	Time    time.Time     `json:"time"`    // of the commit, by the store's clock; zero where it is not known
	Who     Who           `json:"who"`
	Why     string        `json:"why"`
	Changes []diff.Change `json:"changes"`

	// Outside means that the step was made by other means than this library: nobody
	// knows by whom and why. It stands for that many writes, of which Changes is the
	// net effect.
	Outside int  `json:"outside,omitempty"`
	Deleted bool `json:"deleted,omitempty"` // the document
	Cut     bool `json:"cut,omitempty"`     // Changes, or the document, were not kept

	base     store.Version
	document []byte // after the step, nil if there was none or it is not known
}

// Document returns the document as the step made it, nil if it deleted it, or if it is
// not known any more. The caller must not change it.
func (e Entry) Document() []byte { return e.document }

// Read returns the history of the document at path, oldest first, as far as the
// journal keeps it. It writes nothing. Read blocks until the store answers, at most
// until ctx ends. Errors: [ErrOff], and those of [store.Store.Journal].
func Read(ctx context.Context, s store.Store, path string) ([]Entry, error) {
	// The document first: whatever is committed after that has its entry.
	rec, err := s.Load(ctx, path, store.Version{}, store.Linearizable)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	keep, stored, err := s.Journal(ctx, path, math.MaxInt)
	if err != nil {
		return nil, err
	}
	if keep == 0 {
		return nil, fmt.Errorf("history of %s: %w", path, ErrOff)
	}
	var entries []Entry
	for _, raw := range stored {
		entry := decode(raw)
		if len(entries) > 0 {
			entries = appendOutside(entries, entry.before())
		}
		entries = append(entries, entry)
	}
	if n := len(entries); rec.Version.IsZero() && n > 0 && !entries[n-1].Deleted {
		// Gone by other means than ours, or created since the look.
		if rec, err = s.Load(ctx, path, store.Version{}, store.Linearizable); err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
	}
	if n := len(entries); n == 0 || rec.Version.IsZero() || entries[n-1].Version.Before(rec.Version) {
		entries = appendOutside(entries, Entry{Version: rec.Version, Time: rec.Time, document: rec.Data})
	}
	return entries, nil
}

// Find returns the entry that made version, if its document is known. The error
// matches [ErrNotKept].
func Find(entries []Entry, version store.Version) (Entry, error) {
	for _, e := range slices.Backward(entries) {
		switch {
		case e.Version != version || e.Deleted:
		case e.document == nil:
			return Entry{}, fmt.Errorf("the document of version %v was too large, or another tool wrote it: %w", version, ErrNotKept)
		default:
			return e, nil
		}
	}
	return Entry{}, fmt.Errorf("version %v is older than the rest, or never was, or another tool wrote over it: %w", version, ErrNotKept)
}

func decode(raw store.Entry) Entry {
	note, err := Decode(raw.Data)
	e := Entry{
		Time: raw.Time, Who: note.Who, Why: note.Why, Changes: note.Changes, Deleted: note.Deleted,
		Cut: note.Cut || err != nil, base: note.Base, document: note.Document,
	}
	switch {
	case note.Base.IsZero():
		e.Version = store.NewVersion(raw.Order, raw.Order, 0)
	default:
		e.Version = store.NewVersion(note.Base.Created(), raw.Order, note.Base.Counter()+1)
	}
	return e
}

// before is the state that an entry's commit found, as if a step of its own had made
// it.
func (e Entry) before() Entry {
	found := Entry{Version: e.base}
	if e.Cut || e.base.IsZero() {
		return found
	}
	inverse := diff.Invert(e.Changes)
	if document, err := diff.Apply(e.document, inverse); err == nil {
		found.document = document
	}
	return found
}

// appendOutside adds a step that was made from outside, if the last entry is not the
// one that made found already.
func appendOutside(entries []Entry, found Entry) []Entry {
	var last Entry
	if len(entries) > 0 {
		last = entries[len(entries)-1]
	}
	gone := last.Deleted || last.Version.IsZero()
	switch {
	case found.Version.IsZero() && gone, found.Version == last.Version && !gone:
		return entries
	case found.Version.IsZero():
		found.Deleted = true
	case found.document == nil:
		found.Cut = true
	}
	found.Outside = 1
	if !gone && !found.Deleted {
		found.Outside = found.Version.Since(last.Version)
	}
	if last.Cut && len(entries) > 0 || len(entries) == 0 {
		found.Cut = true
	} else if changes, err := diff.Diff(last.document, found.document); err == nil {
		found.Changes = changes
	} else {
		found.Cut = true // it was broken
	}
	return append(entries, found)
}

package history

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/store"
)

// ErrOff means that the document has no journal.
var ErrOff = errors.New("the journal is off")

// ErrNotKept means that a version, or its document, is not in the journal. It matches
// [store.ErrNotFound] too.
var ErrNotKept error = notKept{}

type notKept struct{}

func (notKept) Error() string { return "not in the journal" }

func (notKept) Is(target error) bool { return target == store.ErrNotFound }

// Entry is one step in a document's history. In JSON it is
//
//	{"version":"3.100000007.100000002.19ab5c7d3e0","time":"…","who":{"id","host","app","user"},"reason":"…","changes":[…]}
type Entry struct {
	Version store.Version `json:"version"` // that the step made; of a deletion only Order and String tell it from others
	Time    time.Time     `json:"time"`    // of the commit, by the store's clock; zero where it is not known
	Who     Who           `json:"who"`
	Reason  string        `json:"reason"`
	Changes []diff.Change `json:"changes"`

	// External means that the step was made by other means than this library: nobody
	// knows by whom and why. It is how many writes the step stands for, and Changes is
	// their net effect.
	External  int  `json:"external,omitempty"`
	Deleted   bool `json:"deleted,omitempty"`   // the document
	Truncated bool `json:"truncated,omitempty"` // Changes, or the document, were not kept

	// Unreadable says why the journal's entry, or a part of it, cannot be read: its
	// permissions are for others, or it is not one of ours. What it says is not known
	// then, and Version is zero unless its neighbours tell it.
	Unreadable string `json:"unreadable,omitempty"`

	order    int64 // of Version, if that is not known
	base     store.Version
	document []byte // after the step, nil if there was none or it is not known
	packed   []byte // has the document, if it is not nil
}

// Document returns the document as the step made it, nil if it deleted it, or if it is
// not known any more. The caller must not change it. It may have to be unpacked anew at
// each call.
func (e Entry) Document() []byte {
	if e.document != nil || e.packed == nil {
		return e.document
	}
	document, err := unpackDocument(e.packed)
	if err != nil {
		return nil
	}
	return document
}

// Read returns the newest steps in the history of the document at path, oldest first, as
// far as the journal keeps them; math.MaxInt asks for all. It costs what is read, however
// long the journal is, and writes nothing. An entry that cannot be read is Unreadable and
// fails no other; what it takes to unpack hostile ones is bounded. Read blocks until the
// store answers, at most until ctx ends. Errors: [ErrOff], or [store.ErrNotFound] if there
// is no document either, those of [store.Store.Journal], and the context's.
func Read(ctx context.Context, s store.Store, path string, newest int) ([]Entry, error) {
	entries, err := read(ctx, s, path, func() (int, []store.Entry, error) {
		// One entry more, which tells whether the first step has one from outside before it.
		return s.Journal(ctx, path, max(newest, newest+1))
	})
	return entries[len(entries)-min(len(entries), max(0, newest)):], err
}

// At returns the step that made version, if its document is known. It reads the entries
// next to it and no others, however long the journal is. Errors: [ErrNotKept], and those
// of [Read].
func At(ctx context.Context, s store.Store, path string, version store.Version) (Entry, error) {
	entries, err := read(ctx, s, path, func() (int, []store.Entry, error) {
		return s.JournalAround(ctx, path, version.Order())
	})
	if err != nil {
		return Entry{}, err
	}
	entry, err := find(entries, version)
	if err != nil {
		return Entry{}, fmt.Errorf("history of %s: %w", path, err)
	}
	return entry, nil
}

// read makes steps of what journal returns, and of the document as it is.
func read(ctx context.Context, s store.Store, path string, journal func() (int, []store.Entry, error)) ([]Entry, error) {
	// The document first: whatever is committed after that has its entry.
	rec, err := s.Load(ctx, path, store.Version{}, store.Linearizable)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	keep, stored, err := journal()
	if err != nil {
		return nil, err
	}
	if keep == 0 && rec.Version.IsZero() {
		return nil, fmt.Errorf("history of %s: document %w, and no journal of it", path, store.ErrNotFound)
	}
	if keep == 0 {
		return nil, fmt.Errorf("history of %s: %w", path, ErrOff)
	}
	entries, err := assemble(ctx, stored)
	if err != nil {
		return nil, fmt.Errorf("history of %s: %w", path, err)
	}
	if n := len(entries); rec.Version.IsZero() && n > 0 && !entries[n-1].Deleted {
		// Gone by other means than ours, or created since the look.
		if rec, err = s.Load(ctx, path, store.Version{}, store.Linearizable); err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
	}
	present := Entry{Version: rec.Version, Time: rec.Time, document: rec.Data}
	identify(entries, present)
	if n := len(entries); n == 0 || rec.Version.IsZero() || entries[n-1].Version.Before(rec.Version) {
		entries = appendExternal(entries, present)
	}
	return entries, nil
}

// assemble makes a history of a journal's entries.
func assemble(ctx context.Context, stored []store.Entry) ([]Entry, error) {
	steps := make([]Entry, len(stored))
	budget := maxUnpacked
	for i, raw := range slices.Backward(stored) { // the newest count most
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		steps[i] = unpack(raw, &budget)
	}
	var entries []Entry
	for _, step := range steps {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if len(entries) > 0 && !step.Version.IsZero() {
			found := step.before(entries[len(entries)-1], &budget)
			identify(entries, found)
			entries = appendExternal(entries, found)
		}
		entries = append(entries, step)
	}
	return entries, nil
}

// identify gives the last entry its version and document, if that could not be read and
// found is what it made.
func identify(entries []Entry, found Entry) {
	if len(entries) == 0 {
		return
	}
	last := &entries[len(entries)-1]
	if last.Version.IsZero() && !found.Version.IsZero() && last.order == found.Version.Order() {
		last.Version, last.document = found.Version, found.document
	}
}

// find returns the entry that made version, if its document is known. The error
// matches [ErrNotKept].
func find(entries []Entry, version store.Version) (Entry, error) {
	for _, e := range slices.Backward(entries) {
		switch {
		case !e.Version.Same(version) || e.Deleted:
		case e.Document() == nil && e.Unreadable != "":
			return Entry{}, fmt.Errorf("the entry of version %v cannot be read (%s): %w", version, e.Unreadable, ErrNotKept)
		case e.Document() == nil:
			return Entry{}, fmt.Errorf("the document of version %v was too large, or another tool wrote it: %w", version, ErrNotKept)
		default:
			return e, nil
		}
	}
	return Entry{}, fmt.Errorf("version %v is older than the rest, or never was, or another tool wrote over it: %w", version, ErrNotKept)
}

// maxUnpacked bounds what one Read unpacks, in bytes.
const maxUnpacked = 8 << 20

// unpack makes a step of a journal's entry. budget is how much may be unpacked for that,
// and how much is left then.
func unpack(raw store.Entry, budget *int) Entry {
	unreadable := func(err error) Entry {
		return Entry{Time: raw.Time, Truncated: true, Unreadable: err.Error(), order: raw.Order}
	}
	if raw.Err != nil {
		return unreadable(raw.Err)
	}
	note, packed, err := decode(raw.Data)
	if err != nil {
		return unreadable(errors.New("it is not an entry of this library"))
	}
	e := Entry{
		Time: raw.Time, Who: note.Who, Reason: note.Reason, Changes: note.Changes, Deleted: note.Deleted,
		Truncated: note.Truncated, base: note.Base, document: note.Document, packed: packed,
	}
	if packed != nil {
		var size int
		e.Changes, size, err = unpackChanges(packed, min(maxChanges, *budget))
		*budget -= size
		if err != nil {
			e.Changes, e.Truncated, e.Unreadable = nil, true, "the changes: "+err.Error()
		}
	}
	e.Version = store.NewVersion(raw.Order, raw.Order, 0).WithTag(raw.Tag)
	if !note.Base.IsZero() {
		e.Version = store.NewVersion(note.Base.Created(), raw.Order, note.Base.Counter()+1).WithTag(raw.Tag)
	}
	return e
}

// before is the state that an entry's commit found, as if a step of its own had made
// it. Its document is made out only where it is not the one that last made, and as far as
// the budget goes.
func (e Entry) before(last Entry, budget *int) Entry {
	found := Entry{Version: e.base}
	if e.Truncated || e.base.IsZero() || e.base.Same(last.Version) || *budget <= 0 {
		return found
	}
	if e.packed != nil {
		*budget -= maxDocument // at the most
	}
	if document, err := diff.Apply(e.Document(), diff.Invert(e.Changes)); err == nil {
		found.document = document
	}
	return found
}

// appendExternal adds a step that was made from outside, if the last entry is not the
// one that made found already.
func appendExternal(entries []Entry, found Entry) []Entry {
	var last Entry
	if len(entries) > 0 {
		last = entries[len(entries)-1]
	}
	gone := last.Deleted || last.Version.IsZero()
	switch {
	case found.Version.IsZero() && gone, found.Version.Same(last.Version) && !gone:
		return entries
	case found.Version.IsZero():
		found.Deleted = true
	case found.document == nil:
		found.Truncated = true
	}
	found.External = 1
	if !gone && !found.Deleted {
		found.External = found.Version.Since(last.Version)
	}
	if last.Truncated && len(entries) > 0 || len(entries) == 0 {
		found.Truncated = true
	} else if changes, err := diff.Diff(last.Document(), found.document); err == nil {
		found.Changes = changes
	} else {
		found.Truncated = true // it was broken
	}
	return append(entries, found)
}

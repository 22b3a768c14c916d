package zkstate

import (
	"errors"
	"fmt"

	"github.com/zkstate/zkstate/history"
	"github.com/zkstate/zkstate/internal/printable"
	"github.com/zkstate/zkstate/store"
)

// What errors match under errors.Is, grouped by the moment they are met. Every
// error names the document's path and says what to do; none contains a
// document's values.
var (
	// Opening. ErrNotFound: NoCreate or Observer was given, or Expect's context
	// ended, and nobody has created the document. ErrExists: CreateOnly was given,
	// and there is a document. ErrInvalidPath and ErrInvalidID: the arguments are
	// malformed.
	ErrNotFound    = store.ErrNotFound
	ErrExists      = store.ErrExists
	ErrInvalidPath = store.ErrInvalidPath
	ErrInvalidID   = store.ErrInvalidID

	// Reading. ErrStale: the copy was not verified within MaxStaleness.
	// ErrRejected: the stored document is not a good T; see [RejectedError].
	// ErrDeleted: the document was deleted; the State follows on recreation.
	ErrStale    = errors.New("stale")
	ErrRejected = errors.New("document rejected")
	ErrDeleted  = errors.New("document deleted")

	// Updating. ErrConflict: somebody else committed first and a retry was not
	// allowed. ErrTooLarge: the document exceeds the store's limit; nothing was
	// sent. ErrUnknownOutcome: the answer to a commit was lost; it was applied
	// once or not at all. ErrReadOnly: the State was opened with Observer. ErrLocked:
	// the context of an exclusive update ended while somebody else had the lock.
	ErrConflict       = store.ErrConflict
	ErrTooLarge       = store.ErrTooLarge
	ErrUnknownOutcome = store.ErrUnknownOutcome
	ErrReadOnly       = errors.New("read-only")
	ErrLocked         = store.ErrLocked

	// Waiting. ErrNotApplied: the update is committed, and not everybody has applied
	// it; see [NotAppliedError].
	ErrNotApplied = errors.New("not applied")

	// Reading the history. ErrNoJournal: the document's journal is off.
	ErrNoJournal = history.ErrOff

	// Any time. ErrUnavailable: the store did not answer. ErrDenied: it refused
	// the right; ErrAuthRequired: for want of credentials. ErrQuota: somebody limited
	// what may be stored there. ErrEphemeralParent: nothing can be created below a
	// znode that goes with its session. ErrDamaged: the store's file is malformed.
	// ErrClosed: the State or its store was closed.
	ErrUnavailable     = store.ErrUnavailable
	ErrDenied          = store.ErrDenied
	ErrAuthRequired    = store.ErrAuthRequired
	ErrQuota           = store.ErrQuota
	ErrEphemeralParent = store.ErrEphemeralParent
	ErrDamaged         = store.ErrDamaged
	ErrClosed          = store.ErrClosed
)

// RejectedError says where and why a stored document was refused. It matches
// [ErrRejected], and through Read [ErrStale] too. Reason never quotes the
// document; a Validate method's own words are passed on as they are.
type RejectedError struct {
	Path    string  // of the document
	Version Version // that was refused
	Pointer string  // the place as a JSON Pointer, where known
	Offset  int64   // the place in bytes from the start, -1 where not known
	Reason  string
}

// Error implements error.
func (e *RejectedError) Error() string {
	return fmt.Sprintf("%s: document rejected: %s%s: write a good document, or update with Overwrite", e.Path, printable.Line(e.place()), printable.Line(e.Reason))
}

// place is where, as the beginning of a sentence.
func (e *RejectedError) place() string {
	place := ""
	if e.Pointer != "" {
		place = e.Pointer + ": "
	}
	if e.Offset >= 0 {
		place = fmt.Sprintf("byte %d: ", e.Offset) + place
	}
	return place
}

// Is reports whether target is [ErrRejected].
func (e *RejectedError) Is(target error) bool { return target == ErrRejected }

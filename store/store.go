// Package store says what a backend must do to carry zkstate documents.
//
// A backend holds documents (opaque bytes under a slash-separated path), tells
// who is listening to them, and hints when somebody should look again. Package
// storetest is this page as executable tests; every backend passes it.
//
// A document's bytes mean nothing to a Store: it neither parses nor repairs
// them. What is a good document is decided by the caller on the way in and out.
package store

import (
	"context"
	"slices"
	"time"
)

// Store is one handle on a backend: one session in ZooKeeper's sense. All
// methods may be called concurrently. Every error matches one of the sentinels
// in this package, or the context's error, under [errors.Is].
type Store interface {
	// Load returns the document at path. If its version equals known, the
	// Record comes back without Data, and the backend saves the transfer.
	//
	// With [Local] the answer may lag behind other handles, but never behind
	// what this handle has shown or committed before. With [Linearizable] it is
	// at least as new as every commit that finished, anywhere, before the call
	// began.
	//
	// Load blocks for a round trip, at most until ctx ends. Errors:
	// [ErrNotFound], [ErrTooLarge] (the document is larger than the backend can send; the
	// Record has its Version and Time), [ErrUnavailable], [ErrDenied], [ErrInvalidPath],
	// [ErrClosed]. The caller owns Data.
	Load(ctx context.Context, path string, known Version, mode Consistency) (Record, error)

	// Commit applies all ops or none, and returns one version per op: that of the
	// document for a Create or a Put, the zero Version for the rest. Missing
	// parents of a created document are made.
	//
	// Errors: [ErrConflict], [ErrExists], [ErrNotFound], [ErrTaken], [ErrJournal] and
	// [ErrLockLost] mean that the first op which did not fit stopped the whole set;
	// [ErrTooLarge], [ErrQuota], [ErrEphemeralParent], [ErrInvalidPath], [ErrInvalidID],
	// [ErrDenied], [ErrDamaged], [ErrUnavailable] and [ErrClosed] also mean that nothing was applied, and that
	// nothing of it will be. [ErrUnknownOutcome] means that the answer was lost: the
	// set was applied wholly or not at all. A set with a [Receipt] is only left
	// unknown if ctx or the handle ended on the way, or if what could tell was lost
	// with the session.
	//
	// The store keeps no reference to an op's Data.
	Commit(ctx context.Context, ops ...Op) ([]Version, error)

	// Watch follows the document at path until [Watcher.Stop]. every is how often the
	// watcher wants the document to be confirmed: one round of the handle does it for all
	// its watchers, as often as the most demanding of them wants. Watch never blocks.
	//
	// hint is called where the caller should look again: the document may have been created,
	// changed or deleted, or the connection may have been replaced so that news could have
	// been missed. A hint is owed for every change after a Load that began after Watch
	// returned; every such Load renews it. Hints carry no data, may be spurious, and can be
	// lost: a follower also looks by itself where Confirmed does not advance. hint is called
	// concurrently, and maybe once more after Stop; it must return at once and must not call
	// the Store.
	Watch(path string, every time.Duration, hint func()) Watcher

	// Announce makes the listener record <path>/listeners/<id> exist with the
	// given content, owned by this handle. It lives until Withdraw, until the
	// handle is closed, or until its process dies; a backend whose sessions can
	// be lost puts it back by itself. Announcing again replaces the content.
	// Missing parents are made.
	//
	// [ErrTaken] means that another live handle owns the id; nothing is
	// written then. Other errors as for Load, and [ErrInvalidID].
	Announce(ctx context.Context, path, id string, data []byte) error

	// Withdraw removes a record that this handle announced. Removing what is
	// not there is no error; another handle's record is never touched. If ctx ends
	// or the backend is away first, the error says so, and the handle goes on in the
	// background until the record is gone or announced again.
	Withdraw(ctx context.Context, path, id string) error

	// Listeners returns the records of all live handles, ordered by id. A
	// document without listeners, or no document, gives an empty list. A record that
	// cannot be read comes with Err, and fails no other.
	Listeners(ctx context.Context, path string) ([]Listener, error)

	// WatchListeners follows the listener records of the document at path until
	// [ListenerWatcher.Stop]. It never blocks.
	WatchListeners(path string) ListenerWatcher

	// Absent returns who announced itself at path and has not withdrawn, other than
	// those in present, ordered by id, each with the data of its first Announce. With the
	// ids of a Listeners call before it, these are the listeners whose record was lost
	// against their will, with their session or by somebody's hand, and those that came
	// meanwhile. A backend where only a dead process loses its record returns none.
	// Errors as for Listeners.
	Absent(ctx context.Context, path string, present []string) ([]Listener, error)

	// Forget makes Absent forget a listener that it returned. If its record is there,
	// or was there since, it does nothing. Errors as for Announce.
	Forget(ctx context.Context, path string, lost Listener) error

	// Lock takes a place in the queue of the exclusive writers of the document at
	// path, under the given id, and returns when it has come to its head. There is
	// one queue per document for all handles, in the order of arrival. The document
	// need not exist. Several calls of one handle with one id wait for each other.
	//
	// When Lock returns, the handle's next Load shows at least what every earlier
	// holder committed. Lock blocks until ctx ends; then, and after any other error,
	// no place is left behind (a backend that is away may show it for a while, at
	// the most until the session ends). [ErrLocked], with the context's error, means that
	// others were ahead all the time. Other errors as for Announce.
	Lock(ctx context.Context, path, id string) (Lock, error)

	// Queue returns the places in the queue of the exclusive writers of the
	// document at path, the holder's first. Places that other programs made, or left
	// behind, are among them. Errors as for Listeners.
	Queue(ctx context.Context, path string) ([]Waiter, error)

	// BreakLock removes the place of that [Waiter.Key] from the queue, whosoever it
	// is. A holder of this package finds its lock lost, and its commits under the lock
	// are refused; other programs may not notice. [ErrNotFound] means that there is no
	// such place. Other errors as for Announce.
	BreakLock(ctx context.Context, path, key string) error

	// SetJournal switches the journal of the document at path on, to keep so many of the
	// newest entries, at most [MaxJournal], or off with 0, which removes it. The document
	// need not exist. From then on a commit that changes the document is refused with
	// [ErrJournal] unless it has an [Append].
	//
	// Entries that are too many are removed before it returns, oldest first, in steps
	// between which others commit. If ctx ends first, the number is set, and what is left
	// is removed by the commits that follow, a bounded number each, or by the next call. A
	// journal that keeps more than MaxJournal, from an older release, goes on as it is.
	// [ErrTooLarge] means that keep is more. Other errors as for Announce.
	SetJournal(ctx context.Context, path string, keep int) error

	// Journal returns how many entries the journal of a document keeps, 0 if it is off,
	// and so many of the newest ones, oldest first. It reads no others, however long the
	// journal is. It is as fresh as a [Linearizable] Load.
	// An entry that cannot be read comes with Err, and fails no other. Errors as for
	// Load, without [ErrNotFound].
	Journal(ctx context.Context, path string, newest int) (keep int, entries []Entry, err error)

	// JournalAround is Journal for the entries that tell what the document was at an order:
	// the last one before it, its own, and the one that follows, as far as there are such. It
	// reads at most three, unless some cannot be read, or do not say of which order they are.
	JournalAround(ctx context.Context, path string, order int64) (keep int, entries []Entry, err error)

	// Stat describes the document at path without its content, as fresh as a Load of
	// that mode. Errors as for Load: in particular [ErrNotFound] where there is no
	// document, even if the path is a folder.
	Stat(ctx context.Context, path string, mode Consistency) (Place, error)

	// List describes what is directly below a folder, which is a document's path or
	// "/", ordered by path: each document, and each path that has others below it.
	// Names that belong to the store itself are left out, and so are names that
	// cannot be in a document's path. A folder that does not exist has nothing below it.
	//
	// Each Place is as fresh as a Load of that mode; all together are no snapshot: what
	// comes or goes during the call may be listed or not. A place that cannot be read is
	// listed with its Err and does not fail the call. On ZooKeeper a listing costs a few
	// requests a place, which are sent concurrently; on SQLite it reads an index entry
	// for each document anywhere below the folder.
	//
	// List blocks until all places are described, at most until ctx ends. Errors are
	// about the folder itself: [ErrDenied], [ErrTooLarge] if more is below it than one
	// answer can hold, [ErrUnavailable], [ErrInvalidPath], [ErrClosed].
	List(ctx context.Context, folder string, mode Consistency) ([]Place, error)

	// Ping makes the round trip of a [Linearizable] Load and says who answered. It
	// changes nothing and needs no permission on any document. It blocks at most until
	// ctx ends. Errors: [ErrUnavailable], [ErrDenied] if the backend refuses this handle's
	// credentials, [ErrClosed].
	Ping(ctx context.Context) (Pong, error)

	// Status returns at once what this handle knows of its connection.
	Status() Status

	// Close withdraws what this handle announced, stops its goroutines and
	// returns within a bound that the backend documents, even if the backend
	// hangs. Calls under way and later ones return [ErrClosed]. Closing twice
	// is no error.
	Close() error
}

// Consistency says how fresh an answer of Load must be.
type Consistency int

const (
	// Local reads what this handle's server has: cheap, monotonic, maybe late.
	Local Consistency = iota
	// Linearizable reads at least every commit that finished before the call.
	Linearizable
	// Creating is Linearizable for a caller that creates the document if there is none: no
	// hint of its creation is owed.
	Creating
)

// Record is a document as stored. Load returns one with AsOf alone beside
// [ErrNotFound].
type Record struct {
	// AsOf is a point in the order of [Version.Order] up to which the answer is known to
	// be true: it shows what was committed up to there, and nothing has deleted or
	// replaced it up to there. 0 if the backend does not know.
	AsOf    int64
	Version Version
	Data    []byte    // nil if Version is the one the caller knew
	Time    time.Time // when that version was committed, by the backend's clock

	// Awaited is the order of the newest version, this one or an earlier one of the same
	// document, that was committed with [Await]; 0 if there is none, or it is not known.
	Awaited int64
}

// Status is what a handle knows without asking its backend.
type Status struct {
	Connected bool // the backend has answered lately and nothing speaks against it
	// LostWatches counts the watches that the backend lost since the handle was opened, as far
	// as was found out. Each cost at most the time until the handle looked.
	LostWatches int

	Session string // names what dies with this handle, as the backend calls it; "" if there is nothing
}

// Entry is one entry of a document's journal.
type Entry struct {
	Order int64     // of the version that the same commit made; that of a deletion, too
	Tag   int64     // of that version
	Time  time.Time // of the commit, by the backend's clock
	Data  []byte
	Err   error // why this entry could not be read; Data is nil then, and Time may be zero
}

// EntriesAround returns those of a journal's entries that [Store.JournalAround] is about.
func EntriesAround(entries []Entry, order int64) []Entry {
	next := slices.IndexFunc(entries, func(e Entry) bool { return e.Order > order })
	if next < 0 {
		next = len(entries)
	}
	first := next - 1
	for first >= 0 && entries[first].Order == 0 { // it does not say its order, and may be the one
		first--
	}
	if first >= 0 && entries[first].Order == order {
		first--
	}
	return entries[max(0, first):min(len(entries), next+1)]
}

// Listener is one record under <path>/listeners.
type Listener struct {
	ID   string
	Data []byte
	Err  error // why this record could not be read; Data is nil then

	// Returns counts how often the record was put back. It is for Forget.
	Returns int64
}

// Waiter is one place in a document's queue of exclusive writers.
type Waiter struct {
	Key     string    // names the place: no two of one document have the same one
	ID      string    // of the writer, as it was given to Lock
	Host    string    // on which its process runs, "" if that is not known
	PID     int       // of its process, 0 if that is not known
	Since   time.Time // when the place was taken, by the backend's clock
	Session string    // the place goes when this session ends; "" if nothing removes it: it was left behind
}

// Lock is the head of a document's queue of exclusive writers. A lock alone keeps
// nobody from writing: a [Commit] that has to be under it carries [Hold] or
// [Release]. Its methods may be called concurrently.
type Lock interface {
	// Path is the document's.
	Path() string

	// Waited reports whether others were ahead in the queue.
	Waited() bool

	// Lost is closed when the lock can no longer be relied on: its session was
	// lost, or has not been heard of for so long that it may have been, or somebody
	// removed the place by hand. It is not closed by giving the lock up.
	Lost() <-chan struct{}

	// Unlock gives the place up, if a Release has not. It blocks until that is
	// done, at most until ctx ends; it is done then in the background. Unlocking
	// twice is no error.
	Unlock(ctx context.Context) error
}

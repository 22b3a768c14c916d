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
	// [ErrNotFound], [ErrUnavailable], [ErrDenied], [ErrInvalidPath],
	// [ErrClosed]. The caller owns Data.
	Load(ctx context.Context, path string, known Version, mode Consistency) (Record, error)

	// Commit applies all ops or none, and returns one version per op, the zero
	// Version for a Delete. Missing parents of a created document are made.
	//
	// Errors: [ErrConflict], [ErrExists] and [ErrNotFound] mean that the first
	// op which did not fit stopped the whole set; [ErrTooLarge],
	// [ErrInvalidPath], [ErrDenied], [ErrUnavailable] and [ErrClosed] also mean
	// that nothing was applied. [ErrUnknownOutcome] means that the answer was
	// lost, or that ctx ended on the way: the set was applied wholly or not at
	// all, and only a later look can tell.
	//
	// The store keeps no reference to an op's Data.
	Commit(ctx context.Context, ops ...Op) ([]Version, error)

	// Watch asks for hints about path. A receive on the channel means "look
	// again": the document may have been created, changed or deleted, or the
	// connection may have been replaced so that news could have been missed.
	// Hints carry no data, may be spurious, and are merged: the channel has a
	// capacity of one and is never closed. A hint can be lost; a follower also
	// looks now and then by itself.
	//
	// A hint is owed for every change after a Load that began after Watch
	// returned. Every such Load renews it. stop releases the watch and may be
	// called more than once. Watch never blocks.
	Watch(path string) (hints <-chan struct{}, stop func())

	// Announce makes the listener record <path>/listeners/<id> exist with the
	// given content, owned by this handle. It lives until Withdraw, until the
	// handle is closed, or until its process dies; a backend whose sessions can
	// be lost puts it back by itself. Announcing again replaces the content.
	// Missing parents are made.
	//
	// [ErrExists] means that another live handle owns the id; nothing is
	// written then. Other errors as for Load, and [ErrInvalidID].
	Announce(ctx context.Context, path, id string, data []byte) error

	// Withdraw removes a record that this handle announced. Removing what is
	// not there is no error; another handle's record is never touched.
	Withdraw(ctx context.Context, path, id string) error

	// Listeners returns the records of all live handles, ordered by id. A
	// document without listeners, or no document, gives an empty list.
	Listeners(ctx context.Context, path string) ([]Listener, error)

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
)

// Record is a document as stored.
type Record struct {
	Version Version
	Data    []byte    // nil if Version is the one the caller knew
	Time    time.Time // when that version was committed, by the backend's clock
}

// Status is what a handle knows without asking its backend.
type Status struct {
	Connected bool   // the backend has answered lately and nothing speaks against it
	Session   string // names what dies with this handle, as the backend calls it; "" if there is nothing
}

// Listener is one record under <path>/listeners.
type Listener struct {
	ID   string
	Data []byte
}

// Op is one operation of a Commit: [Create], [Put] or [Delete].
type Op interface {
	// Target is the path of the document that the operation concerns.
	Target() string
	// size is what the operation adds to a transaction on the wire.
	size() int
}

// Create makes a document that must not exist yet, else [ErrExists].
type Create struct {
	Path string
	Data []byte
}

// Put replaces a document that must still be at Base, else [ErrConflict]
// ([ErrNotFound] if it is gone).
type Put struct {
	Path string
	Base Version
	Data []byte
}

// Delete removes a document that must still be at Base, else [ErrConflict]
// ([ErrNotFound] if it is gone).
type Delete struct {
	Path string
	Base Version
}

// Target implements [Op].
func (o Create) Target() string { return o.Path }

// Target implements [Op].
func (o Put) Target() string { return o.Path }

// Target implements [Op].
func (o Delete) Target() string { return o.Path }

func (o Create) size() int { return len(o.Path) + len(o.Data) }
func (o Put) size() int    { return len(o.Path) + len(o.Data) }
func (o Delete) size() int { return len(o.Path) }

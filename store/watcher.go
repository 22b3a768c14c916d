package store

import "time"

// Watcher follows one document for one caller. Its methods may be called concurrently.
type Watcher interface {
	// Hints returns the channel of hints. A receive means "look again": the document may
	// have been created, changed or deleted, or the connection may have been replaced so
	// that news could have been missed. Hints carry no data, may be spurious, and are
	// merged: the channel has a capacity of one and is never closed. A hint can be lost; a
	// follower also looks by itself where Confirmed does not advance.
	//
	// A hint is owed for every change after a Load that began after Watch returned. Every
	// such Load renews it.
	Hints() <-chan struct{}

	// Confirmed returns the newest time for which the handle knows that v was the latest:
	// v is at least as new as every commit that finished, anywhere, before then. The zero
	// Version asks whether the document was still absent. The time is zero if nothing
	// proves it; it advances only while the backend answers. A backend that tells changes
	// by watches trusts them here, and finds out within the period of the watcher, or at a
	// bounded rate where many documents are followed, that one was lost.
	//
	// Confirmed never blocks, asks nobody and does not allocate.
	Confirmed(v Version) time.Time

	// Stop releases the watcher. It may be called more than once.
	Stop()
}

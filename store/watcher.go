package store

import "time"

// Watcher follows one document for one caller. Its methods may be called concurrently.
type Watcher interface {
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

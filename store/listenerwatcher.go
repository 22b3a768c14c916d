package store

import "context"

// ListenerWatcher follows the listener records of one document for one caller, at the
// cost of reading each record once and then again whenever it has changed.
type ListenerWatcher interface {
	// Next returns what is new since the call before, and waits until something is. The
	// first calls tell of the records that are there, which is as fresh as
	// [Store.Listeners]. A watcher that was cut off tells of all of them again.
	//
	// Next blocks at most until ctx ends. Errors are those of Listeners; nothing is lost by
	// them, the next call tells it. It must not be called concurrently.
	Next(ctx context.Context) (ListenerNews, error)

	// Stop releases the watcher. It may be called more than once.
	Stop()
}

// ListenerNews is what a [ListenerWatcher] has to tell.
type ListenerNews struct {
	Changed []Listener // came, or changed
	Gone    []string   // the ids of those that went
	Unread  int        // how many are there that no call has told of yet
}

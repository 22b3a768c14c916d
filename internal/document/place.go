package document

import (
	"context"
	"errors"
	"time"

	"github.com/zkstate/zkstate/store"
)

// Place is how JSON describes a path in a store.
type Place struct {
	Path      string         `json:"path"`
	Version   *store.Version `json:"version,omitempty"` // with the next three, of a document
	Size      *int64         `json:"size,omitempty"`    // in bytes
	Modified  *time.Time     `json:"modified,omitempty"`
	Listeners *int           `json:"listeners,omitempty"`
	Created   *time.Time     `json:"created,omitempty"` // where the store records it
	Folder    bool           `json:"folder,omitempty"`
	Error     string         `json:"error,omitempty"`
}

// Describe makes a Place of a store's.
func Describe(place store.Place) Place {
	described := Place{Path: place.Path, Folder: place.Folder}
	if !place.Version.IsZero() {
		described.Version, described.Size, described.Listeners = &place.Version, &place.Size, &place.Listeners
		described.Modified = &place.Modified
	}
	if !place.Created.IsZero() {
		described.Created = &place.Created
	}
	if place.Err != nil {
		described.Error = place.Err.Error()
	}
	return described
}

// StatPlace describes a document without its content, as fresh as a consistent read.
func StatPlace(ctx context.Context, s store.Store, path string) (place store.Place, err error) {
	err = Persist(ctx, func() error {
		place, err = s.Stat(ctx, path, store.Linearizable)
		return err
	})
	return place, err
}

// List lists a folder, as fresh as a consistent read; recursively, the documents of each
// folder come after it, and the folders themselves are left out. A folder below that cannot
// be listed comes with its error.
func List(ctx context.Context, s store.Store, folder string, recursive bool) ([]store.Place, error) {
	return list(ctx, s, folder, store.Linearizable, recursive)
}

// list asks for a linearizable look once: what it sees, later ones of the same handle see too.
func list(ctx context.Context, s store.Store, folder string, mode store.Consistency, recursive bool) (found []store.Place, err error) {
	var places []store.Place
	if err := Persist(ctx, func() error {
		places, err = s.List(ctx, folder, mode)
		return err
	}); err != nil {
		return nil, err
	}
	for _, place := range places {
		if !recursive {
			found = append(found, place)
			continue
		}
		if !place.Version.IsZero() || place.Err != nil {
			found = append(found, place)
		}
		if !place.Folder || place.Err != nil {
			continue
		}
		below, err := list(ctx, s, place.Path, store.Local, true)
		if errors.Is(err, store.ErrDenied) || errors.Is(err, store.ErrTooLarge) {
			below = []store.Place{{Path: place.Path, Folder: true, Err: err}}
		} else if err != nil {
			return nil, err
		}
		found = append(found, below...)
	}
	return found, nil
}

// Stat is what there is to say of a document beside its content.
type Stat struct {
	Place   store.Place
	Journal int            // how many entries it keeps, 0 if it is off
	Queue   []store.Waiter // of the write lock, the holder first
	Denied  bool           // the journal or the queue may not be read
}

// ReadStat reads all of that.
func ReadStat(ctx context.Context, s store.Store, path string) (found Stat, err error) {
	if found.Place, err = StatPlace(ctx, s, path); err != nil {
		return found, err
	}
	found.Journal, _, err = s.Journal(ctx, path, 0)
	if err == nil {
		found.Queue, err = s.Queue(ctx, path)
	}
	if errors.Is(err, store.ErrDenied) { // which does not keep the rest from being said
		found.Denied, err = true, nil
	}
	return found, err
}

// StatJSON is how JSON describes a [Stat].
type StatJSON struct {
	Place
	Journal int      `json:"journal"` // 0: off
	Lock    []Waiter `json:"lock"`    // the first has it
	Denied  bool     `json:"denied,omitempty"`
}

// JSON describes it.
func (d Stat) JSON() StatJSON {
	return StatJSON{Describe(d.Place), d.Journal, Waiters(d.Queue), d.Denied}
}

// Waiter is how JSON describes a place in the queue of the write lock.
type Waiter struct {
	ID      string    `json:"id"`
	Host    string    `json:"host,omitempty"`
	PID     int       `json:"pid,omitempty"`
	Since   time.Time `json:"since"`
	Session string    `json:"session,omitempty"` // absent: nothing removes the place, it was left behind
	Key     string    `json:"key"`
}

// Waiters describes a queue.
func Waiters(queue []store.Waiter) []Waiter {
	waiters := make([]Waiter, len(queue))
	for i, w := range queue {
		waiters[i] = Waiter{w.ID, w.Host, w.PID, w.Since, w.Session, w.Key}
	}
	return waiters
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
)

// examination is what doctor knows of a document.
type examination struct {
	cli   *cli
	store store.Store
	path  string

	found     store.Inspection
	record    store.Record
	loaded    error         // why record has no document
	readTook  time.Duration // by a consistent read
	listeners []zkstate.Listener
	lost      []store.Listener // they ended without a good-bye
	patient   bool             // listeners that are behind had the time to report
	queue     []store.Waiter
	keep      int              // entries that the journal keeps, 0 if it is off
	denied    map[string]error // what may not be read, and why
	findings  []store.Finding  // faults first, then warnings
}

// run asks the store.
func (x *examination) run(ctx context.Context) (err error) {
	x.denied = make(map[string]error)
	if inspector, ok := x.store.(store.Inspector); ok {
		if x.found, err = inspector.Inspect(ctx, x.path); err != nil {
			return err
		}
	}
	began := time.Now()
	x.record, x.loaded = x.store.Load(ctx, x.path, store.Version{}, store.Linearizable)
	x.readTook = time.Since(began)
	if verdict := x.loaded; verdict != nil && !errors.Is(verdict, store.ErrNotFound) && !errors.Is(verdict, store.ErrDenied) && !errors.Is(verdict, store.ErrTooLarge) {
		return verdict
	}
	if x.queue, err = x.store.Queue(ctx, x.path); x.note("the lock queue", err) != nil {
		return err
	}
	if x.keep, _, err = x.store.Journal(ctx, x.path, 0); x.note("the journal", err) != nil {
		return err
	}
	return x.awaitListeners(ctx)
}

// note returns err, unless it says that something may not be read, which keeps nothing
// else from being examined.
func (x *examination) note(what string, err error) error {
	if errors.Is(err, store.ErrDenied) || errors.Is(err, store.ErrTooLarge) {
		x.denied[what] = err
		return nil
	}
	return err
}

// reportTime is within what listeners say that they have applied a version: all of a
// document report 50 times a second together, each within twice the time that this takes.
func reportTime(listeners int) time.Duration {
	return 1500*time.Millisecond + time.Duration(listeners)*time.Second/25
}

// awaitListeners reads the listeners until none is behind, or those that are had the time
// to report.
func (x *examination) awaitListeners(ctx context.Context) error {
	began, tick := time.Now(), time.NewTicker(100*time.Millisecond)
	defer tick.Stop()
	deadline, bounded := ctx.Deadline()
	for {
		if err := x.readListeners(ctx); err != nil {
			return err
		}
		x.patient = time.Since(began) >= reportTime(len(x.listeners))
		hurry := bounded && time.Until(deadline) < x.cli.closing()
		if x.patient || hurry || len(x.behind()) == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// readListeners reads who listens, and who ended without a good-bye.
func (x *examination) readListeners(ctx context.Context) error {
	records, err := x.store.Listeners(ctx, x.path)
	if err != nil {
		return x.note("the listeners", err)
	}
	x.listeners = nil
	var present []string
	for _, record := range records {
		x.listeners = append(x.listeners, listenerOf(record))
		present = append(present, record.ID)
	}
	x.lost, err = x.store.Absent(ctx, x.path, present)
	return x.note("the lost listeners", err)
}

// listenerOf reads a listener's record. One that cannot be read has no status.
func listenerOf(record store.Listener) (l zkstate.Listener) {
	if record.Err != nil || json.Unmarshal(record.Data, &l) != nil {
		l = zkstate.Listener{}
	}
	l.ID = record.ID
	return l
}

// behind returns the listeners that have not said yet that they know the document's version.
func (x *examination) behind() (found []zkstate.Listener) {
	if x.loaded != nil {
		return nil
	}
	for _, l := range x.listeners {
		knows := l.Applied.Reaches(x.record.Version) || l.Status == zkstate.StatusRejected && l.Newest.Reaches(x.record.Version)
		if l.Status != "" && !knows {
			found = append(found, l)
		}
	}
	return found
}

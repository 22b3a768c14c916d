package server

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/document"
	"github.com/zkstate/zkstate/store"
)

// follower follows one document for all who ask of it: its streams share one State, and what
// they are sent is encoded once.
type follower struct {
	store  store.Store
	path   string
	state  *document.State
	ctx    context.Context // ends when it is closed
	stop   context.CancelFunc
	opened chan struct{} // closed when state or err is set
	err    error
	tasks  sync.WaitGroup

	// Guarded by followers.mu.
	users int
	idle  *time.Timer // closes it, while there are no users

	backfill sync.Once // reads older steps from the journal

	mu        sync.Mutex // guards all below
	changed   chan struct{}
	present   bool // the State has shown the document, or that it is gone
	version   zkstate.Version
	doc       []byte
	whole     map[string][]byte // the document as an event, by its cause, as far as it was asked for
	recent    recent
	status    level
	listeners level
	watchers  int           // streams that want listeners
	unwatch   chan struct{} // closed when there are none any more
	ended     bool          // no task may be started
}

// level is an event of which only the newest counts.
type level struct {
	frame []byte
	count uint64 // of those there were
}

// statusTick is how often a follower looks whether its State has lost the store.
const statusTick = 250 * time.Millisecond

// run follows the document until the follower is closed. It calls opened once it knows how the
// document is.
func (f *follower) run(opened func()) {
	ticking, stop := context.WithCancel(f.ctx)
	defer stop()
	f.tasks.Go(func() {
		tick := time.NewTicker(statusTick)
		defer tick.Stop()
		for f.lookAtStatus(); ; f.lookAtStatus() {
			select {
			case <-tick.C:
			case <-ticking.Done():
				return
			}
		}
	})
	for event, condition := range f.state.Watch(f.ctx) {
		f.advance(event, condition)
		f.lookAtStatus()
		opened()
	}
}

// advance takes an event in. Before the first good document there is nothing to be told of.
func (f *follower) advance(event zkstate.Event[json.RawMessage], condition error) {
	deleted := errors.Is(condition, zkstate.ErrDeleted)
	if event.Version.IsZero() && !deleted {
		return
	}
	made := changesFrame(event.Changes, time.Now())
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.present && event.Version == f.version {
		return // its condition is another
	}
	if f.present {
		f.recent.add(step{event.Changes.From, event.Changes.To, made})
	}
	f.present, f.version, f.doc, f.whole = true, event.Version, event.Value, make(map[string][]byte)
	if deleted {
		f.doc = nil
	}
	f.wake()
}

// wake tells the streams that there is something new; mu is held.
func (f *follower) wake() {
	close(f.changed)
	f.changed = make(chan struct{})
}

// lookAtStatus notes how the document is.
func (f *follower) lookAtStatus() {
	made := frame("status", "", f.describe())
	f.mu.Lock()
	defer f.mu.Unlock()
	if string(made) != string(f.status.frame) {
		f.status = level{made, f.status.count + 1}
		f.wake()
	}
}

func (f *follower) describe() statusEvent {
	health := f.state.Health()
	var rejected *zkstate.RejectedError
	switch {
	case errors.As(health.Err, &rejected):
		event := statusEvent{Status: statusRejected, Version: &rejected.Version, Pointer: rejected.Pointer, Reason: rejected.Reason}
		if rejected.Offset >= 0 {
			event.Offset = &rejected.Offset
		}
		return event
	case errors.Is(health.Err, zkstate.ErrDeleted):
		return statusEvent{Status: statusDeleted}
	case health.Err != nil:
		return statusEvent{Status: statusUnreachable, Reason: problemOf(health.Err).Detail}
	}
	return statusEvent{Status: statusGood}
}

// gone reports whether the document was deleted.
func (f *follower) gone() bool { return errors.Is(f.state.Health().Err, zkstate.ErrDeleted) }

// rejected reports whether an error says that the document is rejected.
func (f *follower) rejected(err error) bool { return errors.Is(err, zkstate.ErrRejected) }

// position is what a stream has been sent.
type position struct {
	version   zkstate.Version
	known     bool   // version is the client's
	cause     string // why it gets the whole document, if it is not known
	status    uint64
	listeners uint64
	follows   bool // listeners too
}

// next returns what a stream is to be sent, and where it is then. wake is closed when there
// may be more.
func (f *follower) next(p *position) (frames [][]byte, wake <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.present && !(p.known && p.version.Same(f.version)) {
		frames = f.catchUp(p)
	}
	if p.status != f.status.count {
		p.status = f.status.count
		frames = append(frames, f.status.frame)
	}
	if p.follows && p.listeners != f.listeners.count {
		p.listeners = f.listeners.count
		frames = append(frames, f.listeners.frame)
	}
	return frames, f.changed
}

// catchUp returns what leads a stream to the present version; mu is held.
func (f *follower) catchUp(p *position) (frames [][]byte) {
	steps, known := f.recent.after(p.version)
	if p.known && known {
		for _, s := range steps {
			frames = append(frames, s.frame)
		}
	} else {
		frames = [][]byte{f.document(p.cause)}
	}
	p.version, p.known, p.cause = f.version, true, causeBehind
	return frames
}

// document is the whole document as an event; mu is held.
func (f *follower) document(cause string) []byte {
	if f.whole[cause] == nil {
		value := json.RawMessage(f.doc)
		if value == nil {
			value = json.RawMessage("null")
		}
		f.whole[cause] = frame("document", f.version.String(), documentEvent{f.path, f.version, value, cause})
	}
	return f.whole[cause]
}

package zkstate

import (
	"context"
	"time"

	"github.com/zkstate/zkstate/store"
)

// Tracer is told of each call of Update, Delete and Rollback, so that it can be made a
// span. Package metrics/otel has one. Its methods run on the caller's goroutine and on the
// State's own, so they must not block; they must not call the State. A panic of one is
// logged, and changes nothing for the call.
type Tracer interface {
	// StartUpdate is called when a call begins, with its context. It may return nil for a
	// call that it does not want to hear of.
	StartUpdate(ctx context.Context, call TracedUpdate) UpdateSpan
}

// TracedUpdate says which call a span is of.
type TracedUpdate struct {
	Verb     string // update, delete or rollback
	Path     string
	Listener string // the State's id
}

// UpdateSpan is told what happens to one call. Its methods may be called concurrently, and
// Event after End if the call ended before what was sent for it.
type UpdateSpan interface {
	Event(TraceEvent)
	// End is called once. The error is what the call returns; under [UpdateFailed] it is
	// the function's or Validate's own, and may contain values of the document.
	End(result UpdateResult, version Version, err error)
}

// TraceEvent is one thing that happened to a call.
type TraceEvent struct {
	Kind    TraceKind
	Version Version          // TraceCommit: the base of the commit; TraceConflict: the newest one that is known
	Updates int              // TraceCommit: how many calls share the commit
	Waited  time.Duration    // TraceTurn: for the turn
	Outcome store.Resolution // TraceResolve
}

// TraceKind says what happened.
type TraceKind string

// What a TraceKind can be.
const (
	TraceQueue    TraceKind = "queue"    // a wait begins for a turn in the document's queue of writers
	TraceTurn     TraceKind = "turn"     // the turn has come
	TraceCommit   TraceKind = "commit"   // a commit goes to the store
	TraceConflict TraceKind = "conflict" // another instance committed first; the function runs again
	TraceResolve  TraceKind = "resolve"  // the answer to the commit was lost, and the store has found out what became of it
)

// WithTracer tells t of the State's updates. Without it nothing is traced, at no cost.
func WithTracer(t Tracer) OpenOption { return func(c *openConfig) { c.tracer = t } }

// startSpan begins to trace a call.
func (st *State[T]) startSpan(ctx context.Context, r *request[T]) {
	if st.cfg.tracer == nil {
		return
	}
	verb := r.verb
	if r.restore != nil {
		verb = "rollback"
	}
	_ = st.protect(func() error {
		r.span = st.cfg.tracer.StartUpdate(ctx, TracedUpdate{Verb: verb, Path: st.path, Listener: st.cfg.id})
		return nil
	})
}

// trace tells the calls of a batch what happened.
func (w *writer[T]) trace(b *batch[T], event TraceEvent) {
	if w.st.cfg.tracer == nil {
		return
	}
	for _, r := range b.members {
		w.st.trace(r, event)
	}
}

// trace tells a call what happened.
func (st *State[T]) trace(r *request[T], event TraceEvent) {
	if r.span != nil {
		_ = st.protect(func() error { r.span.Event(event); return nil })
	}
}

// endSpan tells a call how it ended.
func (st *State[T]) endSpan(r *request[T], result UpdateResult, version Version, err error) {
	if r.span != nil {
		_ = st.protect(func() error { r.span.End(result, version, err); return nil })
	}
}

// traced returns the context of a commit of b, which tells what became of it if its answer
// is lost.
func (w *writer[T]) traced(b *batch[T]) context.Context {
	if w.st.cfg.tracer == nil {
		return b.ctx
	}
	return store.OnResolve(b.ctx, func(outcome store.Resolution) {
		w.trace(b, TraceEvent{Kind: TraceResolve, Outcome: outcome})
	})
}

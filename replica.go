package zkstate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/zkstate/zkstate/store"
)

// observation is what a load or a commit showed of the document.
type observation[T any] struct {
	rec          store.Record // Version zero: there is no document
	value        T            // decoded from rec.Data, unless rejected
	rejected     *RejectedError
	encoded      []byte // T's encoding of the value, where it is known
	linearizable bool   // it shows every commit that finished before it was asked for
	asked        moment // when the request was sent: what it proves, it proves for then
	origin       string // the listener that committed it, where known
}

// moment is a time on the clock and in the order of this State's own events, which a
// clock may be too coarse to tell apart.
type moment struct {
	time  time.Time
	event uint64
}

func (st *State[T]) now() moment {
	return moment{time: time.Now(), event: st.events.Add(1)}
}

// look asks the store and publishes what it says. A document that is gone, or that
// is rejected, is an answer too and no error. An answer that cannot be ordered
// against what is known is asked for again, from the quorum.
func (st *State[T]) look(ctx context.Context, mode store.Consistency) error {
	err := st.protect(func() error { return st.loadAndPublish(ctx, mode) })
	st.counters.looks.Add(1)
	if err != nil {
		st.counters.looksFailed.Add(1)
		st.failed.Store(&err)
	} else {
		st.failed.Store(nil)
	}
	return err
}

func (st *State[T]) loadAndPublish(ctx context.Context, mode store.Consistency) error {
	for {
		asked := st.now()
		rec, err := st.store.Load(ctx, st.path, st.current.Load().known(), mode)
		switch {
		case errors.Is(err, ErrNotFound):
			rec = store.Record{AsOf: rec.AsOf}
		case err != nil:
			return err
		}
		o := st.observe(rec, asked, "")
		o.linearizable = mode == store.Linearizable
		st.yieldToOwnCommit(ctx, rec)
		if st.publish(o) {
			return nil
		}
		mode = store.Linearizable
	}
}

// observe decodes a record. It runs the type's own methods, so no lock is held.
func (st *State[T]) observe(rec store.Record, asked moment, origin string) observation[T] {
	o := observation[T]{rec: rec, asked: asked, origin: origin}
	if rec.Data != nil {
		o.value, o.rejected = decode[T](st.path, rec.Version, rec.Data)
		if st.cfg.mutated != nil && o.rejected == nil {
			o.encoded, _ = encode(o.value) // what cannot be encoded is not watched
		}
	}
	return o
}

// publish is the only place where the local copy changes, from the first one on. Observations may come in
// any order and more than once. It reports false if the observation cannot be
// ordered against the copy: then only another look can tell what is true.
func (st *State[T]) publish(o observation[T]) (decided bool) {
	cur, next, decided := st.swap(o)
	if next == nil {
		return decided
	}
	switch {
	case next.rejected != nil && next.rejected != cur.rejected:
		st.counters.rejections.Add(1)
		st.cfg.logger.Error("zkstate: document rejected, keeping the last good copy", "path", st.path, "version", next.newest.String(), "error", next.rejected)
	case next.deleted && !cur.deleted:
		st.cfg.logger.Warn("zkstate: document deleted", "path", st.path, "version", cur.newest.String())
	}
	if next.replaced != cur.replaced {
		st.counters.replaced.Add(1)
		st.cfg.logger.Warn("zkstate: the store's history was replaced, following the new one", "path", st.path, "version", o.rec.Version.String(), "previous", cur.newest.String())
	}
	if next.snapshot != cur.snapshot || next.rejected != cur.rejected {
		st.checkMutation(cur)
		if next.snapshot != cur.snapshot {
			st.counters.adopted.Store(time.Now().UnixNano())
		}
		st.changed.fire()
		st.reporter.changed(o.rec.Awaited, next.deleted, st.cfg.quiet)
	}
	return decided
}

// swap replaces the copy by what the observation makes of it; next is nil if that is
// nothing new.
func (st *State[T]) swap(o observation[T]) (cur, next *published[T], decided bool) {
	st.publishing.Lock()
	defer st.publishing.Unlock()
	cur = st.current.Load()
	next, decided = reduce(cur, o, st.events.Add(1))
	if next == nil {
		return cur, nil, decided
	}
	next.commits = cur.commits + uint64(next.at().Since(cur.at()))
	if next.snapshot != cur.snapshot {
		next.snapshot.commits, next.snapshot.history = next.commits, next.replaced
	}
	st.current.Store(next)
	return cur, next, decided
}

// reduce says what the copy becomes by an observation: nil if nothing changes. event
// is the moment of this change. decided is false if the observation may be true and
// later than the copy, or outdated, and nothing can tell.
//
// A version that follows the copy in the store's order is later, whoever saw it. Beyond
// that, a linearizable answer to a question that was asked after the copy was published is
// the truth, whatever it is: the store's history was replaced. Every other answer that is
// before the copy in the order, and that the copy can follow, is outdated. Only a
// linearizable answer verifies.
func reduce[T any](cur *published[T], o observation[T], event uint64) (next *published[T], decided bool) {
	asksAfter := o.linearizable && o.asked.event > cur.settled
	switch version := o.rec.Version; {
	case o.asked.event < cur.replaced:
		return nil, !o.linearizable // it speaks of the history before
	case version.IsZero():
		return reduceAbsence(cur, o, event)
	case version == cur.newest && !cur.deleted:
		return cur.confirm(o), true
	case cur.deleted && cur.asOf == 0 && !asksAfter:
		return nil, false // it may be from before the deletion
	case cur.isFollowedBy(version):
		return cur.adopt(o, event)
	case asksAfter:
		next, decided = cur.adopt(o, event)
		if next != nil {
			next.replaced, next.verified = event, o.asked.time
			if o.rejected != nil {
				next.verified = cur.verified
			}
		}
		return next, decided
	default:
		return nil, version.Order() < cur.asOf && (!o.linearizable || cur.follows(version))
	}
}

// reduceAbsence is reduce for a document that is not there. A server that lags may
// not know yet of its creation, so only a linearizable answer counts.
func reduceAbsence[T any](cur *published[T], o observation[T], event uint64) (next *published[T], decided bool) {
	asksAfter := o.asked.event > cur.settled
	asOf := o.rec.AsOf
	switch {
	case cur.deleted && (!o.linearizable || asOf <= cur.asOf):
		return nil, true
	case !o.linearizable:
		return nil, false
	case !asksAfter && asOf > 0 && asOf < cur.asOf:
		return nil, true // from before the creation
	case !asksAfter && asOf <= cur.asOf:
		return nil, false
	}
	n := *cur
	n.settled, n.asOf = event, asOf
	if cur.deleted {
		return &n, true
	}
	if asOf > 0 && asOf < cur.asOf {
		n.replaced = event
	}
	n.snapshot = &snapshot[T]{value: cur.value}
	n.deleted, n.rejected, n.verified = true, nil, time.Time{}
	return &n, true
}

// least is a point in the store's order before which nothing is newer than the copy. The
// store does not say when this State's own deletion was: it was after the last version.
func (p *published[T]) least() int64 {
	if p.deleted && p.asOf == 0 {
		return p.newest.Order()
	}
	return p.asOf
}

// confirm notes that the copy is still what the store has.
func (p *published[T]) confirm(o observation[T]) *published[T] {
	if !o.linearizable || p.rejected != nil || !o.asked.time.After(p.verified) {
		return nil
	}
	next := *p
	next.verified = o.asked.time
	return &next
}

// adopt makes a version the newest one. What a server said that may lag is no older
// than the copy was, and so has its age.
func (p *published[T]) adopt(o observation[T], event uint64) (next *published[T], decided bool) {
	if o.rec.Data == nil {
		return nil, false // asked for with a version that is not the copy's any more
	}
	n := *p
	n.newest, n.asOf, n.settled = o.rec.Version, o.rec.Version.Order(), event
	n.rejected, n.deleted = o.rejected, false
	if o.rejected == nil {
		n.snapshot = &snapshot[T]{value: o.value, doc: o.rec.Data, version: o.rec.Version, origin: o.origin, encoded: o.encoded}
		if o.linearizable && o.asked.time.After(p.verified) {
			n.verified = o.asked.time
		}
	}
	return &n, true
}

// encode is marshal for a goroutine that is not the caller's: the type's own methods
// run in it, and a panic of theirs is an error.
func encode[T any](value T) (text []byte, err error) {
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("encoding %T panicked", value)
		}
	}()
	return marshal(value)
}

// marshal is json.Marshal, except that <, > and & stand for themselves in strings.
func marshal(value any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// checkMutation reports a snapshot that no longer encodes as when it was
// published.
func (st *State[T]) checkMutation(p *published[T]) {
	if st.cfg.mutated == nil || p.encoded == nil {
		return
	}
	if now, err := encode(p.value); err != nil || !bytes.Equal(now, p.encoded) {
		found := fmt.Errorf("%s at %v: somebody wrote through a value that a read returned: copy before writing, or use Update", st.path, p.version)
		_ = st.protect(func() error { st.cfg.mutated(found); return nil }) // which logs
	}
}

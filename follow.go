package zkstate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/store"
)

// arrival is what a load or a commit found, on its way through the door.
type arrival[T any] struct {
	rec      store.Record // Version zero: there is no document
	value    T            // decoded from rec.Data, unless rejected
	rejected *RejectedError
	sent     stamp  // when the request was sent: what it proves, it proves for then
	origin   string // the listener that committed it, where known
}

// stamp is a moment: on the clock, and in the order of this State's own events,
// which a clock may be too coarse to tell apart.
type stamp struct {
	time   time.Time
	ticket uint64
}

func (st *State[T]) now() stamp {
	return stamp{time: time.Now(), ticket: st.tickets.Add(1)}
}

// follow keeps the copy up to date until the State is closed. It trusts hints to
// be early and nothing else: a refresh that needs no hint is always pending.
func (st *State[T]) follow(hints <-chan struct{}) {
	retry := backoff{max: st.cfg.refresh}
	timer := time.NewTimer(jitter(st.cfg.refresh))
	defer timer.Stop()
	var news pace
	for failing := false; ; {
		mode := store.Local
		select {
		case <-st.ctx.Done():
			return
		case <-hints:
			news.wait(st.ctx)
			st.letLand(st.ctx) // news of our own commit needs no bytes
		case <-st.look:
			mode = store.Linearizable
		case <-timer.C:
			mode = store.Linearizable
		}
		ctx, cancel := context.WithTimeout(st.ctx, max(st.cfg.refresh, time.Second))
		err := st.reload(ctx, mode)
		cancel()
		next := jitter(st.cfg.refresh)
		if err != nil && st.ctx.Err() == nil {
			next = retry.next()
			if !failing {
				st.cfg.logger.Warn("zkstate: refresh failed, trying again", "path", st.path, "error", err)
			}
		}
		if err == nil {
			retry.reset()
			if failing {
				st.cfg.logger.Info("zkstate: refresh works again", "path", st.path)
			}
		}
		failing = err != nil
		timer.Reset(next)
		st.checkMutation(st.current.Load())
	}
}

// reload asks the store and lets the answer in. A document that is gone, or that
// is rejected, is an answer too and no error.
func (st *State[T]) reload(ctx context.Context, mode store.Consistency) error {
	sent := st.now()
	rec, err := st.store.Load(ctx, st.path, st.current.Load().known(), mode)
	if err != nil && !errors.Is(err, ErrNotFound) {
		st.failed.Store(&err)
		return err
	}
	st.failed.Store(nil)
	in := st.receive(rec, sent, "")
	st.giveWay(ctx, rec.Version)
	st.admit(in)
	return nil
}

// receive decodes a record. It runs the type's own methods, so it runs outside
// the door.
func (st *State[T]) receive(rec store.Record, sent stamp, origin string) arrival[T] {
	in := arrival[T]{rec: rec, sent: sent, origin: origin}
	if rec.Data != nil {
		in.value, in.rejected = decode[T](st.path, rec.Version, rec.Data)
	}
	return in
}

// admit is the one door by which the local copy changes. Arrivals may come in
// any order and more than once; versions that it publishes never go back.
func (st *State[T]) admit(in arrival[T]) {
	st.door.Lock()
	cur := st.current.Load()
	next := step(cur, in, st.tickets.Add(1))
	if next == nil {
		st.door.Unlock()
		return
	}
	if next.snapshot != cur.snapshot {
		next.from = cur.version
		next.changes = difference(cur.snapshot, next.snapshot)
		if st.cfg.mutated != nil {
			next.sum, _ = json.Marshal(next.value)
		}
	}
	st.current.Store(next)
	st.door.Unlock()

	switch {
	case next.rejected != nil && next.rejected != cur.rejected:
		st.cfg.logger.Error("zkstate: document rejected, keeping the last good copy", "path", st.path, "error", next.rejected)
	case next.deleted && !cur.deleted:
		st.cfg.logger.Warn("zkstate: document deleted", "path", st.path)
	}
	if next.snapshot != cur.snapshot || next.rejected != cur.rejected {
		st.checkMutation(cur)
		st.changed.fire()
	}
}

// step says what the copy becomes when in arrives: nil if nothing changes.
func step[T any](cur *published[T], in arrival[T], ticket uint64) *published[T] {
	next := *cur
	switch version := in.rec.Version; {
	case version.IsZero():
		// Only a look that began after the copy was published can know that the
		// document has gone since; an earlier one may have come before its creation.
		if cur.deleted || in.sent.ticket < cur.admitted {
			return nil
		}
		next.snapshot = &snapshot[T]{value: cur.value}
		next.deleted, next.rejected = true, nil
		next.admitted, next.verified = ticket, time.Time{}
	case cur.newest.Before(version):
		if in.rec.Data == nil {
			return nil // asked with a version that is no longer ours; the next look brings it
		}
		next.newest, next.rejected, next.deleted, next.admitted = version, in.rejected, false, ticket
		if in.rejected == nil {
			next.snapshot = &snapshot[T]{value: in.value, doc: in.rec.Data, version: version, origin: in.origin}
			next.verified = in.sent.time
		}
	case version == cur.newest && !cur.deleted && cur.rejected == nil:
		if !in.sent.time.After(cur.verified) {
			return nil
		}
		next.verified = in.sent.time
	default:
		return nil // older than the copy: a late answer
	}
	return &next
}

// difference compares two snapshots' documents, which were checked when they
// came in.
func difference[T any](old, new *snapshot[T]) []diff.Change {
	changes, err := diff.Diff(old.doc, new.doc, byKey[T]())
	if err != nil {
		panic(fmt.Sprintf("zkstate: difference of checked documents: %v", err))
	}
	return changes
}

// checkMutation reports a snapshot that no longer encodes as when it was
// published.
func (st *State[T]) checkMutation(p *published[T]) {
	if st.cfg.mutated == nil || p.sum == nil {
		return
	}
	if now, err := json.Marshal(p.value); err != nil || !bytes.Equal(now, p.sum) {
		st.cfg.mutated(fmt.Errorf("%s at %v: somebody wrote through a value that a read returned: copy before writing, or use Update", st.path, p.version))
	}
}

// pace keeps one who follows from looking at every single commit while many are made:
// so many looks, by every instance, would slow the commits down. A few news in a row
// are looked at at once; if they keep coming, what comes between two looks is seen
// with the second. The zero value is ready.
type pace struct {
	last time.Time     // when wait returned
	run  int           // of news that came hard upon each other
	gap  time.Duration // between two looks
}

const (
	paceFree  = 4                     // so many in a row are looked at at once
	paceQuiet = 10 * time.Millisecond // without news ends the row
	paceMax   = 50 * time.Millisecond // the longest that news wait
)

func (p *pace) wait(ctx context.Context) {
	since := time.Since(p.last)
	if since > 2*p.gap+paceQuiet {
		p.run, p.gap = 0, 0
	} else if p.run++; p.run >= paceFree {
		p.gap = min(max(2*p.gap, time.Millisecond), paceMax)
	}
	if since < p.gap {
		timer := time.NewTimer(p.gap - since)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	p.last = time.Now()
}

// backoff makes growing, jittered pauses. The zero value starts at 1 ms; max
// bounds it.
type backoff struct {
	max  time.Duration
	last time.Duration
}

func (b *backoff) next() time.Duration {
	b.last = min(max(2*b.last, time.Millisecond), b.max)
	return jitter(b.last)
}

func (b *backoff) reset() { b.last = 0 }

// wait pauses, and reports false if ctx ends first.
func (b *backoff) wait(ctx context.Context) bool {
	timer := time.NewTimer(b.next())
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// jitter spreads d over 75% to 125%.
func jitter(d time.Duration) time.Duration {
	return d*3/4 + rand.N(d/2+1)
}

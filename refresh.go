package zkstate

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/zkstate/zkstate/store"
)

// lookBound is how long the follower waits for an answer before it asks again.
const lookBound = 5 * time.Second

// period is how often the store's handle is to confirm the copy: a copy must survive two
// refreshes that fail within MaxStaleness.
func (c config) period() time.Duration { return min(c.refresh, c.maxStaleness/3) }

// confirmed returns for when it was confirmed last that what is known of the document is the
// latest, a rejected version or a deletion too: by an answer of its own, or by the store's
// handle.
func (st *State[T]) confirmed(cur *published[T]) time.Time {
	if cur.newest.IsZero() { // from a cache
		return cur.verified
	}
	if confirmed := st.watcher.Confirmed(cur.known()); confirmed.After(cur.verified) {
		return confirmed
	}
	return cur.verified
}

// verified returns for when the copy was confirmed last. What is rejected or deleted is
// confirmed as well, but no copy.
func (st *State[T]) verified(cur *published[T]) time.Time {
	if cur.rejected != nil || cur.deleted {
		return cur.verified
	}
	return st.confirmed(cur)
}

// noteConfirmed writes into the copy what the handle has confirmed, and returns for when
// that is. So a copy keeps what it had when its watch fires or a newer one replaces it, and
// Read does not have to ask the handle.
func (st *State[T]) noteConfirmed() time.Time {
	asked := st.now()
	cur := st.current.Load()
	confirmed := st.confirmed(cur)
	if cur.rejected == nil && !cur.deleted && confirmed.After(cur.verified) {
		asked.time = confirmed
		st.publish(observation[T]{rec: store.Record{Version: cur.newest}, linearizable: true, asked: asked})
	}
	return confirmed
}

// due is when the follower looks itself if the copy is not confirmed any more. The handle
// confirms once a period, so that is a quarter later, and spread.
func (c config) due(verified time.Time) time.Time {
	period := c.period()
	return verified.Add(period*5/4 + rand.N(period/4+1))
}

// follower keeps the copy up to date until the State is closed. It trusts hints to be early
// and nothing else. It looks at the quorum's document itself where the handle does not
// confirm the copy in time, and looks that hints cause do not put that off.
type follower[T any] struct {
	st     *State[T]
	hinted pace
	seen   Version   // the newest one when it had looked last
	due    time.Time // when it looks itself if the copy is not confirmed
	retry  backoff
	failed time.Time // when the look began that failed, zero if the last one worked
	since  time.Time // when the first of the looks began that have failed since one worked
	stale  bool      // it was logged that reads fail
}

// follow is the follower's goroutine. There are thousands of them, so it waits on two channels
// and not on one for each reason to wake up.
func (st *State[T]) follow() {
	f := follower[T]{st: st, due: st.cfg.due(time.Now()), retry: backoff{max: st.cfg.period()}, seen: st.current.Load().newest}
	alarm := time.AfterFunc(time.Until(f.due), st.wakeFollower)
	defer alarm.Stop()
	for {
		hinted := false
		select {
		case <-st.watcher.Hints():
			hinted = true
		case <-st.awake:
		}
		switch asked := st.lookAsked.Swap(false); {
		case st.isClosed():
			return
		case asked:
			f.look(store.Linearizable)
		case hinted:
			f.followHint()
		case !time.Now().Before(f.due):
			f.refresh()
		}
		alarm.Reset(time.Until(f.due))
	}
}

// wakeFollower has the follower see whether there is anything to do.
func (st *State[T]) wakeFollower() {
	select {
	case st.awake <- struct{}{}:
	default:
	}
}

// askForLook makes the follower look as soon as it can.
func (st *State[T]) askForLook() {
	st.lookAsked.Store(true)
	st.wakeFollower()
}

// followHint looks after a hint.
func (f *follower[T]) followHint() {
	st := f.st
	f.hinted.wait(st.ctx)
	st.awaitOwnCommit() // the hint may be of that commit
	mode := store.Linearizable
	if st.noteConfirmed(); st.serves(st.current.Load()) {
		mode = store.Local
	}
	began := time.Now()
	f.look(mode)
	newest := st.current.Load().newest
	f.hinted.saw(newest.Since(f.seen), time.Since(began), st.queue.idle() < paceMax)
	f.seen = newest
}

// refresh looks, unless the handle has confirmed the copy.
func (f *follower[T]) refresh() {
	st := f.st
	confirmed := st.noteConfirmed()
	next := st.cfg.due(confirmed)
	if !confirmed.After(f.failed) || time.Until(next) <= 0 {
		f.look(store.Linearizable)
		return
	}
	f.retry.reset()
	f.due = next
	f.note(nil, time.Time{})
	st.checkMutation(st.current.Load())
}

// look asks the store, and says when to look again.
func (f *follower[T]) look(mode store.Consistency) {
	st, asked := f.st, time.Now()
	ctx, cancel := context.WithTimeout(st.ctx, max(st.cfg.period(), lookBound))
	err := st.look(ctx, mode)
	cancel()
	switch {
	case err != nil:
		f.due = time.Now().Add(f.retry.next())
	case mode == store.Linearizable:
		f.retry.reset()
		f.due = st.cfg.due(asked)
	}
	f.note(err, asked)
	st.checkMutation(st.current.Load())
}

// note notes how a look that began then has ended, and logs when looks begin to fail, when
// reads do for that, and when looks work again.
func (f *follower[T]) note(err error, asked time.Time) {
	st, failing := f.st, !f.failed.IsZero()
	f.failed = time.Time{}
	if err == nil {
		if failing {
			st.failed.Store(nil)
			st.cfg.logger.Info("zkstate: refresh works again", "path", st.path, "duration", time.Since(f.since))
		}
		f.stale = false
		return
	}
	f.failed = asked
	if !failing {
		f.since = asked
		if !st.isClosed() {
			st.cfg.logger.Warn("zkstate: refresh failed, trying again", "path", st.path, "error", err)
		}
	}
	if cur := st.current.Load(); !f.stale && st.usable(cur) && !st.serves(cur) {
		f.stale = true
		st.cfg.logger.Error("zkstate: the copy is stale, reads fail", "path", st.path, "version", cur.version.String(), "duration", time.Since(f.since), "error", err)
	}
}

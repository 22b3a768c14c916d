package zkstate

import (
	"context"
	"math/rand/v2"
	"sync"
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
// confirm the copy in time, and looks that hints cause do not put that off. There are
// thousands of followers, so one has a goroutine only while it has something to do.
type follower[T any] struct {
	st    *State[T]
	alarm *time.Timer // wakes it when it is due; nil before start

	mu      sync.Mutex // guards reasons and working
	reasons reason     // that it was not woken up for yet
	working bool       // it has a goroutine

	// Used by that goroutine only.
	hinted  *pace     // nil before the first hint
	due     time.Time // when it looks itself if the copy is not confirmed
	trouble *trouble  // nil if the last look worked
}

// trouble is that of looks which fail in a row.
type trouble struct {
	since  time.Time // when the first of them began
	failed time.Time // when the last one began
	stale  bool      // it was logged that reads fail
	retry  backoff   // between them
}

// reason is why a follower wakes up; a set of them is their sum.
type reason uint8

const (
	isDue    reason = 1 << iota // it may be due
	isHinted                    // the store said that there may be news
	isAsked                     // the State wants a linearizable look
)

// start begins with what the follower was woken up for already.
func (f *follower[T]) start() {
	cfg := f.st.cfg
	f.due = cfg.due(time.Now())
	f.mu.Lock()
	f.alarm = time.AfterFunc(time.Until(f.due), func() { f.wake(isDue) })
	woken := f.reasons
	f.mu.Unlock()
	if woken != 0 {
		f.wake(woken)
	}
}

// wake has the follower do what there is to do. It never blocks.
func (f *follower[T]) wake(why reason) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reasons |= why
	if f.alarm != nil && !f.working {
		f.working = f.st.tasks.start(f.work)
	}
}

// take returns the reasons to go on. If there are none, the goroutine ends.
func (f *follower[T]) take() (why reason) {
	f.mu.Lock()
	defer f.mu.Unlock()
	why, f.reasons = f.reasons, 0
	f.working = why != 0
	return why
}

func (f *follower[T]) work() {
	for why := f.take(); why != 0 && !f.st.isClosed(); why = f.take() {
		switch {
		case why&isAsked != 0:
			f.look(store.Linearizable)
		case why&isHinted != 0:
			f.followHint()
		}
		if !time.Now().Before(f.due) {
			f.refresh()
		}
		f.alarm.Reset(time.Until(f.due))
	}
}

// stop prevents that it wakes up by itself. What it does is one of the State's tasks.
func (f *follower[T]) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.alarm != nil {
		f.alarm.Stop()
	}
}

// followHint looks after a hint.
func (f *follower[T]) followHint() {
	st := f.st
	if f.hinted == nil {
		f.hinted = new(pace)
	}
	f.hinted.wait(st.ctx)
	st.awaitOwnCommit() // the hint may be of that commit
	mode := store.Linearizable
	if st.noteConfirmed(); st.serves(st.current.Load()) {
		mode = store.Local
	}
	began := time.Now()
	f.look(mode)
	f.hinted.saw(st.current.Load().commits, time.Since(began), st.wroteLately())
}

// refresh looks, unless the handle has confirmed the copy.
func (f *follower[T]) refresh() {
	st := f.st
	confirmed := st.noteConfirmed()
	next := st.cfg.due(confirmed)
	if f.trouble != nil && !confirmed.After(f.trouble.failed) || time.Until(next) <= 0 {
		f.look(store.Linearizable)
		return
	}
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
	f.note(err, asked)
	switch {
	case err != nil:
		f.due = time.Now().Add(f.trouble.retry.next())
	case mode == store.Linearizable:
		f.due = st.cfg.due(asked)
	}
	st.checkMutation(st.current.Load())
}

// note notes how a look that began then has ended, and logs when looks begin to fail, when
// reads do for that, and when looks work again.
func (f *follower[T]) note(err error, asked time.Time) {
	st, t := f.st, f.trouble
	if err == nil {
		if f.trouble = nil; t != nil {
			st.failed.Store(nil)
			st.cfg.logger.Info("zkstate: refresh works again", "path", st.path, "duration", time.Since(t.since))
		}
		return
	}
	if t == nil {
		t = &trouble{since: asked, retry: backoff{max: st.cfg.period()}}
		f.trouble = t
		if !st.isClosed() {
			st.cfg.logger.Warn("zkstate: refresh failed, trying again", "path", st.path, "error", err)
		}
	}
	t.failed = asked
	if cur := st.current.Load(); !t.stale && st.usable(cur) && !st.serves(cur) {
		t.stale = true
		st.cfg.logger.Error("zkstate: the copy is stale, reads fail", "path", st.path, "version", cur.version.String(), "duration", time.Since(t.since), "error", err)
	}
}

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

// follow keeps the copy up to date until the State is closed. It trusts hints to be early
// and nothing else. It looks at the quorum's document itself where the handle does not
// confirm the copy in time, and looks that hints cause do not put that off.
func (st *State[T]) follow() {
	retry := backoff{max: st.cfg.period()}
	due := st.cfg.due(time.Now())
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	var hinted pace
	var failed time.Time // when the look began that failed, zero if the last one worked
	for {
		timer.Reset(time.Until(due))
		mode, news := store.Linearizable, false
		before := st.current.Load().newest
		select {
		case <-st.ctx.Done():
			return
		case <-st.watcher.Hints():
			news = true
			hinted.wait(st.ctx)
			st.awaitOwnCommit() // the hint may be of that
			if st.noteConfirmed(); st.serves(st.current.Load()) {
				mode = store.Local
			}
		case <-st.wanted:
		case <-timer.C:
			confirmed := st.noteConfirmed()
			if next := st.cfg.due(confirmed); confirmed.After(failed) && time.Until(next) > 0 {
				st.noteLook(nil, &failed, time.Time{})
				st.checkMutation(st.current.Load())
				retry.reset()
				due = next
				continue
			}
		}
		asked := time.Now()
		ctx, cancel := context.WithTimeout(st.ctx, max(st.cfg.period(), lookBound))
		err := st.look(ctx, mode)
		cancel()
		if news {
			hinted.saw(st.current.Load().newest.Since(before), time.Since(asked))
		}
		switch {
		case err != nil:
			due = time.Now().Add(retry.next())
		case mode == store.Linearizable:
			retry.reset()
			due = st.cfg.due(asked)
		}
		st.noteLook(err, &failed, asked)
		st.checkMutation(st.current.Load())
	}
}

// noteLook notes how a look ended, and logs when looks begin to fail, and when they work
// again. failed is when the look began that failed.
func (st *State[T]) noteLook(err error, failed *time.Time, asked time.Time) {
	switch failing := !failed.IsZero(); {
	case err == nil && failing:
		st.failed.Store(nil)
		st.cfg.logger.Info("zkstate: refresh works again", "path", st.path)
	case err != nil && !failing && st.ctx.Err() == nil:
		st.cfg.logger.Warn("zkstate: refresh failed, trying again", "path", st.path, "error", err)
	}
	*failed = time.Time{}
	if err != nil {
		*failed = asked
	}
}

// askForLook makes the follower look as soon as it can.
func (st *State[T]) askForLook() {
	select {
	case st.wanted <- struct{}{}:
	default:
	}
}

// pace keeps a follower from looking at every single commit where commits are made faster
// than it can look at them: so many looks, by every instance, would slow the commits down.
// Up to there every hint is followed at once. Beyond, what is committed between two looks is
// seen with the second. The zero value is ready.
type pace struct {
	last   time.Time     // when the last look began
	before time.Duration // from the look before until then
	run    int           // looks in a row that took longer than it takes to commit
	gap    time.Duration // between the beginnings of two looks
}

const (
	paceFree = 4                     // so many looks in a row are made at once
	paceMax  = 50 * time.Millisecond // the longest gap
)

// wait pauses before a look.
func (p *pace) wait(ctx context.Context) {
	since := time.Since(p.last)
	if since < p.gap {
		pause(ctx, p.gap-since)
	}
	now := time.Now()
	p.last, p.before = now, now.Sub(p.last)
}

// saw notes how many commits have been made since the look before, and how long the look
// took.
func (p *pace) saw(commits int, took time.Duration) {
	if p.before/time.Duration(max(commits, 1)) >= took {
		p.run, p.gap = 0, 0
	} else if p.run++; p.run >= paceFree {
		p.gap = min(2*max(p.gap, took), paceMax)
	}
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
func (b *backoff) wait(ctx context.Context) bool { return pause(ctx, b.next()) }

// pause waits for d, and reports false if ctx ends first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
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

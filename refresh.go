package zkstate

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/zkstate/zkstate/store"
)

// lookBound is how long the follower waits for an answer before it asks again.
const lookBound = 5 * time.Second

// period is how often the copy is verified at least: a copy must survive two
// refreshes that fail within MaxStaleness.
func (c config) period() time.Duration { return min(c.refresh, c.maxStaleness/3) }

// follow keeps the copy up to date until the State is closed. It trusts hints to
// be early and nothing else: a refresh that needs no hint is always pending, and
// looks that hints cause do not put it off.
func (st *State[T]) follow(hints <-chan struct{}) {
	retry := backoff{max: st.cfg.period()}
	due := time.Now().Add(jitter(st.cfg.period()))
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	var hinted pace
	for failing := false; ; {
		timer.Reset(time.Until(due))
		mode := store.Linearizable
		before := st.current.Load().newest
		select {
		case <-st.ctx.Done():
			return
		case <-hints:
			hinted.wait(st.ctx)
			st.awaitOwnCommit(st.ctx) // a hint of our own commit needs no look
			if st.serves(st.current.Load()) {
				mode = store.Local
			}
		case <-st.wanted:
		case <-timer.C:
			if age := st.current.Load().age(); age < st.cfg.period()*3/4 {
				due = time.Now().Add(jitter(st.cfg.period() - age)) // a commit or a consistent read has verified it
				continue
			}
		}
		ctx, cancel := context.WithTimeout(st.ctx, max(st.cfg.period(), lookBound))
		err := st.look(ctx, mode)
		cancel()
		hinted.saw(st.current.Load().newest.Since(before))
		switch {
		case err != nil:
			due = time.Now().Add(retry.next())
		case mode == store.Linearizable:
			retry.reset()
			due = time.Now().Add(jitter(st.cfg.period()))
		}
		st.noteFailure(err, &failing)
		st.checkMutation(st.current.Load())
	}
}

// noteFailure logs when looks begin to fail, and when they work again.
func (st *State[T]) noteFailure(err error, failing *bool) {
	switch {
	case err != nil && !*failing && st.ctx.Err() == nil:
		st.cfg.logger.Warn("zkstate: refresh failed, trying again", "path", st.path, "error", err)
	case err == nil && *failing:
		st.cfg.logger.Info("zkstate: refresh works again", "path", st.path)
	}
	*failing = err != nil
}

// askForLook makes the follower look as soon as it can.
func (st *State[T]) askForLook() {
	select {
	case st.wanted <- struct{}{}:
	default:
	}
}

// pace keeps a follower from looking at every single commit while many are made: so
// many looks, by every instance, would slow the commits down. A few hints in a row
// are followed at once; if they keep coming, what is committed between two looks is
// seen with the second. The zero value is ready.
type pace struct {
	last   time.Time     // when wait returned
	before time.Duration // from the look before until then
	run    int           // looks in a row that found commits close together
	gap    time.Duration // between two looks
}

const (
	paceFree  = 4                     // so many looks in a row are made at once
	paceQuiet = 10 * time.Millisecond // between commits is no reason to wait
	paceMax   = 50 * time.Millisecond // the longest that a hint waits
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

// saw notes how many commits have been made since the look before.
func (p *pace) saw(commits int) {
	if p.before/time.Duration(max(commits, 1)) >= paceQuiet {
		p.run, p.gap = 0, 0
	} else if p.run++; p.run >= paceFree {
		p.gap = min(max(2*p.gap, time.Millisecond), paceMax)
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

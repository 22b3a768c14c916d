package zkstate

import (
	"context"
	"math/rand/v2"
	"time"
)

// pace keeps a follower from looking at every single commit where looks would take more than
// a part of its time: so many looks, by every instance, are what the writers would wait for.
// Up to there every hint is followed at once. Beyond, what is committed between two looks is
// seen with the second. The zero value is ready.
type pace struct {
	last   time.Time     // when the last look began
	before time.Duration // from the look before until then
	seen   uint64        // how many commits had been made when the last look ended
	run    int           // looks in a row that took too long for how often commits are made
	gap    time.Duration // between the beginnings of two looks
}

const (
	paceFree  = 4                     // so many looks in a row are made at once
	paceShare = 4                     // looks may take this part of the time between commits,
	paceQuiet = 10 * time.Millisecond // which is at least this where the State commits itself
	paceMax   = 50 * time.Millisecond // the longest gap
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

// saw notes how many commits have been made so far, and how long the look took. A State that
// commits itself is one of those whose looks its commits wait for.
func (p *pace) saw(commits uint64, took time.Duration, writes bool) {
	made := max(int(commits-p.seen), 1) // a history that replaces another may have fewer
	p.seen = commits
	enough := paceShare * took
	if writes {
		enough = max(enough, paceQuiet)
	}
	if p.before/time.Duration(made) >= enough {
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

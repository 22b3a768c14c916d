package zkstate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zkstate/zkstate/store"
)

// A turn in the store's queue of writers ends after turnCommits commits or turnTime, and
// earlier if the State has nothing to write.
const (
	turnCommits = 32
	turnTime    = 50 * time.Millisecond
	// turnLimit is how long the functions of plain updates may hold a turn. Plain updates of
	// other instances do not wait longer than that for it.
	turnLimit = turnStall
	// turnWait is how long a writer whose turn it is waits for its callers' next writes.
	turnWait = 200 * time.Microsecond
	// unlockBound is how long releasing the lock may delay this State's writer.
	unlockBound = time.Second
)

// A plain update does not depend on the queue, which only makes contention orderly.
// It waits for its turn while the queue moves, and goes on without the queue when it does
// not: a script may hold the lock, a program may have left a place behind, or the network
// of the holder may fail.
const (
	firstLook   = 20 * time.Millisecond // until a caller that waits first looks at the queue
	turnStall   = time.Second           // with the same place at the head for that long, the queue does not move
	turnMaxWait = 5 * time.Second       // the longest wait for a queue that moves
	turnPause   = 5 * time.Second       // without the queue, after it did not move or our turn failed
	deniedPause = time.Minute           // without the queue, after the store denied access to it
	turnYield   = 10 * time.Millisecond // the pause between bursts of commits without the queue
)

// errNoTurn ends a plain update's wait for its turn.
var errNoTurn = errors.New("the queue of writers does not move")

// takeTurn waits for the State's turn in the store's queue of writers, if plain updates need
// one. For exclusive ones it was taken before.
func (w *writer[T]) takeTurn(b *batch[T], cfg updateConfig) error {
	calls, ctx := w.st.queue(), b.ctx
	queue := calls.contended && !cfg.noRetry && cfg.ifVersion == nil && !w.skipsQueue()
	switch {
	case cfg.exclusive && w.lock == nil:
		return store.ErrLockLost
	case w.lock != nil || !queue:
		return nil
	}
	waiting, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w.st.tasks.start(func() {
		stalled := func() { cancel(errNoTurn) }
		_ = w.st.protect(func() error { w.st.watchWaiters(waiting, calls.setBlocked, stalled); return nil }) // which logs
	})
	w.trace(b, TraceEvent{Kind: TraceQueue})
	ended := calls.counters.waitLock()
	lock, err := w.st.store.Lock(waiting, w.st.path, w.st.cfg.id)
	waited := ended()
	switch {
	case err == nil:
		w.trace(b, TraceEvent{Kind: TraceTurn, Waited: waited})
		w.beginTurn(lock)
		calls.setBlocked(nil)
		return w.st.look(ctx, store.Local)
	case context.Cause(waiting) == errNoTurn && ctx.Err() == nil:
		calls.skipQueueUntil = time.Now().Add(turnPause)
		return nil
	case errors.Is(err, ErrDenied):
		calls.skipQueueUntil = time.Now().Add(deniedPause)
		return nil
	case errors.Is(err, ErrUnavailable):
		calls.skipQueueUntil = time.Now().Add(turnPause)
	}
	return err
}

// beginTurn begins a turn under a lock that was taken.
func (w *writer[T]) beginTurn(lock store.Lock) {
	w.lock, w.began, w.commits = lock, time.Now(), 0
	w.st.queue().contended = lock.Waited()
}

// watchWaiters notes who has the lock while a call waits for it, until ctx ends. If stalled is
// not nil, it calls that and returns when the queue does not move.
func (st *State[T]) watchWaiters(ctx context.Context, note func(locked error), stalled func()) {
	patience := time.Now().Add(turnMaxWait)
	timer := time.NewTimer(firstLook)
	defer timer.Stop()
	head := store.Waiter{}
	for looks := 0; ; looks++ {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		looking, cancel := context.WithTimeout(ctx, turnStall)
		queue, err := st.store.Queue(looking, st.path)
		cancel()
		was := head
		if head = (store.Waiter{}); err == nil && len(queue) > 0 {
			head = queue[0]
		}
		if head.Key != "" && head.ID != st.cfg.id {
			note(lockedBy(head))
		}
		still := looks > 0 && (err != nil || head.Key == was.Key)
		if stalled != nil && (still || time.Now().After(patience)) {
			stalled()
			return
		}
		timer.Reset(turnStall)
	}
}

// lockedBy returns the error of calls that wait for a lock that another writer holds.
func lockedBy(w store.Waiter) error {
	who := w.ID
	if who == "" {
		who = w.Key
	}
	if w.Host != "" {
		who += fmt.Sprintf(" on %s (process %d)", w.Host, w.PID)
	}
	left := ""
	if w.Session == "" {
		left = ", whose place was left behind and has to be removed by hand"
	}
	return fmt.Errorf("%w by %s since %s%s", ErrLocked, who, w.Since.UTC().Format(time.RFC3339), left)
}

// atHead reports whether the queue still shows this State as the holder of the lock.
// Another instance has committed meanwhile: it may write without the lock, or be the next
// holder.
func (w *writer[T]) atHead(ctx context.Context) bool {
	var queue []store.Waiter
	err := w.st.protect(func() (err error) {
		queue, err = w.st.store.Queue(ctx, w.st.path)
		return err
	})
	return err == nil && len(queue) > 0 && queue[0].ID == w.st.cfg.id
}

// skipsQueue reports whether the State writes without the queue for a while, although other
// instances write too. It does so while it has a Lock, whose place it would have to wait for.
func (w *writer[T]) skipsQueue() bool {
	return time.Now().Before(w.st.queue().skipQueueUntil) || w.st.queue().isLocked()
}

// yieldToOthers lets other instances commit. A State that never loses a race, because its network
// is quicker, would never take turns. So, after committing for turnTime without a turn, it
// looks whether others wait in the queue, or pauses if it writes without the queue.
func (w *writer[T]) yieldToOthers() {
	calls := w.st.queue()
	switch now := time.Now(); {
	case w.lock != nil || calls.idle() > turnTime:
		calls.burst = now
		return
	case now.Sub(calls.burst) < turnTime:
		return
	case w.skipsQueue():
		pause(w.st.ctx, jitter(turnYield))
	case !calls.contended:
		ctx, cancel := context.WithTimeout(w.st.ctx, turnTime)
		queue, err := w.st.store.Queue(ctx, w.st.path)
		cancel()
		calls.contended = err == nil && len(queue) > 0
	}
	calls.burst = time.Now()
}

// awaitCall waits a little for the next call, and reports whether there may be one.
func (w *writer[T]) awaitCall() bool {
	if !w.mayStay(0) {
		return false
	}
	timer := time.NewTimer(turnWait)
	defer timer.Stop()
	select {
	case <-w.st.queue().arrived:
		return true
	case <-timer.C:
		return false
	}
}

// await waits for a function to return. If a plain update's function takes longer than
// turnLimit, await gives the turn up, so that it does not delay other instances' exclusive
// updates. An exclusive update's function keeps the turn.
func (w *writer[T]) await(ran <-chan result[T], exclusive bool) result[T] {
	if w.lock == nil || exclusive {
		return <-ran
	}
	timer := time.NewTimer(time.Until(w.began.Add(turnLimit)))
	defer timer.Stop()
	select {
	case r := <-ran:
		return r
	case <-timer.C:
		w.st.queue().skipQueueUntil = time.Now().Add(turnPause)
		w.giveUp()
		return <-ran
	}
}

// mayStay reports whether the turn may go on after that many more commits, and whether
// another call is likely to use it.
func (w *writer[T]) mayStay(more int) bool {
	return w.commits+more < turnCommits && time.Since(w.began) < turnTime && w.st.queue().busy(turnWait)
}

// giveUp releases the lock if the State holds it. After a turn that failed the State does
// not use the queue for turnPause, because other instances would wait for it.
func (w *writer[T]) giveUp() {
	if w.lock == nil {
		return
	}
	if w.lockUncertain {
		w.st.queue().skipQueueUntil = time.Now().Add(turnPause)
	}
	w.st.unlock(w.lock)
	w.lock = nil
}

// unlock gives a lock up.
func (st *State[T]) unlock(held store.Lock) {
	ctx, cancel := context.WithTimeout(context.Background(), unlockBound)
	defer cancel()
	if err := st.protect(func() error { return held.Unlock(ctx) }); err != nil {
		st.cfg.logger.Info("zkstate: place in the queue of writers not given up yet", "path", st.path, "error", err)
	}
}

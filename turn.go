package zkstate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zkstate/zkstate/store"
)

// A turn in the store's queue of writers ends after so many commits or so much
// time, and earlier if the State has nothing to write.
const (
	turnCommits = 32
	turnTime    = 50 * time.Millisecond
	// turnLimit is how long functions of plain updates may keep a turn that they run in. The
	// others' plain updates do not wait any longer for it.
	turnLimit = turnStall
	// turnLinger is how long a writer whose turn it is waits for its callers' next writes.
	turnLinger = 200 * time.Microsecond
	// unlockBound is how long giving the turn up may keep this State's writers.
	unlockBound = time.Second
)

// A plain update does not depend on the queue, which only makes contention orderly.
// It waits for its turn while others have theirs, and goes on without one when nobody
// seems to move: a script may hold the lock, a program may have left a place
// behind, or the network of the holder may fail.
const (
	firstLook    = 20 * time.Millisecond // at the queue, for a caller that has to wait
	turnStall    = time.Second           // with the same place at the head: it does not move
	turnPatience = 5 * time.Second       // is the longest wait, however it moves
	turnRest     = 5 * time.Second       // without the queue, after it did not move or our turn went wrong
	deniedRest   = time.Minute           // without the queue, where the store does not let us in
	turnYield    = 10 * time.Millisecond // between what would be turns, without the queue
)

// errNoTurn ends the wait for a turn of those who can do without.
var errNoTurn = errors.New("the queue of writers does not move")

// takeTurn waits for the turn in the store's queue, where one is needed.
func (w *writer[T]) takeTurn(ctx context.Context, cfg updateConfig) error {
	calls := &w.st.queue
	queue := calls.contended && !cfg.noRetry && cfg.ifVersion == nil && time.Now().After(calls.queueAgain)
	if w.lock != nil || !queue && !cfg.exclusive {
		return nil
	}
	waiting, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w.st.tasks.start(func() {
		_ = w.st.protect(func() error { w.st.watchQueue(waiting, cancel, !cfg.exclusive); return nil }) // which logs
	})
	lock, err := w.st.store.Lock(waiting, w.st.path, w.st.cfg.id)
	switch {
	case err == nil:
		w.lock, w.began, w.commits = lock, time.Now(), 0
		calls.contended = lock.Waited()
		calls.setTrouble(nil)
		return w.st.look(ctx, store.Local)
	case cfg.exclusive && ctx.Err() != nil && errors.Is(calls.lastTrouble(), ErrLocked):
		return calls.lastTrouble()
	case cfg.exclusive:
		return err
	case context.Cause(waiting) == errNoTurn && ctx.Err() == nil:
		calls.queueAgain = time.Now().Add(turnRest)
		return nil
	case errors.Is(err, ErrDenied):
		calls.queueAgain = time.Now().Add(deniedRest)
		return nil
	case errors.Is(err, ErrUnavailable):
		calls.queueAgain = time.Now().Add(turnRest)
	}
	return err
}

// watchQueue notes who has the lock while a call waits for it, until ctx ends. If the
// call can do without, it ends the wait when the queue does not move.
func (st *State[T]) watchQueue(ctx context.Context, stop context.CancelCauseFunc, optional bool) {
	patience := time.Now().Add(turnPatience)
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
			st.queue.setTrouble(lockedBy(head))
		}
		stalled := looks > 0 && (err != nil || head.Key == was.Key)
		if optional && (stalled || time.Now().After(patience)) {
			stop(errNoTurn)
			return
		}
		timer.Reset(turnStall)
	}
}

// lockedBy is the error of calls that wait for a lock which somebody else holds.
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

// atHead reports whether the lock is still seen to be ours. Somebody committed while we
// had it: that may be one who does without, or the next holder.
func (w *writer[T]) atHead(ctx context.Context) bool {
	queue, err := w.st.store.Queue(ctx, w.st.path)
	return err == nil && len(queue) > 0 && queue[0].ID == w.st.cfg.id
}

// resting reports whether the State does without the queue, though it meets others.
func (w *writer[T]) resting() bool { return time.Now().Before(w.st.queue.queueAgain) }

// share lets others commit. Who never loses a race, because its network is quicker,
// would never take turns: so a State that commits for as long as a turn may take looks
// whether others wait for one, and pauses a little where it does without the queue.
func (w *writer[T]) share() {
	calls := &w.st.queue
	switch now := time.Now(); {
	case w.lock != nil || calls.idle() > turnTime:
		calls.burst = now
		return
	case now.Sub(calls.burst) < turnTime:
		return
	case w.resting():
		pause(w.st.ctx, jitter(turnYield))
	case !calls.contended:
		ctx, cancel := context.WithTimeout(w.st.ctx, turnTime)
		queue, err := w.st.store.Queue(ctx, w.st.path)
		cancel()
		calls.contended = err == nil && len(queue) > 0
	}
	calls.burst = time.Now()
}

// linger waits a little for the next call, and reports whether there may be one.
func (w *writer[T]) linger() bool {
	if !w.mayStay(0) {
		return false
	}
	timer := time.NewTimer(turnLinger)
	defer timer.Stop()
	select {
	case <-w.st.queue.arrived:
		return true
	case <-timer.C:
		return false
	}
}

// await waits for a function that runs in the turn. The turn is given up when the function
// takes too long, unless it is an exclusive update's: no other one may hold up the others'
// exclusive updates for as long as it likes.
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
		w.st.queue.queueAgain = time.Now().Add(turnRest)
		w.giveUp()
		return <-ran
	}
}

// mayStay reports whether the turn may go on after so many more commits, and is
// likely to be of use.
func (w *writer[T]) mayStay(more int) bool {
	return w.commits+more < turnCommits && time.Since(w.began) < turnTime && w.st.queue.busy(turnLinger)
}

// giveUp ends the turn, if it is ours. A State whose turn went wrong keeps away from
// the queue for a while: the others would wait for it.
func (w *writer[T]) giveUp() {
	if w.lock == nil {
		return
	}
	if w.doubt {
		w.st.queue.queueAgain = time.Now().Add(turnRest)
	}
	ctx, cancel := context.WithTimeout(context.Background(), unlockBound)
	defer cancel()
	if err := w.st.protect(func() error { return w.lock.Unlock(ctx) }); err != nil {
		w.st.cfg.logger.Info("zkstate: place in the queue of writers not given up yet", "path", w.st.path, "error", err)
	}
	w.lock = nil
}

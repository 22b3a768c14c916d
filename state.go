package zkstate

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zkstate/zkstate/internal/rounds"
	"github.com/zkstate/zkstate/store"
)

// State is one instance's copy of a shared T. Its methods may be called
// concurrently. T is encoded and decoded by encoding/json: what does not survive
// that (unexported fields, fields tagged "-") is not shared. If *T has a method
// Validate() error, it is run on whatever comes in and goes out.
type State[T any] struct {
	store   store.Store
	path    string
	cfg     config
	created Version // that Open made, zero if there was a document

	ctx   context.Context // ends when the State is closed
	stop  context.CancelFunc
	tasks tasks // the State's own goroutines

	watcher    store.Watcher                // of the document
	publishing sync.Mutex                   // serializes the changes of current
	current    atomic.Pointer[published[T]] // the local copy; from the first one on, changed by swap only
	events     atomic.Uint64                // orders what this State asks and publishes
	changed    signals                      // fires after current was swapped
	failed     atomic.Pointer[error]        // why the last look at the store failed, nil if it worked
	follower   follower[T]

	own      ownRecord                     // what the listener record says
	reporter reporter                      // keeps that true
	rounds   rounds.Rounds                 // of consistent reads
	writes   atomic.Pointer[writeQueue[T]] // see queue
	counters counters

	journaled atomic.Bool // the document's journal is on, or was
	closing   sync.Once
	closeErr  error
}

// closeBound is how long Close waits for a store that does not answer.
const closeBound = 2 * time.Second

// ID returns the listener id of this State.
func (st *State[T]) ID() string { return st.cfg.id }

// Path returns the document's path.
func (st *State[T]) Path() string { return st.path }

// Close removes the listener record and stops what the State started; iterators
// end, calls under way return [ErrClosed], an update whose commit is under way with
// [ErrUnknownOutcome] if the store cannot say any more what became of it. It returns within two seconds even
// when the store hangs; the record then goes with the store's session. A callback
// of OnChange that is running is not waited for. The store is not closed.
func (st *State[T]) Close() error {
	st.closing.Do(func() {
		st.stop()
		st.follower.stop()
		st.reporter.stop()
		ctx, cancel := context.WithTimeout(context.Background(), closeBound)
		defer cancel()
		working, enough := context.WithTimeout(ctx, closeBound*3/4)
		defer enough()
		if !st.tasks.stop(working) {
			st.closeErr = fmt.Errorf("close %s: an update's function or the store does not return: %w", st.path, ErrUnavailable)
		}
		st.watcher.Stop()
		if st.cfg.observer {
			return
		}
		retry := backoff{max: 100 * time.Millisecond}
		withdraw := func() error { return st.store.Withdraw(ctx, st.path, st.cfg.id) }
		err := st.protect(withdraw)
		for errors.Is(err, ErrUnavailable) && retry.wait(ctx) {
			err = st.protect(withdraw)
		}
		if err != nil && !errors.Is(err, ErrClosed) {
			st.closeErr = errors.Join(st.closeErr, fmt.Errorf("close %s: the listener record stays until the store's session ends: %w", st.path, err))
		}
	})
	return st.closeErr
}

// lifetime returns a context that ends with ctx or with the State.
func (st *State[T]) lifetime(ctx context.Context) (context.Context, context.CancelFunc) {
	joined, cancel := context.WithCancel(ctx)
	unhook := context.AfterFunc(st.ctx, cancel)
	return joined, func() { unhook(); cancel() }
}

func (st *State[T]) isClosed() bool { return st.ctx.Err() != nil }

func (st *State[T]) errClosed(verb string) error {
	return fmt.Errorf("%s %s: the State was %w: open a new one", verb, st.path, ErrClosed)
}

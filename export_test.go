package zkstate

import "time"

// AwaitQueued waits until n calls wait behind the one that is being carried out.
func (st *State[T]) AwaitQueued(n int) {
	for st.Queued() < n {
		time.Sleep(time.Millisecond)
	}
}

// Queued is how many calls wait behind the one that is being carried out.
func (st *State[T]) Queued() int {
	st.queue().mu.Lock()
	defer st.queue().mu.Unlock()
	return len(st.queue().waiting)
}

// Subscribers is how many wait for changes of the copy.
func (st *State[T]) Subscribers() int {
	st.changed.mu.Lock()
	defer st.changed.mu.Unlock()
	return len(st.changed.subs)
}

// AwaitBehindLock waits until n calls wait for this State's Lock.
func (st *State[T]) AwaitBehindLock(n int) {
	for {
		st.queue().mu.Lock()
		waiting := len(st.queue().behind)
		st.queue().mu.Unlock()
		if waiting >= n {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

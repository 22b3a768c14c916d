package zkstate

import "time"

// AwaitLine waits until n calls wait behind the one that is being carried out.
func (st *State[T]) AwaitLine(n int) {
	for {
		st.line.mu.Lock()
		waiting := len(st.line.waiting)
		st.line.mu.Unlock()
		if waiting >= n {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

package zkstate

import "time"

// AwaitLine waits until n calls wait behind the one that is being carried out.
func (st *State[T]) AwaitLine(n int) {
	for st.InLine() < n {
		time.Sleep(time.Millisecond)
	}
}

// InLine is how many calls wait behind the one that is being carried out.
func (st *State[T]) InLine() int {
	st.line.mu.Lock()
	defer st.line.mu.Unlock()
	return len(st.line.waiting)
}

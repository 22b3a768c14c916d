package procwatch

import (
	"context"
	"sync"

	"github.com/zkstate/zkstate"
)

// Watch runs the agent on settings that are shared: it looks at once whenever
// anybody, anywhere, changes them. onChange is told of every change, beginning with
// the whole document as one addition, onEvents of the processes that come and go; they are called from two goroutines. While the
// settings are stale, or rejected, it goes on with the last good ones.
//
// Watch blocks until ctx ends or the State is closed. See [Agent.Run] for errors.
func (a *Agent) Watch(ctx context.Context, st *zkstate.State[Settings], onChange func(zkstate.ChangeSet), onEvents func([]Event)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	changed := make(chan struct{}, 1)
	sets := st.Changes(ctx, zkstate.Replay())
	var follower sync.WaitGroup
	follower.Go(func() {
		defer cancel() // the State was closed
		for set := range sets {
			onChange(set)
			select {
			case changed <- struct{}{}:
			default:
			}
		}
	})
	err := a.Run(ctx, st.Read, changed, onEvents)
	cancel()
	follower.Wait()
	return err
}

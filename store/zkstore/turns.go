package zkstore

import (
	"context"
	"sync"
)

// turns is one mutex per name, for as long as somebody wants it. The zero value is
// ready; all methods may be called concurrently.
type turns struct {
	mu    sync.Mutex // guards names
	names map[string]*turn
}

type turn struct {
	held   chan struct{}
	wanted int // guarded by turns.mu
}

// take waits for the name's turn, at most until ctx ends. give ends the turn and
// may be called more than once.
func (t *turns) take(ctx context.Context, name string) (give func(), err error) {
	mine := t.want(name)
	select {
	case mine.held <- struct{}{}:
		return t.giving(name, mine), nil
	case <-ctx.Done():
		t.leave(name, mine)
		return nil, ctx.Err()
	}
}

// tryTake is take where nobody has the turn.
func (t *turns) tryTake(name string) (give func(), ok bool) {
	mine := t.want(name)
	select {
	case mine.held <- struct{}{}:
		return t.giving(name, mine), true
	default:
		t.leave(name, mine)
		return nil, false
	}
}

func (t *turns) want(name string) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.names == nil {
		t.names = make(map[string]*turn)
	}
	mine := t.names[name]
	if mine == nil {
		mine = &turn{held: make(chan struct{}, 1)}
		t.names[name] = mine
	}
	mine.wanted++
	return mine
}

func (t *turns) giving(name string, mine *turn) func() {
	return sync.OnceFunc(func() {
		<-mine.held
		t.leave(name, mine)
	})
}

func (t *turns) leave(name string, mine *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if mine.wanted--; mine.wanted == 0 {
		delete(t.names, name)
	}
}

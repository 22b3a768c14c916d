package zkstate

import (
	"slices"
	"sync"
)

// signals wakes subscribers. The zero value is ready.
type signals struct {
	mu   sync.Mutex // guards subs
	subs []chan struct{}
}

// subscribe returns a level-triggered channel, and what releases it.
func (s *signals) subscribe() (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subs = append(s.subs, ch)
	return ch, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.subs = slices.DeleteFunc(s.subs, func(c chan struct{}) bool { return c == ch })
	}
}

func (s *signals) fire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ch := range s.subs {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

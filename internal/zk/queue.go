package zk

import (
	"context"
	"slices"
	"time"
)

// few is how many calls in flight keep none waiting. With more of them, company is how many may be in flight for each one
// that is queued before the queue waits for more.
const few, company = 8, 2

// direct is how many bytes a caller writes by itself at most: so many fit into the system's buffer if all that was sent
// has been answered, so that writing them does not block.
const direct = 4 << 10

// submit sends a call or queues it, or returns why it cannot be sent.
func (s *Session) submit(ctx context.Context, c *call) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := c.check(s.client.cfg.MaxRequest); err != nil {
		return err
	}
	s.mu.Lock()
	if s.err != nil || s.closing {
		defer s.mu.Unlock()
		return s.endedLocked()
	}
	if w := s.idleLocked(); w != nil && len(c.frames) <= direct && w.acquire() {
		s.inFlight++
		s.mu.Unlock()
		w.sendOne(c)
		return nil
	}
	wasDue := s.dueLocked()
	s.queue = append(s.queue, c)
	due := !wasDue && s.dueLocked()
	s.mu.Unlock()
	if due {
		s.signal()
	}
	return nil
}

// idleLocked returns the writer if all that was queued has been sent and answered, or nil.
func (s *Session) idleLocked() *writer {
	if len(s.queue) > 0 || s.inFlight > 0 {
		return nil
	}
	return s.writer
}

// dueLocked reports whether what is queued is to be sent now. While many more calls are in flight it waits for
// company, to go out in one write: a server answers a session's requests in order, so those come first anyway. Every
// answer to them makes it due sooner.
func (s *Session) dueLocked() bool {
	return len(s.queue) > 0 && (s.inFlight <= few || len(s.queue)*company >= s.inFlight)
}

// withdraw takes a call out of the queue, and reports whether it was there.
func (s *Session) withdraw(c *call) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.queue, c)
	if i < 0 {
		return false
	}
	s.queue = slices.Delete(s.queue, i, i+1)
	return true
}

// take moves calls from the queue to batch if they are due, about limit bytes at most, and reports whether the session
// is to be closed after them.
func (s *Session) take(batch []*call, limit int) ([]*call, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, due := 0, s.dueLocked()
	for size := 0; due && n < len(s.queue) && size < limit; n++ {
		size += len(s.queue[n].frames)
	}
	batch = append(batch[:0], s.queue[:n]...)
	s.queue = slices.Delete(s.queue, 0, n)
	s.inFlight += n
	return batch, s.closing
}

// begin notes that the writer's connection carries the session: what another one has not answered, it never will.
func (s *Session) begin(w *writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writer, s.inFlight = w, 0
}

// replied notes a reply to a request that was sent then, and whether it is the last one of its call.
func (s *Session) replied(sent time.Time, last bool) {
	s.mu.Lock()
	s.confirmLocked(sent)
	wasDue := s.dueLocked()
	if last {
		s.inFlight--
	}
	due := !wasDue && s.dueLocked()
	s.mu.Unlock()
	if due {
		s.signal()
	}
}

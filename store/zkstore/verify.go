package zkstore

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store"
)

// verifier confirms for all watchers of the handle that what they have is the latest. It
// makes a round through the quorum when none has been answered for as long as the most
// demanding watcher wants, whoever asked for it. On a new connection it looks at all that
// is followed. Between rounds it looks at a rotating sample, so that a watch which a server
// lost is found.
type verifier struct {
	start sync.Once
	wake  chan struct{} // has a token if somebody follows, or there is a connection

	lost     atomic.Int64 // watches that were found to be lost
	lostSaid time.Time    // when that was logged last; used under the logging's own turn
	saying   sync.Mutex   // guards lostSaid

	// Used by verify only.
	failures int     // rounds and looks in a row
	credit   float64 // payloads to be sampled
	sampled  time.Time
}

const (
	lookTogether = 200                   // payloads that are looked at in one round trip
	sampleEach   = 20 * time.Millisecond // the least time between two payloads of the sample, on the average
	sampleTick   = time.Second           // the sample goes out together for so long
	lostBurst    = 10 * time.Second      // lost watches closer than that are logged once
	verifyBound  = 5 * time.Second       // for one answer
)

func (v *verifier) wakeUp() {
	select {
	case v.wake <- struct{}{}:
	default:
	}
}

// verify runs until the store is closed.
func (s *Store) verify() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-s.verifier.wake:
		case <-timer.C:
		}
		timer.Reset(s.verifyOnce())
	}
}

// verifyOnce does what is due, and returns when it wants to be called again.
func (s *Store) verifyOnce() time.Duration {
	v := &s.verifier
	if s.conn.Load() == 0 {
		return time.Hour // until there is a connection
	}
	ctx, cancel := context.WithTimeout(s.ctx, verifyBound)
	defer cancel()
	s.removeWatches(ctx)
	count, every := s.watched.demand()
	if count == 0 {
		return time.Hour // until somebody follows
	}
	var err error
	missing, _ := s.records.missing() // the keeper wakes the verifier when they are back
	if missing == nil && time.Since(s.watched.proved()) >= every {
		_, _, err = s.ordered(ctx, anyPath)
	}
	if err == nil {
		err = s.lookAgain(ctx)
	}
	tick := min(every, sampleTick)
	if err == nil && time.Since(v.sampled) >= tick {
		v.sampled = time.Now()
		v.credit += float64(count) * float64(tick) / float64(max(every, time.Duration(count)*sampleEach))
		n := int(v.credit)
		v.credit -= float64(n)
		err = s.lookAt(ctx, s.watched.sample(n))
	}
	if err != nil {
		v.failures++
		return min(retryPause<<min(v.failures, 8), every)
	}
	v.failures = 0
	if missing != nil {
		return every
	}
	return max(min(every-time.Since(s.watched.proved()), tick-time.Since(v.sampled)), time.Millisecond)
}

// removeWatches removes the watches of what nobody follows any more. That there is none, or
// no connection any more, is as good. Where somebody follows again meanwhile, the watch that is
// removed may be theirs, so they are hinted at.
func (s *Store) removeWatches(ctx context.Context) {
	for {
		fulls := s.watched.takeLeft(lookTogether)
		if len(fulls) == 0 {
			return
		}
		requests := make([]zk.Request, len(fulls))
		for i, full := range fulls {
			requests[i] = zk.RemoveWatches{Path: full, Kind: zk.DataWatches}
		}
		_, _ = s.do(ctx, requests...)
		s.watched.removed()
		for _, full := range fulls {
			s.watched.signal(full)
		}
	}
}

// lookAgain looks at all that was followed when the connection was made. Only those that
// moved meanwhile are hinted at.
func (s *Store) lookAgain(ctx context.Context) error {
	for {
		nodes, conn := s.watched.takeAgain(lookTogether)
		if len(nodes) == 0 {
			return nil
		}
		if err := s.lookAt(ctx, nodes); err != nil {
			s.watched.putAgain(nodes, conn)
			return err
		}
	}
}

// lookAt looks at payloads in one round trip, sets their watches, and hints at those that
// are not what was seen before. The error is the connection's.
func (s *Store) lookAt(ctx context.Context, nodes []*watchedNode) error {
	if len(nodes) == 0 {
		return nil
	}
	marks, requests := make([]mark, len(nodes)), make([]zk.Request, len(nodes))
	for i, n := range nodes {
		marks[i] = s.watched.begin(n.full)
		requests[i] = zk.Exists{Path: n.full, Watch: marks[i].followed()}
	}
	replies, err := s.do(ctx, requests...)
	if len(replies) == 0 {
		return err
	}
	for i, reply := range replies {
		var version store.Version
		switch {
		case reply.Err == nil:
			version = versionOf(reply.Stat)
		case !errors.Is(reply.Err, zk.ErrNoNode) && refused(reply.Err):
			s.watched.signal(nodes[i].full) // its own trouble: its watchers are told when they look
			continue
		case !errors.Is(reply.Err, zk.ErrNoNode):
			return reply.Err
		}
		if s.saw(marks[i], version, reply.Conn) {
			s.watched.signal(nodes[i].full)
		}
	}
	return nil
}

// saw notes what a look showed, and reports whether the payload is not what was shown
// before. A watch that should have told so is counted, and its watchers hinted at.
func (s *Store) saw(m mark, version store.Version, conn uint64) (moved bool) {
	moved, lost := s.watched.saw(m, version, conn)
	if !lost {
		return moved
	}
	v := &s.verifier
	count := v.lost.Add(1)
	s.watched.signal(m.full)
	v.saying.Lock()
	said := time.Since(v.lostSaid) < lostBurst
	v.lostSaid = time.Now()
	v.saying.Unlock()
	if !said {
		s.logger.Warn("zkstore: a server lost a watch: the change was found by looking", "path", s.documentOf(m.full), "server", s.client.Server(), "count", count)
	}
	return moved
}

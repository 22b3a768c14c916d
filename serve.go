package zkstate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/store"
)

// A turn in the store's queue of writers ends after so many commits or so much
// time, and earlier if the State has nothing to write.
const (
	turnCommits = 32
	turnTime    = 50 * time.Millisecond
	// turnLinger is how long who has the turn waits for its callers' next writes.
	turnLinger = 200 * time.Microsecond
	// unlockBound is how long giving the turn up may keep this State's writers.
	unlockBound = time.Second
)

// server carries out what waits in a State's line. One is at work while anybody
// waits.
//
// It commits without any lock until it loses to another instance. From then on it
// takes its place in the store's queue of writers, for as long as it meets others
// there. In its turn it may make a few commits, the last of which gives the turn up
// in the same transaction.
type server[T any] struct {
	st    *State[T]
	retry backoff

	lock    store.Lock // nil: not our turn
	began   time.Time  // the turn did
	commits int        // since then
	barred  bool       // the store lets this State not into its queue
	doubt   bool       // the turn may have been lost, or have been given up

	tried Version       // that the last attempt was based on
	parts []*request[T] // who had a part in what it sent
}

// serve works until nobody waits.
func (st *State[T]) serve() {
	s := &server[T]{st: st, retry: backoff{max: 50 * time.Millisecond}}
	for {
		if b := st.line.board(st.ctx); b != nil {
			s.carry(b)
			if len(b.members) > 1 {
				st.line.gather()
			}
			continue
		}
		if s.lock != nil && s.linger() {
			continue
		}
		s.giveUp()
		if st.line.close() {
			return
		}
	}
}

// carry takes a batch to its end, or back into the line.
func (s *server[T]) carry(b *batch[T]) {
	err := s.attempt(b)
	final, alone := s.judge(b, err)
	unknown := errors.Is(final, ErrUnknownOutcome)
	for _, r := range b.members {
		switch {
		case unknown && !slices.Contains(s.parts, r): // it has no part in what is unknown
		case unknown && r.ctx.Err() != nil:
			s.st.line.finish(r, outcome{err: fmt.Errorf("%w: %w", final, r.ctx.Err())})
		case final != nil:
			s.st.line.finish(r, outcome{err: final})
		case err != nil && b.ctx.Err() != nil:
			s.st.line.finish(r, outcome{err: s.st.ended(r.ctx, r.verb, err)})
		}
	}
	s.st.line.unload(b, alone, err)
	if s.commits >= turnCommits || s.doubt {
		s.giveUp()
	}
}

// attempt runs a batch once. Who is done with it has an outcome then; the error is
// the others'.
func (s *server[T]) attempt(b *batch[T]) error {
	s.doubt, s.tried, s.parts = false, Version{}, nil
	cfg := b.members[0].cfg // options that matter here come with a batch of one
	if err := s.takeTurn(b.ctx, cfg); err != nil {
		return err
	}
	cur, err := s.st.base(b.ctx, cfg)
	if err != nil {
		return err
	}
	s.tried = cur.newest
	var made work[T]
	switch first := b.members[0]; {
	case first.fn != nil:
		made, err = s.runAll(b, cur)
	case first.restore != nil:
		made, err = s.restore(first, cur)
	default:
		return s.remove(b, cur)
	}
	if err != nil {
		return err
	}
	version := cur.newest
	if made.doc != nil {
		version, err = s.commit(b, cur, made)
	} else if err = s.st.verify(b.ctx); err == nil && s.st.current.Load().newest != cur.newest {
		err = errMoved
	}
	if err != nil {
		return err
	}
	for _, a := range made.answers {
		if a.err != nil {
			s.st.line.finish(a.to, outcome{err: a.err})
		} else {
			s.st.line.finish(a.to, outcome{version: version})
		}
	}
	return nil
}

// work is what the functions of a batch made together.
type work[T any] struct {
	doc     []byte        // to be stored, nil if nothing changed
	changed []*request[T] // whose functions have a part in it
	answers []answer[T]   // of the functions that ran
}

// answer is what a function says about itself.
type answer[T any] struct {
	to  *request[T]
	err error
}

// runAll has each caller run its function, on what those before it made. Who comes
// while it is at it comes along.
func (s *server[T]) runAll(b *batch[T], cur *published[T]) (work[T], error) {
	var made work[T]
	doc, err := s.st.start(cur)
	if err != nil {
		return made, err
	}
	answers := make(chan ran[T], 1)
	var before []byte
	var copy *T
	for i := 0; i < len(b.members) || s.st.line.extend(b); i++ {
		r := b.members[i]
		t := turn[T]{doc: doc, copy: copy, made: before != nil, ran: answers}
		select {
		case r.turn <- t:
		case <-r.ctx.Done(): // it leaves by itself
			continue
		}
		result := <-answers
		copy = result.copy
		if result.gone {
			s.st.line.finish(r, outcome{})
			continue
		}
		if cur.rejected != nil && result.err == nil && result.after == nil {
			result.after = result.before // in the place of what is rejected, it is a change
		}
		made.answers = append(made.answers, answer[T]{r, result.err})
		if result.after != nil {
			if before == nil {
				before = result.before
			}
			doc, made.changed = result.after, append(made.changed, r)
		}
	}
	if before != nil {
		made.doc, err = s.st.merge(cur, before, doc)
	}
	return made, err
}

// restore makes an old document the new one.
func (s *server[T]) restore(r *request[T], cur *published[T]) (work[T], error) {
	made := work[T]{answers: []answer[T]{{to: r}}}
	if cur.rejected == nil {
		if same, err := diff.Equal(cur.doc, r.restore); err != nil || same {
			return made, err
		}
	}
	made.doc, made.changed = r.restore, []*request[T]{r}
	return made, nil
}

// takeTurn waits for the turn in the store's queue, where one is needed.
func (s *server[T]) takeTurn(ctx context.Context, cfg updateConfig) error {
	queue := s.st.line.contended && !s.barred && !cfg.noRetry && cfg.ifVersion == nil
	if s.lock != nil || !queue && !cfg.exclusive {
		return nil
	}
	lock, err := s.st.store.Lock(ctx, s.st.path, s.st.cfg.id)
	if errors.Is(err, ErrDenied) && !cfg.exclusive {
		s.barred = true // it has to do without
		return nil
	}
	if err != nil {
		return err
	}
	s.lock, s.began, s.commits = lock, time.Now(), 0
	s.st.line.contended = lock.Waited()
	return s.st.look(ctx, store.Local)
}

// linger waits a little for the next call, and reports whether there may be one.
func (s *server[T]) linger() bool {
	if !s.mayStay(0) {
		return false
	}
	timer := time.NewTimer(turnLinger)
	defer timer.Stop()
	select {
	case <-s.st.line.arrived:
		return true
	case <-timer.C:
		return false
	}
}

// mayStay reports whether the turn may go on after so many more commits, and is
// likely to be of use.
func (s *server[T]) mayStay(more int) bool {
	return s.commits+more < turnCommits && time.Since(s.began) < turnTime && s.st.line.brisk(turnLinger)
}

// giveUp ends the turn, if it is ours.
func (s *server[T]) giveUp() {
	if s.lock == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), unlockBound)
	defer cancel()
	if err := s.lock.Unlock(ctx); err != nil {
		s.st.cfg.logger.Info("zkstate: place in the queue of writers not given up yet", "path", s.st.path, "error", err)
	}
	s.lock = nil
}

// judge says what an attempt's error means for those of the batch who have no
// outcome yet: final is the error to give them, in the caller's words; else they
// try again, each alone if that can find out whose fault it was.
func (s *server[T]) judge(b *batch[T], err error) (final error, alone bool) {
	st, first := s.st, b.members[0]
	var own callerError
	switch {
	case err == nil:
		s.retry.reset()
		return nil, false
	case errors.As(err, &own), errors.Is(err, ErrTooLarge):
		if len(b.members) > 1 {
			return nil, true
		}
		if own.err != nil {
			return own.err, false
		}
	case errors.Is(err, ErrUnknownOutcome):
		s.doubt = true // it may be given up already
		return fmt.Errorf("%s on top of version %v: %w: read, and decide whether to try again", st.at(first.verb), st.current.Load().newest, err), false
	case b.ctx.Err() != nil, errors.Is(err, errLeft):
		return nil, false
	case errors.Is(err, store.ErrLockLost):
		s.doubt = true
		return nil, false
	case errors.Is(err, ErrConflict), errors.Is(err, ErrNotFound):
		return s.judgeConflict(b, err), false
	case errors.Is(err, ErrUnavailable):
		s.doubt = true // the lock may have been lost with the session
		s.retry.wait(b.ctx)
		return nil, false
	}
	return fmt.Errorf("%s: %w", st.at(first.verb), err), false
}

// judgeConflict looks at what is there now before the next attempt.
func (s *server[T]) judgeConflict(b *batch[T], err error) error {
	st, first := s.st, b.members[0]
	reload := st.look(b.ctx, store.Local)
	switch {
	case errors.Is(err, ErrConflict) && (first.cfg.noRetry || first.cfg.ifVersion != nil):
		return fmt.Errorf("%s: %w: somebody else committed first: read again and retry", st.at(first.verb), err)
	case reload != nil && !errors.Is(reload, ErrUnavailable) && b.ctx.Err() == nil:
		return fmt.Errorf("%s: %w", st.at(first.verb), reload)
	}
	if !errors.Is(err, errMoved) {
		st.line.contended = true
	}
	if reload != nil || s.barred || st.current.Load().newest == s.tried {
		s.retry.wait(b.ctx)
	}
	return nil
}

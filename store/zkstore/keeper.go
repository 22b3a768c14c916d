package zkstore

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/zkstate/zkstate/internal/zk"
)

const (
	// keeperPause is between two tries to put records right.
	keeperPause = 200 * time.Millisecond
	// restorers is how many records are put right at the same time.
	restorers = sharedMost
)

// keepRecords puts records right after each new connection, and whenever it is asked to,
// until the store is closed.
func (s *Store) keepRecords() {
	for {
		select {
		case <-s.records.wake:
		case <-s.ctx.Done():
			return
		}
		if err := s.restoreRecords(); err != nil && s.ctx.Err() == nil {
			s.logger.Warn("zkstore: listener records are not right yet", "error", err)
			pause(s.ctx, keeperPause)
			s.records.wakeKeeper()
		}
	}
}

// restoreRecords writes the records that are not there as this session's, and removes
// those that are to go.
func (s *Store) restoreRecords() error {
	_, losses := s.records.missing()
	list := s.records.list()
	failed := make([]error, len(list))
	var workers sync.WaitGroup
	next := make(chan int)
	for range min(restorers, len(list)) {
		workers.Go(func() {
			for i := range next {
				failed[i] = s.restoreRecord(list[i])
			}
		})
	}
	for i := range list {
		next <- i
	}
	close(next)
	workers.Wait()
	var problem error // one of many that say the same
	answered := true
	for _, err := range failed {
		problem = cmp.Or(problem, err)
		answered = answered && (err == nil || refused(err) || errors.Is(err, errTaken) || errors.Is(err, zk.ErrTooLarge))
	}
	if answered {
		s.records.returned(losses)
		s.verifier.wakeUp()
	}
	return problem
}

func (s *Store) restoreRecord(rec *record) error {
	give, err := s.take(s.ctx, rec)
	if err != nil {
		return err
	}
	defer give()
	if s.records.isLeaving(rec) {
		return s.removeRecord(s.ctx, rec)
	}
	if s.records.takeRemoved(rec) {
		rec.conn = 0 // until a look has succeeded
	}
	data := s.records.content(rec)
	session, err := s.client.Session(s.ctx)
	if err != nil || data == nil {
		return err
	}
	if rec.session == session && rec.conn == s.conn.Load() {
		return nil
	}
	if rec.session == session {
		err = s.watchRecord(s.ctx, rec)
		if !errors.Is(err, zk.ErrNoNode) {
			return err
		}
		rec.session = nil
	}
	return s.writeRecord(s.ctx, session, rec, data)
}

// watchRecord asks to be told of the znode's end. A watch of its children is told of
// that, and not of its data, which change all the time.
func (s *Store) watchRecord(ctx context.Context, rec *record) error {
	reply, err := rec.session.Call(ctx, zk.Children{Path: rec.full, Watch: true})
	if err == nil {
		rec.conn = reply.Conn
	}
	return err
}

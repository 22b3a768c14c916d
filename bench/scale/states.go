package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/zkstate/zkstate/internal/zkserver"
)

// Figures of many States on one handle. What stays behind is a number for each document, and a
// folder above all of them is not one.
var (
	openTime          = &figure{"open all, s", nil}
	bareTime          = &figure{"  bare creates, s", nil}
	openRatio         = &figure{"  ratio", atMost(3)}
	openRequests      = &figure{"  requests a State", nil}
	openTransactions  = &figure{"  transactions a State", nil}
	stateHeap         = &figure{"heap of a State, KiB", atMost(4)}
	stateGoroutines   = &figure{"goroutines a State", atMost(1)}
	sessionHeap       = &figure{"heap of a session, KiB", atMost(64)}
	idleRequests      = &figure{"idle: requests/s", atMost(60)}
	idleTransactions  = &figure{"idle: transactions/s", atMost(0.2)}
	idleCPU           = &figure{"idle: CPU of the client, %", nil}
	changeRequests    = &figure{"one changes 10 times/s: requests a change", nil}
	changeExtra       = &figure{"  more than where it is alone", &goal{0.5, "none (<= 0.5)"}}
	changeWrites      = &figure{"  transactions a change", nil}
	cutVerified       = &figure{"cut: all verified after, s", atMost(3)}
	lostVerified      = &figure{"session lost: all verified after, s", atMost(5)}
	lostRecords       = &figure{"  all listener records back, s", atMost(5)}
	closedZnodes      = &figure{"closed: znodes a document (2 are its own)", nil}
	closedWatches     = &figure{"  watches a document", &goal{0.01, "0"}}
	againTime         = &figure{"open all again, s", nil}
	againRequests     = &figure{"  requests a State", nil}
	againTransactions = &figure{"  transactions a State", nil}
	deletedZnodes     = &figure{"deleted and closed: znodes a document", &goal{0.01, "0"}}
	deletedWatches    = &figure{"  watches a document", &goal{0.01, "0"}}
)

// noisy is how many requests/s of an idle handle vary by as many as half a request a change.
const noisy = 100

// changes are made ten times a second.
const changeEvery = 100 * time.Millisecond

// manyStates measures n States on one handle.
type manyStates struct {
	*bed
	cfg    config
	sheet  *sheet
	n      int
	docs   Documents
	bare   time.Duration // of as many creates
	worker *process
	base   zkserver.Counts // with the handle and without a State
	used   Usage           // likewise
}

func (b *bed) measureStates(ctx context.Context, cfg config, s *sheet, n int) error {
	prefix := fmt.Sprintf("/states-%d", n)
	bare, err := b.creates(ctx, prefix+"-bare", n)
	if err != nil {
		return err
	}
	worker, err := startWorker(b.log)
	if err != nil {
		return err
	}
	m := manyStates{bed: b, cfg: cfg, sheet: s, n: n, docs: Documents{prefix, n}, bare: bare, worker: worker}
	return errors.Join(m.all(ctx), worker.stop())
}

func (m *manyStates) all(ctx context.Context) error {
	for _, part := range []func(context.Context) error{m.connect, m.open, m.memory, m.idle, m.change, m.cut, m.lose, m.closeAll, m.openAgain, m.deleteAll} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (m *manyStates) put(f *figure, value float64) { m.sheet.put(f, m.n, value) }

// each puts a figure for each document.
func (m *manyStates) each(f *figure, total int64) { m.put(f, float64(total)/float64(m.n)) }

func (m *manyStates) connect(ctx context.Context) error {
	if _, err := ask[time.Duration](ctx, m.worker, "Connect", Connection{"zk://" + m.proxy.Addr(), 1}); err != nil {
		return err
	}
	if err := tell(ctx, m.worker, "SetBy", Place{Addr: m.server.Addr(), Path: paths(m.docs.Prefix, 1)[0] + "/payload"}); err != nil {
		return err
	}
	var err error
	if m.used, err = ask[Usage](ctx, m.worker, "Usage", true); err != nil {
		return err
	}
	m.base, err = m.counts(ctx)
	return err
}

// opening opens the States and says what that took.
func (m *manyStates) opening(ctx context.Context, duration, requests, transactions *figure) error {
	before, err := m.counts(ctx)
	if err != nil {
		return err
	}
	took, err := ask[time.Duration](ctx, m.worker, "Open", m.docs)
	if err != nil {
		return err
	}
	after, err := m.counts(ctx)
	m.put(duration, took.Seconds())
	if duration == openTime {
		m.put(bareTime, m.bare.Seconds())
		m.put(openRatio, took.Seconds()/m.bare.Seconds())
	}
	m.each(requests, after.Since(before).Requests)
	m.each(transactions, after.Since(before).Zxid)
	return err
}

func (m *manyStates) open(ctx context.Context) error {
	return m.opening(ctx, openTime, openRequests, openTransactions)
}

func (m *manyStates) openAgain(ctx context.Context) error {
	return m.opening(ctx, againTime, againRequests, againTransactions)
}

func (m *manyStates) memory(ctx context.Context) error {
	uses, err := ask[Usage](ctx, m.worker, "Usage", true)
	m.put(stateHeap, (uses.Heap-m.used.Heap)/float64(m.n)/1024)
	m.put(stateGoroutines, float64(uses.Goroutines-m.used.Goroutines)/float64(m.n))
	return err
}

func (m *manyStates) idle(ctx context.Context) error {
	if err := pause(ctx, m.cfg.window/2); err != nil { // for what opening has left to do
		return err
	}
	r, err := m.over(ctx, m.worker, m.cfg.window, nil)
	m.put(idleRequests, r.requests)
	m.put(idleTransactions, r.transactions)
	m.put(idleCPU, r.cpu)
	return err
}

// change has somebody else change one document. What the handle does when idle is subtracted;
// where that is much, its variation hides what a change costs.
func (m *manyStates) change(ctx context.Context) error {
	if m.sheet.get(idleRequests, m.n) > noisy {
		m.put(changeRequests, math.NaN())
		m.put(changeExtra, math.NaN())
		m.put(changeWrites, math.NaN())
		return nil
	}
	r, err := m.over(ctx, m.worker, m.cfg.window, func(ctx context.Context) error {
		return changes(ctx, m.worker, m.cfg.window)
	})
	aSecond := float64(time.Second / changeEvery)
	requests := (r.requests - m.sheet.get(idleRequests, m.n)) / aSecond
	m.put(changeRequests, requests)
	m.put(changeExtra, requests-m.sheet.get(changeRequests, 1))
	m.put(changeWrites, (r.transactions-m.sheet.get(idleTransactions, m.n))/aSecond)
	return err
}

func (m *manyStates) cut(ctx context.Context) error {
	m.proxy.Cut()
	took, err := ask[time.Duration](ctx, m.worker, "Verified", time.Now())
	m.put(cutVerified, seconds(took))
	return err
}

func (m *manyStates) lose(ctx context.Context) error {
	if err := m.loseSession(ctx); err != nil {
		return err
	}
	lost := time.Now()
	records := make(chan error, 1)
	var back time.Duration
	go func() {
		var err error
		_, back, err = m.settled(ctx, patience, func(c zkserver.Counts) bool { return c.Ephemerals >= int64(m.n) })
		records <- err
	}()
	took, err := ask[time.Duration](ctx, m.worker, "Verified", lost)
	err = errors.Join(err, <-records)
	m.put(lostVerified, seconds(took))
	m.put(lostRecords, seconds(back))
	return err
}

// closeAll waits until the server has removed containers that are empty now, for as long as the
// window is.
func (m *manyStates) closeAll(ctx context.Context) error {
	if err := tell(ctx, m.worker, "Close", struct{}{}); err != nil {
		return err
	}
	left, _, err := m.settled(ctx, m.cfg.window, func(c zkserver.Counts) bool { return c.Znodes <= m.base.Znodes+2*int64(m.n)+1 })
	m.each(closedZnodes, left.Since(m.base).Znodes)
	m.each(closedWatches, left.Since(m.base).Watches)
	return err
}

func (m *manyStates) deleteAll(ctx context.Context) error {
	if err := errors.Join(tell(ctx, m.worker, "Delete", struct{}{}), tell(ctx, m.worker, "Close", struct{}{})); err != nil {
		return err
	}
	left, _, err := m.settled(ctx, m.cfg.window, func(c zkserver.Counts) bool { return c.Znodes <= m.base.Znodes })
	m.each(deletedZnodes, left.Since(m.base).Znodes)
	m.each(deletedWatches, left.Since(m.base).Watches)
	return err
}

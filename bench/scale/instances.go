package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zkstate/zkstate/bench/figures"
)

// Figures of many instances of one document.
var (
	seenTime        = &figure{"one change seen by all, ms", nil}
	bareSeenTime    = &figure{"  bare watch loops, ms", nil}
	seenRatio       = &figure{"  ratio", atMost(1.5)}
	appliedTime     = &figure{"WaitAll(), ms", nil}
	appliedRatio    = &figure{"  over what bare watch loops take to see it", atMost(2.5)}
	bareAppliedTime = &figure{"  bare watch loops that report, ms", nil}
	appliedReported = &figure{"  ratio", atMost(2.5)}
	appliedRequests = &figure{"  requests", nil}
	appliedWrites   = &figure{"  transactions", nil}
	idleOfAll       = &figure{"idle: requests/s", nil}
	idleWrites      = &figure{"  transactions/s", nil}
	idleOfClients   = &figure{"idle: CPU of the clients, %", nil}
	bareRequests    = &figure{"  bare watch loops: requests/s", nil}
	reports         = &figure{"10 changes/s: transactions/s of reports", &goal{55, "about 50"}}
	changingCPU     = &figure{"  CPU of the clients then, %", nil}
)

// quiet is how long nothing changes before a change whose reports are waited for.
const quiet = 1500 * time.Millisecond

// manyInstances measures n instances.
type manyInstances struct {
	*bed
	cfg    config
	sheet  *sheet
	n      int
	worker *process
}

func (m manyInstances) put(f *figure, value float64) { m.sheet.put(f, m.n, value) }

func (b *bed) measureInstances(ctx context.Context, cfg config, s *sheet, n int) error {
	worker, err := startWorker(b.log)
	if err != nil {
		return err
	}
	m := manyInstances{b, cfg, s, n, worker}
	return errors.Join(m.all(ctx), worker.stop())
}

func (m manyInstances) all(ctx context.Context) error {
	bare, err := startWorker(m.log)
	if err != nil {
		return err
	}
	defer bare.stop() // its errors were told by its answers
	at := Place{Addr: m.server.Addr(), Path: fmt.Sprintf("/loops-%d/node", m.n), N: m.n}
	if err := tell(ctx, bare, "Loops", at); err != nil {
		return err
	}
	still, err := m.over(ctx, bare, m.cfg.window/2, nil)
	if err != nil {
		return err
	}
	prefix := fmt.Sprintf("/instances-%d", m.n)
	if err := m.attach(ctx, "zk://"+at.Addr, prefix); err != nil {
		return err
	}
	if err := tell(ctx, m.worker, "SetBy", Place{Addr: at.Addr, Path: paths(prefix, 1)[0] + "/payload"}); err != nil {
		return err
	}
	seen, err := m.changes(ctx, m.worker, bare)
	if err != nil {
		return err
	}
	if err := bare.stop(); err != nil {
		return err
	}
	idle, err := m.idle(ctx)
	if err != nil {
		return err
	}
	m.put(bareRequests, still.requests)
	if err := m.reports(ctx, idle); err != nil {
		return err
	}
	reporting, err := startWorker(m.log)
	if err != nil {
		return err
	}
	at = Place{Addr: at.Addr, Path: fmt.Sprintf("/reporting-%d/node", m.n), N: m.n, Report: true}
	err = tell(ctx, reporting, "Loops", at)
	if err == nil {
		err = m.applied(ctx, reporting, seen)
	}
	return errors.Join(err, reporting.stop())
}

// attach opens a handle and a State for each instance.
func (m manyInstances) attach(ctx context.Context, url, prefix string) error {
	if _, err := ask[time.Duration](ctx, m.worker, "Connect", Connection{url, m.n}); err != nil {
		return err
	}
	if _, err := ask[time.Duration](ctx, m.worker, "Open", Documents{prefix, 1}); err != nil {
		return err
	}
	return tell(ctx, m.worker, "Listen", m.n)
}

// changes gives the instances and the bare loops their changes in turns, and returns what the
// bare loops took, in milliseconds. bare may be nil.
func (m manyInstances) changes(ctx context.Context, instances, bare *process) (float64, error) {
	took := map[*process][]time.Duration{}
	for range m.cfg.rounds {
		for _, p := range []*process{bare, instances} {
			if p == nil {
				continue
			}
			if err := pause(ctx, 2*changeEvery); err != nil {
				return 0, err
			}
			t, err := ask[time.Duration](ctx, p, "Change", struct{}{})
			if err != nil {
				return 0, err
			}
			took[p] = append(took[p], t)
		}
	}
	ours := figures.Median(milliseconds(took[instances]))
	m.put(seenTime, ours)
	if bare == nil {
		return 0, nil
	}
	theirs := figures.Median(milliseconds(took[bare]))
	m.put(bareSeenTime, theirs)
	m.put(seenRatio, ours/theirs)
	return theirs, nil
}

func (m manyInstances) idle(ctx context.Context) (rates, error) {
	if err := pause(ctx, m.cfg.window/2); err != nil {
		return rates{}, err
	}
	r, err := m.over(ctx, m.worker, m.cfg.window, nil)
	if m.bed != nil {
		m.put(idleOfAll, r.requests)
		m.put(idleWrites, r.transactions)
	}
	m.put(idleOfClients, r.cpu)
	return r, err
}

// reports has somebody else change the document; the changes themselves, and what idle
// instances do, are subtracted.
func (m manyInstances) reports(ctx context.Context, idle rates) error {
	r, err := m.over(ctx, m.worker, m.cfg.window, func(ctx context.Context) error {
		return changes(ctx, m.worker, m.cfg.window)
	})
	m.put(reports, r.transactions-idle.transactions-float64(time.Second/changeEvery))
	m.put(changingCPU, r.cpu)
	return err
}

// applied has one instance wait for the others, in turns with bare loops that report. Bare loops
// that only see have seen a change after so many milliseconds. bare may be nil.
func (m manyInstances) applied(ctx context.Context, bare *process, seen float64) error {
	var took, reported []time.Duration
	var requests, transactions []float64
	for range m.cfg.rounds {
		if bare != nil {
			if err := pause(ctx, min(quiet, m.cfg.window)); err != nil {
				return err
			}
			t, err := ask[time.Duration](ctx, bare, "Change", struct{}{})
			if err != nil {
				return err
			}
			reported = append(reported, t)
		}
		if err := pause(ctx, min(quiet, m.cfg.window)); err != nil {
			return err
		}
		before, err := m.counts(ctx)
		if err != nil {
			return err
		}
		t, err := ask[time.Duration](ctx, m.worker, "Applied", struct{}{})
		if err != nil {
			return err
		}
		after, err := m.counts(ctx)
		if err != nil {
			return err
		}
		took = append(took, t)
		requests = append(requests, float64(after.Since(before).Requests))
		transactions = append(transactions, float64(after.Since(before).Zxid))
	}
	median := figures.Median(milliseconds(took))
	m.put(appliedTime, median)
	if bare == nil {
		return nil
	}
	m.put(appliedRatio, median/seen)
	m.put(bareAppliedTime, figures.Median(milliseconds(reported)))
	m.put(appliedReported, median/m.sheet.get(bareAppliedTime, m.n))
	m.put(appliedRequests, figures.Median(requests))
	m.put(appliedWrites, figures.Median(transactions))
	return nil
}

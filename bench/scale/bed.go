package main

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/zkstate/zkstate/internal/netfault"
	"github.com/zkstate/zkstate/internal/zkserver"
)

// bed is the server that all is measured on, and the proxy through which a connection can be cut.
type bed struct {
	server *zkserver.Server
	proxy  *netfault.Proxy
	log    io.Writer
}

func newBed(log io.Writer) (*bed, error) {
	// As in production, and unlike tests: the JVM compiles in full, ticks are long. Empty
	// containers go within a second, so that what stays is what would stay for good.
	server, err := zkserver.Start(zkserver.Config{
		TickTime:   2 * time.Second,
		JVMFlags:   []string{"-Xmx1g", "-Dznode.container.checkIntervalMs=1000", "-Dznode.container.maxPerMinute=600000"},
		Properties: map[string]string{"forceSync": "no", "clientPortListenBacklog": "1024"},
	})
	if err != nil {
		return nil, err
	}
	proxy, err := netfault.New(server.Addr())
	if err != nil {
		return nil, errors.Join(err, server.Close())
	}
	return &bed{server, proxy, log}, nil
}

func (b *bed) close() error { return errors.Join(b.proxy.Close(), b.server.Close()) }

// warmUp lets the server compile its code.
func (b *bed) warmUp(ctx context.Context, nodes int) error {
	_, err := b.creates(ctx, "/warm-up", nodes)
	return err
}

// creates has a bare client create nodes.
func (b *bed) creates(ctx context.Context, path string, n int) (time.Duration, error) {
	worker, err := startWorker(b.log)
	if err != nil {
		return 0, err
	}
	took, err := ask[time.Duration](ctx, worker, "Creates", Place{Addr: b.proxy.Addr(), Path: path, N: n})
	return took, errors.Join(err, worker.stop())
}

// rates are what passes in a second.
type rates struct {
	requests, transactions float64 // at the server
	cpu                    float64 // percent of a core, of the worker
}

// over measures for a while in which do runs; do may be nil. A bed that is nil has no server.
func (b *bed) over(ctx context.Context, p *process, window time.Duration, do func(context.Context) error) (r rates, err error) {
	used, err := ask[Usage](ctx, p, "Usage", true)
	if err != nil {
		return r, err
	}
	before, err := b.counts(ctx)
	if err != nil {
		return r, err
	}
	begun := time.Now()
	if do != nil {
		err = do(ctx)
	}
	if err := errors.Join(err, pause(ctx, window-time.Since(begun))); err != nil {
		return r, err
	}
	after, err := b.counts(ctx)
	if err != nil {
		return r, err
	}
	took := time.Since(begun).Seconds()
	uses, err := ask[Usage](ctx, p, "Usage", false)
	passed := after.Since(before)
	return rates{
		requests:     max(0, float64(passed.Requests)) / took,
		transactions: float64(passed.Zxid) / took,
		cpu:          100 * (uses.CPU - used.CPU).Seconds() / took,
	}, err
}

func (b *bed) counts(ctx context.Context) (zkserver.Counts, error) {
	if b == nil {
		return zkserver.Counts{}, nil
	}
	return b.server.Counts(ctx)
}

// pause waits, for what is measured to go on for a while.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// settled waits until the server's counts are as they should be, for a while, and returns them.
func (b *bed) settled(ctx context.Context, wait time.Duration, good func(zkserver.Counts) bool) (zkserver.Counts, time.Duration, error) {
	begun := time.Now()
	for {
		counts, err := b.counts(ctx)
		took := time.Since(begun)
		switch {
		case err != nil || good(counts):
			return counts, took, err
		case took > wait:
			return counts, never, nil
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return counts, never, err
		}
	}
}

// loseSession ends the session that was seen last through the proxy.
func (b *bed) loseSession(ctx context.Context) error {
	session, ok := b.proxy.LastSession()
	if !ok {
		return errors.New("no session was seen by the proxy")
	}
	return zkserver.KillSession(ctx, b.server.Addr(), session.ID, session.Password)
}

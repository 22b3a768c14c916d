package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/bench/figures"
	"github.com/zkstate/zkstate/bench/records"
	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zkserver"
	"github.com/zkstate/zkstate/store/zkstore"
)

// measure starts a server, lets a State and the bare loop follow the same changes in
// turns, and prints what came of it.
func measure(ctx context.Context, cfg config, stdout io.Writer) error {
	server, err := zkserver.Start(zkserver.Config{
		TickTime:   2 * time.Second,
		JVMFlags:   []string{"-Xmx1g"},
		Properties: map[string]string{"forceSync": "no"},
	})
	if err != nil {
		return err
	}
	defer server.Close()
	rows := [][]string{{"p50 in ms", "State", "bare loop", "ratio", "min..max", "goal"}}
	for i, c := range cells {
		var state, bare []float64
		for round := range cfg.rounds + 1 {
			path := fmt.Sprintf("/follow-%d-%d", i, round)
			a, err := c.follow(ctx, server.Addr(), path, cfg.changes, openState)
			if err != nil {
				return err
			}
			b, err := c.follow(ctx, server.Addr(), path+"-bare", cfg.changes, openBare)
			if err != nil {
				return err
			}
			if round > 0 { // the first warms the server up
				state, bare = append(state, a), append(bare, b)
			}
		}
		q := figures.Divide(state, bare)
		rows = append(rows, []string{
			c.name, figures.Number(figures.Median(state)), figures.Number(figures.Median(bare)),
			figures.Number(q.Value), figures.Between(q.Low, q.High), fmt.Sprintf("<= %v", c.goal),
		})
	}
	_, err = fmt.Fprintf(stdout, "From before a bare Set until a State has called its OnChange function, or a bare loop (Get with a watch, json.Unmarshal)\nhas decoded it. ZooKeeper (forceSync=no) on this machine; %d rounds of %d changes.\n\n%s",
		cfg.rounds, cfg.changes, figures.Grid(rows))
	return err
}

// follower tells of the counters that it sees.
type follower func(ctx context.Context, addr, path string, sees chan<- int64) (closeAll func() error, err error)

// follow returns the median time from a Set until the follower sees it, in milliseconds.
func (c cell) follow(ctx context.Context, addr, path string, changes int, open follower) (_ float64, err error) {
	client, session, err := connect(ctx, addr)
	if err != nil {
		return 0, err
	}
	defer client.Close()
	d := records.New(c.bytes)
	node := path + "/payload"
	_, err = session.Do(ctx,
		zk.Create{Path: path, ACL: zk.WorldACL(zk.PermAll)},
		zk.Create{Path: node, Data: records.Encode(&d), ACL: zk.WorldACL(zk.PermAll)})
	if err != nil {
		return 0, err
	}
	seen := make(chan int64, 2*(changes+c.burst)) // more than there are changes
	closeAll, err := open(ctx, addr, path, seen)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, closeAll()) }()
	set := func() error {
		d.Change()
		_, err := session.Call(ctx, zk.Set{Path: node, Data: records.Encode(&d), Version: zk.AnyVersion})
		return err
	}
	await := func() error {
		for {
			select {
			case n := <-seen:
				if n == d.Counter {
					return nil
				}
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	for range c.burst {
		if err := set(); err != nil {
			return 0, err
		}
	}
	if c.burst > 0 {
		if err := await(); err != nil {
			return 0, err
		}
	}
	took := make([]time.Duration, changes)
	tick := time.NewTicker(c.every)
	defer tick.Stop()
	for i := range took {
		<-tick.C
		sent := time.Now()
		if err := errors.Join(set(), await()); err != nil {
			return 0, err
		}
		took[i] = time.Since(sent)
	}
	return figures.Median(took).Seconds() * 1e3, nil
}

func connect(ctx context.Context, addr string) (*zk.Client, *zk.Session, error) {
	client, err := zk.Connect(zk.Config{Servers: zk.Hosts{addr}, SessionTimeout: 30 * time.Second})
	if err != nil {
		return nil, nil, err
	}
	session, err := client.Session(ctx)
	if err != nil {
		client.Close()
		return nil, nil, err
	}
	return client, session, nil
}

func openState(ctx context.Context, addr, path string, sees chan<- int64) (func() error, error) {
	s, err := zkstore.Open(zkstore.Config{Servers: []string{addr}, SessionTimeout: 30 * time.Second})
	if err != nil {
		return nil, err
	}
	st, err := zkstate.Expect[records.Document](ctx, s, path, zkstate.Observer())
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	stop := st.OnChange(func(zkstate.ChangeSet) {
		if now, err := st.Read(); err == nil {
			sees <- now.Counter
		}
	})
	return func() error { stop(); return errors.Join(st.Close(), s.Close()) }, nil
}

// openBare follows with the least that a program needs.
func openBare(ctx context.Context, addr, path string, sees chan<- int64) (func() error, error) {
	changed := make(chan struct{}, 1)
	client, err := zk.Connect(zk.Config{Servers: zk.Hosts{addr}, SessionTimeout: 30 * time.Second, OnEvent: func(e zk.Event) {
		select {
		case changed <- struct{}{}:
		default:
		}
	}})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- watch(ctx, client, path, changed, sees) }()
	return func() error {
		cancel()
		err := <-ended
		client.Close()
		return err
	}, nil
}

func watch(ctx context.Context, client *zk.Client, path string, changed <-chan struct{}, sees chan<- int64) error {
	for {
		session, err := client.Session(ctx)
		if err == nil {
			var reply zk.Reply
			if reply, err = session.Call(ctx, zk.Get{Path: path + "/payload", Watch: true}); err == nil {
				var d records.Document
				if err = json.Unmarshal(reply.Data, &d); err == nil {
					sees <- d.Counter
				}
			}
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

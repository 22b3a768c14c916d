package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"
)

// sessionTimeout outlasts the pauses of a machine that is kept busy.
const sessionTimeout = 30 * time.Second

type silent struct{}

func (silent) Printf(string, ...any) {}

// dial returns a bare client that has a session.
func dial(ctx context.Context, connect string) (*zk.Conn, error) {
	conn, events, err := zk.Connect([]string{connect}, sessionTimeout, zk.WithLogger(silent{}))
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", connect, err)
	}
	for {
		select {
		case event := <-events:
			if event.State == zk.StateHasSession {
				return conn, nil
			}
		case <-ctx.Done():
			conn.Close()
			return nil, fmt.Errorf("connect to %s: %w", connect, ctx.Err())
		}
	}
}

// dialAll returns n clients.
func dialAll(ctx context.Context, connect string, n int) ([]*zk.Conn, error) {
	conns := make([]*zk.Conn, n)
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range conns {
		all.Go(func() { conns[i], errs[i] = dial(ctx, connect) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		closeAll(conns)
		return nil, err
	}
	return conns, nil
}

// closeAll closes those that there are, at once: each waits for its answer.
func closeAll(conns []*zk.Conn) {
	var all sync.WaitGroup
	for _, conn := range conns {
		if conn != nil {
			all.Go(conn.Close)
		}
	}
	all.Wait()
}

// create makes a node and those above it.
func create(conn *zk.Conn, node string, data []byte) error {
	if parent := path.Dir(node); parent != "/" {
		if err := create(conn, parent, nil); err != nil && !errors.Is(err, zk.ErrNodeExists) {
			return err
		}
	}
	if _, err := conn.Create(node, data, 0, zk.WorldACL(zk.PermAll)); err != nil {
		return fmt.Errorf("create %s: %w", node, err)
	}
	return nil
}

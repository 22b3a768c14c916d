package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-zookeeper/zk"

	"github.com/zkstate/zkstate/bench/peers"
)

// floor is what anybody would write: read, increment, set at the version that was
// read, again on conflict. Each client has a connection of its own.
func floor(clients int) func(context.Context, place) (peers.Report, error) {
	return func(ctx context.Context, at place) (peers.Report, error) {
		conns, err := dialAll(ctx, at.connect, clients)
		if err != nil {
			return peers.Report{}, err
		}
		defer closeAll(conns)
		return drive(ctx, clients, at.duration, func(_ context.Context, i int) (outcome, error) {
			return compareAndSet(conns[i], at.node())
		})
	}
}

// compareAndSet is one attempt.
func compareAndSet(conn *zk.Conn, node string) (outcome, error) {
	doc, stat, err := conn.Get(node)
	if err != nil {
		return refused, fmt.Errorf("get %s: %w", node, err)
	}
	next, err := bump(doc)
	if err != nil {
		return refused, err
	}
	_, err = conn.Set(node, next, stat.Version)
	switch {
	case err == nil:
		return applied, nil
	case errors.Is(err, zk.ErrBadVersion):
		return refused, nil
	case errors.Is(err, zk.ErrConnectionClosed), errors.Is(err, zk.ErrSessionExpired):
		return unknown, nil
	}
	return refused, fmt.Errorf("set %s: %w", node, err)
}

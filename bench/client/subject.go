package main

import (
	"context"
	"fmt"
	"time"

	peer "github.com/go-zookeeper/zk"

	"github.com/zkstate/zkstate/internal/zk"
)

// sessionTimeout outlasts the pauses of a machine that is kept busy.
const sessionTimeout = 30 * time.Second

// subject is a client that is measured. It has a session.
type subject interface {
	set(ctx context.Context, path string, data []byte) error
	get(ctx context.Context, path string) ([]byte, error)
	close()
}

// The subjects by name.
const (
	oursName = "zkstate"
	peerName = "go-zookeeper"
)

var subjects = map[string]func(ctx context.Context, addr string) (subject, error){
	oursName: connectOurs,
	peerName: connectPeer,
	bareName: connectBare,
}

func connect(ctx context.Context, name, addr string) (subject, error) {
	open, ok := subjects[name]
	if !ok {
		return nil, fmt.Errorf("there is no client %q", name)
	}
	s, err := open(ctx, addr)
	if err != nil {
		return nil, fmt.Errorf("%s: connect to %s: %w", name, addr, err)
	}
	return s, nil
}

type ours struct {
	client  *zk.Client
	session *zk.Session
}

func connectOurs(ctx context.Context, addr string) (subject, error) {
	client, err := zk.Connect(zk.Config{Servers: zk.Hosts{addr}, SessionTimeout: sessionTimeout})
	if err != nil {
		return nil, err
	}
	session, err := client.Session(ctx)
	if err != nil {
		client.Close()
		return nil, err
	}
	return ours{client, session}, nil
}

func (o ours) set(ctx context.Context, path string, data []byte) error {
	_, err := o.session.Call(ctx, zk.Set{Path: path, Data: data, Version: zk.AnyVersion})
	return err
}

func (o ours) get(ctx context.Context, path string) ([]byte, error) {
	reply, err := o.session.Call(ctx, zk.Get{Path: path})
	return reply.Data, err
}

func (o ours) close() { o.client.Close() }

// theirs has no contexts.
type theirs struct{ conn *peer.Conn }

type silent struct{}

func (silent) Printf(string, ...any) {}

func connectPeer(ctx context.Context, addr string) (subject, error) {
	conn, events, err := peer.Connect([]string{addr}, sessionTimeout, peer.WithLogger(silent{}))
	if err != nil {
		return nil, err
	}
	for {
		select {
		case event := <-events:
			if event.State == peer.StateHasSession {
				return theirs{conn}, nil
			}
		case <-ctx.Done():
			conn.Close()
			return nil, ctx.Err()
		}
	}
}

func (t theirs) set(_ context.Context, path string, data []byte) error {
	_, err := t.conn.Set(path, data, -1)
	return err
}

func (t theirs) get(_ context.Context, path string) ([]byte, error) {
	data, _, err := t.conn.Get(path)
	return data, err
}

func (t theirs) close() { t.conn.Close() }

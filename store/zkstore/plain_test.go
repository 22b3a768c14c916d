package zkstore_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zkserver"
)

// plainClient is another tool, which knows znodes only.
type plainClient struct {
	t      *testing.T
	ctx    context.Context
	client *zk.Client
}

func newPlainClient(t *testing.T, ctx context.Context, addr string) *plainClient {
	t.Helper()
	client, err := zk.Connect(zk.Config{Servers: zk.Hosts{addr}, SessionTimeout: session})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &plainClient{t, ctx, client}
}

// removeAll removes all that tests made on a server, unless it is very much.
func removeAll(server *zkserver.Server) error {
	client, err := zk.Connect(zk.Config{Servers: zk.Hosts{server.Addr()}, SessionTimeout: session})
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s, err := client.Session(ctx)
	if err != nil {
		return err
	}
	return removeBelow(ctx, s, "")
}

func removeBelow(ctx context.Context, s *zk.Session, folder string) error {
	reply, err := s.Call(ctx, zk.Children{Path: cmp.Or(folder, "/")})
	if err != nil && !errors.Is(err, zk.ErrNoNode) {
		return err
	}
	if len(reply.Children) > 1000 {
		return fmt.Errorf("%d znodes are in %s", len(reply.Children), folder)
	}
	for _, name := range reply.Children {
		full := folder + "/" + name
		if full == "/zookeeper" {
			continue
		}
		if err := removeBelow(ctx, s, full); err != nil {
			return err
		}
		if _, err := s.Call(ctx, zk.Delete{Path: full, Version: zk.AnyVersion}); err != nil && !errors.Is(err, zk.ErrNoNode) {
			return err
		}
	}
	return nil
}

// try sends one request.
func (c *plainClient) try(request zk.Request) (zk.Reply, error) {
	session, err := c.client.Session(c.ctx)
	if err != nil {
		return zk.Reply{}, err
	}
	return session.Call(c.ctx, request)
}

// call is try where a failure ends the test.
func (c *plainClient) call(request zk.Request) zk.Reply {
	c.t.Helper()
	reply, err := c.try(request)
	if err != nil {
		c.t.Fatal(err)
	}
	return reply
}

// create makes a znode that everybody may do everything with.
func (c *plainClient) create(path, data string, mode zk.Mode) string {
	c.t.Helper()
	return c.call(zk.Create{Path: path, Data: []byte(data), ACL: zk.WorldACL(zk.PermAll), Mode: mode}).Path
}

func (c *plainClient) set(path, data string) zk.Stat {
	c.t.Helper()
	return c.call(zk.Set{Path: path, Data: []byte(data), Version: zk.AnyVersion}).Stat
}

func (c *plainClient) delete(path string) {
	c.t.Helper()
	c.call(zk.Delete{Path: path, Version: zk.AnyVersion})
}

// deleteAll deletes a znode and all below it, as zkCli's deleteall does.
func (c *plainClient) deleteAll(path string) {
	c.t.Helper()
	for {
		reply, err := c.try(zk.Children{Path: path})
		if err != nil {
			return // it is gone
		}
		for _, name := range reply.Children {
			c.deleteAll(path + "/" + name)
		}
		if _, err := c.try(zk.Delete{Path: path, Version: zk.AnyVersion}); err == nil {
			return
		}
	}
}

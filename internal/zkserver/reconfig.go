package zkserver

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/zkstate/zkstate/internal/zk/wire"
)

// reconfigBound is how long a change of the ensemble may take.
const reconfigBound = 20 * time.Second

// Add starts one more server and lets it vote in the ensemble, which is Reconfigurable. It
// blocks until that server serves.
func (c *Cluster) Add() (*Server, error) {
	first := c.Servers[0]
	s := &Server{cfg: first.cfg, install: first.install}
	var err error
	if s.dir, err = makeDir(first.cfg.Dir, len(c.Servers), len(c.Servers)+1); err != nil {
		return nil, fmt.Errorf("zkserver: %w", err)
	}
	own, err := seats(1)
	if err != nil {
		return nil, err
	}
	own[0].id = len(c.Servers) + 1
	var all []seat
	for _, other := range c.Servers {
		all = append(all, other.seat)
	}
	c.Servers = append(c.Servers, s)
	if err := s.configure(own[0], append(all, own[0]), nil); err != nil {
		return nil, fmt.Errorf("zkserver: %w", err)
	}
	if err := s.Launch(); err != nil {
		return nil, err
	}
	line := "server." + strconv.Itoa(s.seat.id) + "=" + s.seat.line(s.seat.quorum, s.seat.election, true)
	if err := c.reconfigure([]byte(line), nil); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, s.LogTail())
	}
	return s, s.WaitReady(context.Background())
}

// Remove takes a server out of the ensemble, which is Reconfigurable. It goes on running.
func (c *Cluster) Remove(s *Server) error { return c.reconfigure(nil, []byte(strconv.Itoa(s.seat.id))) }

// reconfigure asks the leader to let servers join or leave; nil are none.
func (c *Cluster) reconfigure(joining, leaving []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), reconfigBound)
	defer cancel()
	leader := c.Leader()
	if leader == nil {
		return fmt.Errorf("zkserver: reconfigure: %w", errNotRunning)
	}
	request := wire.RequestHeader{Xid: closeXid, Opcode: wire.OpReconfig}.Append(nil)
	request = wire.AppendBuffer(request, joining)
	request = wire.AppendBuffer(request, leaving)
	request = wire.AppendBuffer(request, nil) // all members, in place of the two
	request = wire.AppendLong(request, -1)    // whatever the configuration is now
	err := onSession(ctx, leader.Addr(), func(conn net.Conn) error {
		if err := takeOver(conn, 0, make([]byte, 16), request); err != nil {
			return err
		}
		in := bufio.NewReader(conn)
		if _, err := wire.ReadFrame(in, maxReply); err != nil { // the session
			return err
		}
		return awaitAnswer(in, "reconfiguring")
	})
	if err != nil {
		return fmt.Errorf("zkserver: reconfigure by %s: %w", leader.Addr(), err)
	}
	return nil
}

package zk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/zkstate/zkstate/internal/zk/wire"
)

// keeper keeps a client's connection and session. All of it is its one goroutine's, which also reads the
// replies and tells the events.
type keeper struct {
	client    *Client
	log       *slog.Logger
	rotation  rotation
	session   *Session       // to be resumed, or nil
	zxid      int64          // the last transaction that a server told of
	number    uint64         // of the last connection
	hungUp    time.Time      // since when servers hang up on zxid, zero if they do not
	farewells sync.WaitGroup // goroutines that close what nobody wants
}

// run connects again and again until the client is closed.
func (k *keeper) run() {
	defer close(k.client.done)
	defer k.farewells.Wait()
	for c := k.connect(); c != nil && k.serve(c); c = k.connect() {
	}
	if k.session != nil {
		k.lose(ErrClosed)
	}
}

// closing reports whether Close has begun.
func (k *keeper) closing() bool { return k.client.wanted.Err() != nil }

// timeout is the session's, or what will be asked for.
func (k *keeper) timeout() time.Duration {
	if k.session == nil {
		return k.client.cfg.SessionTimeout
	}
	return k.session.Timeout()
}

// patience bounds an attempt. Where a session is to be resumed it is at most half of what is left of its time, so that
// one more server can be tried whatever hangs.
func (k *keeper) patience() time.Duration {
	patience := k.rotation.patience(k.timeout())
	if k.session == nil {
		return patience
	}
	left := k.timeout() - time.Since(k.session.Confirmed())
	if left <= 0 {
		return patience
	}
	return min(patience, max(left/2, k.timeout()/24))
}

// connect tries servers until one is connected. It returns nil when the client is closed and so is its session, or
// cannot be.
func (k *keeper) connect() *conn {
	for {
		k.sleep(k.rotation.pause())
		if k.client.ctx.Err() != nil || k.closing() && k.session == nil {
			return nil
		}
		to, err := k.advance()
		if err == nil {
			var c *conn
			if c, err = k.attempt(to); err == nil {
				return c
			}
		}
		k.failed(to, err)
		if k.rotation.failed() {
			if k.closing() {
				return nil
			}
			k.client.tellRefusal()
			if k.rotation.round == 1 {
				k.log.Warn("zk: no server could be used, trying again", "error", k.client.failures.err())
			}
		}
	}
}

// advance chooses whom to try next.
func (k *keeper) advance() (target, error) {
	ctx, cancel := context.WithTimeout(k.client.ctx, k.patience())
	defer cancel()
	return k.rotation.advance(ctx, &k.client.cfg, k.client.learnedServers())
}

func (k *keeper) sleep(pause time.Duration) {
	if pause == 0 {
		return
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-k.client.wanted.Done():
	}
}

func (k *keeper) failed(to target, reason error) {
	k.client.failures.add(to.String(), reason)
	if errors.Is(reason, ErrAuthRefused) {
		k.notify(Event{Kind: AuthFailed, Session: k.session, Err: reason})
	}
	k.log.Debug("zk: attempt to connect failed", "server", to.String(), "error", reason)
}

// attempt connects to a server.
func (k *keeper) attempt(to target) (*conn, error) {
	c, err := k.establish(to, k.session, k.zxid, k.adopt)
	if errors.Is(err, errExpired) && k.session != nil {
		k.log.Warn("zk: the session has expired", "server", to.String(), "session", k.session.name())
		k.lose(err)
		c, err = k.establish(to, nil, k.zxid, k.adopt)
	}
	if !errors.Is(err, errHungUp) || k.zxid == 0 {
		return c, err
	}
	if k.hungUp.IsZero() {
		k.hungUp = time.Now()
	}
	if time.Since(k.hungUp) <= k.timeout() {
		return nil, err
	}
	return k.establish(to, nil, 0, k.compare)
}

// establish connects to a server, opens or resumes a session there, gives it to opened, and authenticates.
func (k *keeper) establish(to target, s *Session, zxid int64, opened func(*handshake, *Session) error) (*conn, error) {
	until := k.client.ctx
	if s == nil {
		until = k.client.wanted // there is nothing to close yet
	}
	ctx, cancel := context.WithTimeout(until, k.patience())
	defer cancel()
	h := &handshake{client: k.client, to: to}
	if err := h.dial(ctx); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { h.nc.SetDeadline(time.Unix(1, 0)) })
	open, err := h.open(s, zxid)
	if err == nil {
		err = opened(h, open)
	}
	if err == nil {
		err = h.authenticate()
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	switch {
	case err == nil:
		return k.newConn(h), nil
	case s == nil && open == nil && errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, errCaughtUp):
		k.farewell(h, open != nil)
	default:
		h.nc.Close()
	}
	return nil, err
}

// adopt makes the session the one to resume, even if the authentication fails: the next attempt would else leave it
// behind.
func (k *keeper) adopt(_ *handshake, s *Session) error {
	k.session = s
	return nil
}

// compare adopts a session that was opened without saying what the client has seen, after servers have hung up for so
// long that they may be without it for good. If the server has fewer transactions than the client has seen
// then it has another history, because opening a session is a transaction itself.
func (k *keeper) compare(h *handshake, s *Session) error {
	header, _, err := h.ask(wire.XidPing, wire.OpPing, nil)
	if err != nil || header.Zxid >= k.zxid {
		return errors.Join(errCaughtUp, err)
	}
	reason := fmt.Errorf("%w: the server has %#x transactions, this client has seen %#x", ErrHistoryReplaced, header.Zxid, k.zxid)
	k.log.Error("zk: the servers have another history than before, as after a restored backup", "server", h.to.String(), "error", reason)
	k.notify(Event{Kind: HistoryReplaced, Session: k.session, Err: reason})
	if k.session != nil {
		k.lose(reason)
	}
	k.session, k.zxid = s, header.Zxid
	return nil
}

// farewell closes a session that nobody wants, once the server has answered the request for it if it has not opened
// yet: a slow server would else collect one with every attempt. It gives up after the session timeout.
func (k *keeper) farewell(h *handshake, opened bool) {
	ctx, cancel := context.WithTimeout(k.client.ctx, k.client.cfg.SessionTimeout)
	h.nc.SetDeadline(time.Time{})
	k.farewells.Go(func() {
		defer cancel()
		defer h.nc.Close()
		defer context.AfterFunc(ctx, func() { h.nc.Close() })()
		if !opened {
			response, err := h.connected()
			if err != nil || response.SessionID == 0 {
				return
			}
		}
		h.ask(1, wire.OpCloseSession, nil)
	})
}

// lose ends the session here.
func (k *keeper) lose(reason error) {
	s := k.session
	k.session = nil
	offered := k.client.retract()
	s.lose(reason)
	if offered {
		k.notify(Event{Kind: SessionLost, Session: s, Err: s.Err()})
	}
}

func (k *keeper) notify(event Event) {
	if !k.closing() {
		k.client.cfg.OnEvent(event)
	}
}

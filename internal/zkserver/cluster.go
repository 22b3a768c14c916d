package zkserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// attempts bounds how often other ports are tried.
const attempts = 5

// Cluster is several servers that form one ensemble.
type Cluster struct {
	Servers []*Server // changed by Add only
	mesh    mesh
}

// StartEnsemble starts n servers and waits until all serve under one leader. The
// caller ends them with [Cluster.Close]. Errors are those of [Start]. With a Dir,
// each server has its own directory within.
func StartEnsemble(n int, cfg Config) (*Cluster, error) {
	if n < 2 {
		return nil, fmt.Errorf("zkserver: an ensemble of %d", n)
	}
	return start(n, cfg)
}

func start(n int, cfg Config) (*Cluster, error) {
	install, err := findInstall(debianJars)
	if err != nil {
		return nil, err
	}
	c := &Cluster{}
	for i := range n {
		s := &Server{cfg: cfg.withDefaults(), install: install}
		if s.dir, err = makeDir(cfg.Dir, i, n); err != nil {
			return nil, errors.Join(fmt.Errorf("zkserver: %w", err), c.Close())
		}
		c.Servers = append(c.Servers, s)
	}
	for range attempts {
		if err = c.start(); !errors.Is(err, errPortTaken) {
			break
		}
		c.kill()
	}
	if err != nil {
		c.kill()
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// makeDir makes the directory of one server of several.
func makeDir(dir string, i, n int) (string, error) {
	if dir == "" {
		return os.MkdirTemp("", "zkserver-")
	}
	if n > 1 {
		dir = filepath.Join(dir, strconv.Itoa(i+1))
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return dir, os.MkdirAll(dir, 0o755)
}

// start tries one choice of ports.
func (c *Cluster) start() error {
	seats, err := seats(len(c.Servers))
	if err != nil {
		return err
	}
	for i := len(seats) - c.Servers[0].cfg.Observers; i < len(seats); i++ {
		seats[i].observer = true
	}
	c.mesh.close()
	c.mesh = nil
	if c.Servers[0].cfg.PeerProxies {
		if c.mesh, err = newMesh(seats); err != nil {
			return err
		}
	}
	for i, s := range c.Servers {
		if err := s.configure(seats[i], seats, c.mesh); err != nil {
			return fmt.Errorf("zkserver: %w", err)
		}
	}
	for _, s := range c.Servers {
		if err := s.Launch(); err != nil {
			return err
		}
	}
	// If one fails, the others wait in vain and tell nothing.
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	c.each(func(s *Server) {
		if err := s.WaitReady(ctx); err != nil {
			cancel(err)
		}
	})
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return c.WaitReady(ctx)
}

// WaitReady blocks until those servers that run and are not paused all serve,
// under one leader among them, within ReadyTimeout.
func (c *Cluster) WaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.Servers[0].cfg.ReadyTimeout)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := c.check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			err = fmt.Errorf("zkserver: the ensemble is not ready: %w: %w", ctx.Err(), err)
			for _, s := range c.Servers {
				err = fmt.Errorf("%w\n--- server %d:\n%s", err, s.seat.id, s.LogTail())
			}
			return err
		case <-tick.C:
		}
	}
}

func (c *Cluster) check(ctx context.Context) error {
	leaders := 0
	for _, s := range c.Servers {
		if !s.awake() {
			continue
		}
		answer, err := askStatus(ctx, s.Addr())
		if err != nil {
			return fmt.Errorf("server %d: %w", s.seat.id, err)
		}
		if answer.role != Follower && answer.role != Observer {
			leaders++
		}
	}
	if leaders != 1 { // two: the old one has not noticed yet
		return fmt.Errorf("%d leaders", leaders)
	}
	return nil
}

// Addrs are where clients connect, in the order of Servers.
func (c *Cluster) Addrs() []string {
	addrs := make([]string, len(c.Servers))
	for i, s := range c.Servers {
		addrs[i] = s.Addr()
	}
	return addrs
}

// Leader is the server that leads now, or nil. It asks for up to a second. An old
// leader that has not noticed its end loses to the new one.
func (c *Cluster) Leader() *Server {
	var mu sync.Mutex // guards leader and zxid
	var leader *Server
	var zxid uint64
	c.each(func(s *Server) {
		if !s.awake() {
			return
		}
		answer, err := askStatus(context.Background(), s.Addr())
		mu.Lock()
		defer mu.Unlock()
		if err == nil && answer.role == Leader && (leader == nil || answer.zxid > zxid) {
			leader, zxid = s, answer.zxid
		}
	})
	return leader
}

// Stop stops all servers; see [Server.Stop].
func (c *Cluster) Stop() { c.each((*Server).Stop) }

// Close closes all servers; see [Server.Close].
func (c *Cluster) Close() error {
	errs := make([]error, len(c.Servers))
	var all sync.WaitGroup
	for i, s := range c.Servers {
		all.Go(func() { errs[i] = s.Close() })
	}
	all.Wait()
	c.mesh.close()
	return errors.Join(errs...)
}

func (c *Cluster) kill() { c.each((*Server).Kill) }

// each does something with all servers at once.
func (c *Cluster) each(do func(s *Server)) {
	var all sync.WaitGroup
	for _, s := range c.Servers {
		all.Go(func() { do(s) })
	}
	all.Wait()
}

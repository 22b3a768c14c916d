package zkserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// stopGrace is how long a server may take to end by itself.
const stopGrace = 5 * time.Second

// pollEvery is how often a condition is looked at that nothing announces.
const pollEvery = 20 * time.Millisecond

// silentStart is how long a server that does not say so is taken to load its data.
// On a busy machine one that does say so may take longer than that to begin.
const silentStart = 20 * time.Second

var (
	errNotRunning = errors.New("zkserver: not running")
	errLoading    = errors.New("zkserver: loading its data")
	errPortTaken  = errors.New("a port was taken")
)

// Server is one ZooKeeper server, running or not.
type Server struct {
	cfg     Config
	install *install
	dir     string // holds all of it
	seat    seat

	mu       sync.Mutex // guards all below
	process  *process   // nil before the first Launch
	paused   bool
	logStart int64 // where the current run's log begins
	launched time.Time
}

// Start starts one server that stands alone and waits until it serves. The
// caller ends it with [Server.Close]. The error matches [ErrNotInstalled] if
// there is no ZooKeeper; others have the end of the server's log.
func Start(cfg Config) (*Server, error) {
	c, err := start(1, cfg)
	if err != nil {
		return nil, err
	}
	return c.Servers[0], nil
}

// configure gives the server its place; it is not running.
func (s *Server) configure(own seat, seats []seat, m mesh) error {
	s.seat = own
	files := map[string]string{
		"zoo.cfg":   s.cfg.zooCfg(s.dir, own, seats, m),
		"data/myid": strconv.Itoa(own.id),
	}
	for name, text := range logging {
		files[filepath.Join("conf", name)] = text
	}
	if s.cfg.SASL != nil {
		files[jaasFile] = s.cfg.SASL.jaas()
	}
	for name, text := range files {
		path := filepath.Join(s.dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Launch starts the process again, with the same ports and data, and does not
// wait for it to serve: see WaitReady.
func (s *Server) Launch() error {
	if s.PID() != 0 {
		return errors.New("zkserver: already running")
	}
	log, err := os.OpenFile(s.logPath(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own
	info, err := log.Stat()
	if err != nil {
		return err
	}
	cmd := s.command()
	cmd.Stdout, cmd.Stderr = log, log
	p, err := startProcess(cmd)
	if err != nil {
		return fmt.Errorf("zkserver: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.process, s.paused, s.logStart, s.launched = p, false, info.Size(), time.Now()
	return nil
}

func (s *Server) command() *exec.Cmd {
	classpath := append([]string{filepath.Join(s.dir, "conf")}, s.install.classpath...)
	args := append([]string{}, s.cfg.JVMFlags...)
	if s.cfg.SASL != nil {
		args = append(args, "-Djava.security.auth.login.config="+filepath.Join(s.dir, filepath.FromSlash(jaasFile)))
	}
	args = append(args,
		"-XX:-UsePerfData", // its files would outlive a killed server
		"-cp", strings.Join(classpath, string(filepath.ListSeparator)),
		"org.apache.zookeeper.server.quorum.QuorumPeerMain",
		filepath.Join(s.dir, "zoo.cfg"),
	)
	cmd := exec.Command(s.install.java, args...)
	cmd.Dir = s.dir
	return cmd
}

// WaitReady blocks until the server serves clients, within ReadyTimeout. A
// member of an ensemble needs a majority for that.
func (s *Server) WaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.ReadyTimeout)
	defer cancel()
	s.mu.Lock()
	p := s.process
	s.mu.Unlock()
	if p == nil {
		return errNotRunning
	}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := s.check(ctx)
		if err == nil && p.running() {
			return nil
		}
		select {
		case <-p.exited:
			return s.failed(errors.New("the server has ended"))
		case <-ctx.Done():
			return s.failed(fmt.Errorf("%w: %v", ctx.Err(), err))
		case <-tick.C:
		}
	}
}

// check reports why the server does not serve, or nil. It asks only a server that has its
// data: one that stands alone and is asked before never answers anybody.
func (s *Server) check(ctx context.Context) error {
	if !s.hasLoaded() {
		return errLoading
	}
	if err := checkIdentity(ctx, s.Addr(), s.dataDir()); err != nil {
		return err
	}
	_, err := askStatus(ctx, s.Addr())
	return err
}

// failed adds what the log knows.
func (s *Server) failed(err error) error {
	if s.sawClash() {
		err = fmt.Errorf("%w: %w", errPortTaken, err)
	}
	return fmt.Errorf("zkserver: server %d at %s: %w\n%s", s.seat.id, s.Addr(), err, s.LogTail())
}

// Restart stops the server if it runs, starts it with the same ports and data,
// and waits until it serves. Where too few members of an ensemble are up, Launch
// them all first.
func (s *Server) Restart() error {
	s.Stop()
	if err := s.Launch(); err != nil {
		return err
	}
	return s.WaitReady(context.Background())
}

// Pause stops the process in its tracks (SIGSTOP), and returns when it stands.
func (s *Server) Pause() error {
	p := s.running()
	if p == nil {
		return errNotRunning
	}
	if err := pause(p.child); err != nil {
		return fmt.Errorf("zkserver: pause: %w", err)
	}
	s.setPaused(true)
	for deadline := time.Now().Add(stopGrace); !stopped(p.child.Pid); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("zkserver: process %d does not stand still", p.child.Pid)
		}
	}
	return nil
}

// Resume ends a Pause (SIGCONT).
func (s *Server) Resume() error {
	p := s.running()
	if p == nil {
		return errNotRunning
	}
	if err := resume(p.child); err != nil {
		return fmt.Errorf("zkserver: resume: %w", err)
	}
	s.setPaused(false)
	return nil
}

// Kill ends the process at once (SIGKILL) and waits for its end. Its data stays.
func (s *Server) Kill() {
	if p := s.running(); p != nil {
		p.kill()
	}
}

// Stop ends the process in an orderly way, or kills it after 5 seconds, and
// waits for its end. A paused one is resumed for it. Its data stays.
func (s *Server) Stop() {
	if p := s.running(); p != nil {
		p.stop(stopGrace)
	}
}

// Wipe stops the server and removes all that it has stored, as if it were new. It does not
// start it again.
func (s *Server) Wipe() error {
	s.Stop()
	return os.RemoveAll(filepath.Join(s.dataDir(), "version-2"))
}

// Close is Stop, and removes what the server kept in a temporary directory.
func (s *Server) Close() error {
	s.Stop()
	if s.cfg.Dir != "" {
		return nil
	}
	return os.RemoveAll(s.dir)
}

func (s *Server) setPaused(paused bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paused = paused
}

// running returns the process, nil if there is none or it has ended.
func (s *Server) running() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil || !s.process.running() {
		return nil
	}
	return s.process
}

// awake reports whether the server runs and is not paused.
func (s *Server) awake() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process != nil && s.process.running() && !s.paused
}

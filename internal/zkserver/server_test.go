package zkserver

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/zkstate/zkstate/internal/netfault"
	"github.com/zkstate/zkstate/internal/zk"
)

func TestRestartKeepsData(t *testing.T) {
	s := Standalone(t)
	conn := connect(t, s.Addr())
	conn.create(t, "/kept", "1", zk.Persistent)
	addr, pid := s.Addr(), s.PID()
	if role, version := s.Role(), s.Version(); role != Alone || version == "" {
		t.Errorf("role %q, version %q", role, version)
	}
	for name, end := range map[string]func(){"Kill": s.Kill, "Stop": s.Stop} {
		end()
		if s.PID() != 0 || s.Role() != NotServing {
			t.Fatalf("runs after %s", name)
		}
		conn.await(t, zk.Disconnected)
		if err := s.Restart(); err != nil {
			t.Fatal(err)
		}
		conn.await(t, zk.Connected)
		if kept, err := conn.call(t, zk.Get{Path: "/kept"}); err != nil || string(kept.Data) != "1" {
			t.Fatalf("after %s: %q, %v", name, kept.Data, err)
		}
	}
	if s.Addr() != addr || s.PID() == pid {
		t.Errorf("at %s, process %d; before %s, %d", s.Addr(), s.PID(), addr, pid)
	}
	if err := s.Launch(); err == nil {
		t.Error("launched twice")
	}
	conn.Close()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory is left: %v", err)
	}
	if s.Pause() == nil || s.Resume() == nil {
		t.Error("paused or resumed what does not run")
	}
}

func TestPause(t *testing.T) {
	s := Standalone(t)
	if err := s.Pause(); err != nil {
		t.Fatal(err)
	}
	if role := s.Role(); role != NotServing || s.PID() == 0 {
		t.Errorf("role %q, process %d while paused", role, s.PID())
	}
	if err := s.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := s.WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Pause(); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	s.Stop()
	if took := time.Since(start); s.PID() != 0 || took >= stopGrace {
		t.Errorf("stopping a paused server took %v, process %d", took, s.PID())
	}
}

func TestKillSession(t *testing.T) {
	s := Standalone(t)
	p, err := netfault.New(s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	conn := connect(t, p.Addr())
	session, ok := p.LastSession()
	own, err := conn.Session(t.Context())
	if err != nil || !ok || session.ID != own.ID() {
		t.Fatalf("the proxy saw %#x, the client %#x, %v", session.ID, own.ID(), err)
	}
	conn.create(t, "/mine", "", zk.Ephemeral)
	wrong := append([]byte{session.Password[0] + 1}, session.Password[1:]...)
	if err := KillSession(t.Context(), s.Addr(), session.ID, wrong); !errors.Is(err, ErrNoSession) {
		t.Errorf("with a wrong password: %v", err)
	}
	if err := KillSession(t.Context(), s.Addr(), session.ID, session.Password); err != nil {
		t.Fatal(err)
	}
	conn.await(t, zk.SessionLost)
	conn.await(t, zk.Connected)
	if _, err := conn.call(t, zk.Exists{Path: "/mine"}); !errors.Is(err, zk.ErrNoNode) {
		t.Errorf("the ephemeral node: %v", err)
	}
	if err := KillSession(t.Context(), s.Addr(), session.ID, session.Password); !errors.Is(err, ErrNoSession) {
		t.Errorf("a second time: %v", err)
	}
	if err := s.Pause(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := KillSession(ctx, s.Addr(), session.ID, session.Password); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a server that hangs: %v", err)
	}
}

func TestStartTellsWhy(t *testing.T) {
	Require(t)
	_, err := Start(Config{JVMFlags: []string{"-XX:NoSuchFlag=1"}})
	if err == nil || !strings.Contains(err.Error(), "NoSuchFlag") {
		t.Errorf("%v", err)
	}
	_, err = Start(Config{Properties: map[string]string{"tickTime": "soon"}})
	if err == nil || !strings.Contains(err.Error(), "soon") {
		t.Errorf("%v", err)
	}
}

func TestPortTaken(t *testing.T) {
	Require(t)
	found, err := findInstall(debianJars)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	s := &Server{cfg: Config{Dir: t.TempDir()}.withDefaults(), install: found}
	s.dir = s.cfg.Dir
	own := seat{id: 1, client: ln.Addr().String()}
	if err := s.configure(own, []seat{own}, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Launch(); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.WaitReady(t.Context()); !errors.Is(err, errPortTaken) {
		t.Errorf("%v", err)
	}
}

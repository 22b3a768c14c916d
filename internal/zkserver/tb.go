package zkserver

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
)

// Require skips a test where ZooKeeper is not installed, and with -short, or fails it
// if ZKSTATE_REQUIRE_ZOOKEEPER is 1. A wrong installation always fails it.
func Require(tb testing.TB) {
	tb.Helper()
	err := Installed()
	required := os.Getenv("ZKSTATE_REQUIRE_ZOOKEEPER") == "1"
	switch {
	case testing.Short() && !required:
		tb.Skip("zkserver: -short goes without ZooKeeper")
	case err == nil:
	case errors.Is(err, ErrNotInstalled) && !required:
		tb.Skip(err)
	default:
		tb.Fatal(err)
	}
}

// Standalone starts one server for a test, which ends with it; see [Require].
func Standalone(tb testing.TB) *Server {
	tb.Helper()
	return StandaloneConfig(tb, Config{})
}

// StandaloneConfig is Standalone with a Config.
func StandaloneConfig(tb testing.TB, cfg Config) *Server {
	tb.Helper()
	Require(tb)
	s, err := Start(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { finish(tb, &Cluster{Servers: []*Server{s}}) })
	return s
}

// kept are servers that outlive a test. They end with [Main].
var kept struct {
	sync.Mutex
	shared *Server   // of [Shared]
	spare  []*Server // of [Reused]
}

// Shared returns one server for all tests of a package, which must not do anything to it and
// have a chroot each; see [Require].
func Shared(tb testing.TB) *Server {
	tb.Helper()
	Require(tb)
	kept.Lock()
	defer kept.Unlock()
	if kept.shared == nil {
		s, err := Start(Config{})
		if err != nil {
			tb.Fatal(err)
		}
		kept.shared = s
	}
	server := kept.shared
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("the log of the shared server ends:\n%s", server.LogTail())
		}
	})
	return server
}

// Reused returns a server that no other test has at the time; see [Require]. Others may have
// had it: clear removes what a test has left there, and if it cannot, the server ends.
func Reused(tb testing.TB, clear func(*Server) error) *Server {
	tb.Helper()
	Require(tb)
	s := takeSpare()
	if s == nil {
		var err error
		if s, err = Start(Config{}); err != nil {
			tb.Fatal(err)
		}
	}
	tb.Cleanup(func() {
		if tb.Failed() || clear(s) != nil {
			finish(tb, &Cluster{Servers: []*Server{s}})
			return
		}
		kept.Lock()
		defer kept.Unlock()
		kept.spare = append(kept.spare, s)
	})
	return s
}

func takeSpare() *Server {
	kept.Lock()
	defer kept.Unlock()
	last := len(kept.spare) - 1
	if last < 0 {
		return nil
	}
	s := kept.spare[last]
	kept.spare = kept.spare[:last]
	return s
}

// Main is a [testing.M] that ends the servers of [Shared] and [Reused] after the tests.
type Main struct{ *testing.M }

// Run runs the tests.
func (m Main) Run() int {
	code := m.M.Run()
	kept.Lock()
	defer kept.Unlock()
	all := &Cluster{Servers: kept.spare}
	if kept.shared != nil {
		all.Servers = append(all.Servers, kept.shared)
	}
	all.Stop()
	if err := all.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "close the servers:", err)
		return max(code, 1)
	}
	return code
}

// Ensemble starts n servers for a test, which end with it; see [Require].
func Ensemble(tb testing.TB, n int) *Cluster {
	tb.Helper()
	return EnsembleConfig(tb, n, Config{})
}

// EnsembleConfig is Ensemble with a Config.
func EnsembleConfig(tb testing.TB, n int, cfg Config) *Cluster {
	tb.Helper()
	Require(tb)
	c, err := StartEnsemble(n, cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { finish(tb, c) })
	return c
}

// finish ends servers, and shows what they had to say if the test failed.
func finish(tb testing.TB, c *Cluster) {
	tb.Helper()
	c.Stop()
	if tb.Failed() {
		for _, s := range c.Servers {
			tb.Logf("the log of server %d ends:\n%s", s.seat.id, s.LogTail())
		}
	}
	if err := c.Close(); err != nil {
		tb.Errorf("close the servers: %v", err)
	}
}

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

// shared is the server of [Shared], once a test has asked for it.
var shared struct {
	sync.Mutex
	server *Server
}

// Shared returns one server for all tests of a package, which must not do anything to it and
// have a chroot each; see [Require]. It ends with [Main].
func Shared(tb testing.TB) *Server {
	tb.Helper()
	Require(tb)
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		s, err := Start(Config{})
		if err != nil {
			tb.Fatal(err)
		}
		shared.server = s
	}
	server := shared.server
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("the log of the shared server ends:\n%s", server.LogTail())
		}
	})
	return server
}

// Main is a [testing.M] that ends the shared server after the tests.
type Main struct{ *testing.M }

// Run runs the tests.
func (m Main) Run() int {
	code := m.M.Run()
	shared.Lock()
	defer shared.Unlock()
	if s := shared.server; s != nil {
		c := &Cluster{Servers: []*Server{s}}
		c.Stop()
		if err := c.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "close the shared server:", err)
			return max(code, 1)
		}
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

package pagetest

import (
	"errors"
	"testing"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/server"
)

// config is what the listeners of the tests share.
type config struct {
	Processes []string `json:"processes"`
	Interval  int      `json:"interval"`
	Owner     string   `json:"owner"`
}

// Validate refuses what a program cannot use.
func (c *config) Validate() error {
	if c.Interval > 100 {
		return errors.New("interval is over 100")
	}
	return nil
}

const (
	path    = "/app/config"
	example = `{"processes":["systemd*","rsync*"],"interval":5,"owner":"ann","limits":{"cpu":0.5,"memory":9007199254740993},"debug":false,"note":null}`
)

// listen opens the document as a program does, until the test ends.
func (s *site) listen(id, app string) *zkstate.State[config] {
	s.t.Helper()
	st, err := zkstate.Open(s.t.Context(), s.store, path, config{}, zkstate.WithID(id), zkstate.WithApp(app))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { st.Close() })
	return st
}

// change changes the document as another program does, while there is no server.
func change(t testing.TB, s *site, fn func(*config)) {
	t.Helper()
	st := s.listen("writer", "another")
	if _, err := st.Update(t.Context(), func(c *config) error { fn(c); return nil }); err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
}

const testToken = "a-token-of-the-tests"

func withToken(c *server.Config) { c.Tokens = []server.Token{{Secret: testToken}} }

// newExample starts a site with a document that two agents have open.
func newExample(t testing.TB) *site {
	t.Helper()
	s := newSite(t, nil)
	s.create(path, example)
	s.listen("agent-1", "procwatch")
	s.listen("agent-2", "procwatch")
	return s
}

package pagetest

import (
	"fmt"
	"testing"

	"github.com/zkstate/zkstate"
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
		return fmt.Errorf("interval is over 100")
	}
	return nil
}

const exampleDocument = `{"processes":["systemd*","rsync*"],"interval":5,"owner":"ann","limits":{"cpu":0.5,"memory":9007199254740993},"debug":false,"note":null}`

// listen opens a document as a program does, until the test ends.
func (s *site) listen(path, id string) *zkstate.State[config] {
	s.t.Helper()
	st, err := zkstate.Open(s.t.Context(), s.store, path, config{}, zkstate.WithID(id), zkstate.WithApp("procwatch"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { st.Close() })
	return st
}

func TestSmoke(t *testing.T) {
	s := newSite(t, nil)
	s.create("/app/config", exampleDocument)
	s.listen("/app/config", "agent-1")
	w := newWindow(t, 1280, 800)
	w.open(s, "live/app/config")
	w.see(".row", "interval")
	w.shoot("live")
	s.patch("/app/config", `{"interval":7}`, "more often")
	w.see(".row.changed-modified", "7")
	w.shoot("live2")
	for _, view := range []string{"listeners", "history", "edit"} {
		w.open(s, view+"/app/config")
		w.see("h1", "/app/config")
		w.until(`new Promise((r) => setTimeout(() => r(true), 500))`)
		w.shoot(view)
	}
}

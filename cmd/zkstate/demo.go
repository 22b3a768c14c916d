package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/procwatch"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/storeurl"
)

// demoStep bounds each wait of the demo, and demoGone the one for a killed agent's
// record, which on ZooKeeper lasts as long as its session.
const (
	demoStep = 5 * time.Second
	demoGone = 15 * time.Second
)

// demo is the main job shown: agents as processes, an actor as another, and a
// timeline of who saw what when.
type demo struct {
	self   string   // the program, to be run again as agents and as actor
	env    []string // that it gets; the store's URL is in it, and in no list of processes
	path   string
	stay   bool // until it is interrupted
	out    io.Writer
	errOut io.Writer
	start  time.Time
	events chan demoEvent
	agents []*demoAgent
	watch  *zkstate.State[json.RawMessage] // sees the listeners, writes nothing
}

// runDemo plays the whole timeline. It fails if at any step the agents do not come
// to agree. The store has to be found before opening ends. The agents find it by env.
// With stay they go on until ctx ends.
func runDemo(ctx, opening context.Context, s store.Store, url string, env []string, stay bool, out, errOut io.Writer) (err error) {
	self, err := exec.LookPath(os.Args[0])
	if err != nil {
		return fmt.Errorf("find the program to start agents with: %w", err)
	}
	shown, err := storeurl.Public(url)
	if err != nil {
		return err
	}
	d := &demo{
		self: self, env: append(os.Environ(), env...), path: fmt.Sprintf("/zkstate-demo/%d", os.Getpid()),
		stay: stay, out: out, errOut: errOut, start: time.Now(), events: make(chan demoEvent, 64),
	}
	owner, err := zkstate.Open(opening, s, d.path, procwatch.Default(), zkstate.WithID("demo"), zkstate.WithApp("demo"))
	if err != nil {
		return err
	}
	if err := owner.Close(); err != nil { // it has created the document; the agents are to be alone
		return err
	}
	if d.watch, err = zkstate.Open(opening, s, d.path, json.RawMessage(nil), zkstate.Observer()); err != nil {
		return err
	}
	defer d.watch.Close()
	defer func() { err = errors.Join(err, d.end(s)) }()

	d.say("three agents share one struct on %s, document %s", shown, d.path)
	d.say("times in ms are counted from when the actor was told that its commit is done; an agent can be faster than that")
	for _, id := range []string{"agent-1", "agent-2", "agent-3"} {
		if err := d.launch(ctx, id); err != nil {
			return err
		}
	}
	if err := d.agree(ctx, time.Time{}, d.newest(ctx)); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{d.addGlob, d.replaceList, d.breakAndHeal, d.killAndReturn} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := d.table(ctx); err != nil || !stay {
		return err
	}
	return d.goOn(ctx, s)
}

// goOn lets the agents go on until ctx ends, and keeps a journal of what others do meanwhile.
func (d *demo) goOn(ctx context.Context, s store.Store) error {
	if err := s.SetJournal(ctx, d.path, 100); err != nil {
		return err
	}
	d.headline("the agents go on until you interrupt this")
	for {
		select {
		case event := <-d.events:
			d.note(event)
		case <-ctx.Done():
			return nil
		}
	}
}

func (d *demo) addGlob(ctx context.Context) error {
	d.headline("somebody adds a glob to the list")
	return d.actAndAgree(ctx, "set", d.path, "/processes/-", `"firefox*"`)
}

func (d *demo) replaceList(ctx context.Context) error {
	d.headline("somebody replaces the list; now it matches the agents themselves")
	list, err := json.Marshal([]string{filepath.Base(d.self), "systemd*"})
	if err != nil {
		return err
	}
	if err := d.actAndAgree(ctx, "set", d.path, "/processes", string(list)); err != nil {
		return err
	}
	err = d.await(ctx, demoStep, "every agent sees all three", func() bool {
		for _, a := range d.agents {
			if len(a.matches) < len(d.agents) {
				return false
			}
		}
		return true
	})
	for _, a := range d.agents {
		d.line(a.id, "matches on this host: %s", count(a.matches))
	}
	return err
}

func (d *demo) breakAndHeal(ctx context.Context) error {
	d.headline("a foreign tool writes a broken document")
	good := d.agents[0].version
	at, _, err := d.act(ctx, "demo-break", d.path)
	if err != nil {
		return err
	}
	told := make(map[string]bool)
	if err := d.await(ctx, demoStep, "every agent rejects it and keeps the last good version", func() bool {
		for _, l := range d.listeners(ctx) {
			if l.Status == zkstate.StatusRejected && l.Applied == good && !told[l.ID] {
				told[l.ID] = true
				d.line(l.ID, "%s  rejected, keeps %v: %s", ms(time.Since(at)), l.Applied, l.Reason)
			}
		}
		return len(told) == len(d.agents)
	}); err != nil {
		return err
	}
	d.headline("somebody heals it")
	return d.actAndAgree(ctx, "set", d.path, `{"processes":["systemd*","rsync*","firefox*"],"interval":"500ms"}`)
}

func (d *demo) killAndReturn(ctx context.Context) error {
	victim := d.agents[1]
	d.headline(victim.id + " is killed with SIGKILL")
	killed := time.Now()
	if err := victim.cmd.Process.Kill(); err != nil {
		return err
	}
	<-victim.ended
	if err := d.await(ctx, demoGone, victim.id+"'s listener record goes", func() bool {
		return !slices.ContainsFunc(d.listeners(ctx), func(l zkstate.Listener) bool { return l.ID == victim.id })
	}); err != nil {
		return err
	}
	d.line(victim.id, "its listener record is gone after %s", strings.TrimSpace(ms(time.Since(killed))))
	d.agents = slices.Delete(d.agents, 1, 2)

	d.headline("life goes on without it")
	if err := d.actAndAgree(ctx, "unset", d.path, "/processes/0"); err != nil {
		return err
	}
	d.headline(victim.id + " comes back")
	if err := d.launch(ctx, victim.id); err != nil {
		return err
	}
	if err := d.agree(ctx, time.Time{}, d.newest(ctx)); err != nil {
		return err
	}
	d.headline("and sees the next change like everybody")
	return d.actAndAgree(ctx, "set", d.path, "/interval", `"1s"`)
}

// end stops the agents and removes the document. It uses a context of its own: it
// also runs when the demo was interrupted.
func (d *demo) end(s store.Store) error {
	ctx, cancel := context.WithTimeout(context.Background(), demoStep)
	defer cancel()
	for _, a := range d.agents {
		_ = a.stdin.Close()
	}
	for _, a := range d.agents {
		for ended := false; !ended; {
			select {
			case <-a.ended:
				ended = true
			case <-d.events: // it must not block on saying its last words
			case <-ctx.Done():
				_ = a.cmd.Process.Kill()
				ended = true
			}
		}
	}
	rec, err := s.Load(ctx, d.path, store.Version{}, store.Linearizable)
	if err != nil {
		return fmt.Errorf("the demo's document %s stays: %w", d.path, err)
	}
	ops := []store.Op{store.Delete{Path: d.path, Base: rec.Version}}
	if d.stay {
		ops = append(ops, store.Append{Path: d.path}) // the journal goes next
	}
	if _, err := s.Commit(ctx, ops...); err != nil {
		return fmt.Errorf("the demo's document %s stays: %w", d.path, err)
	}
	if d.stay {
		return s.SetJournal(ctx, d.path, 0)
	}
	return nil
}

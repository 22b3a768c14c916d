package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/zkstate/zkstate"
)

// demoAgent is one agent as its lines tell.
type demoAgent struct {
	id      string
	cmd     *exec.Cmd
	stdin   io.Closer
	ended   chan struct{} // closed when the process and its output are gone
	version zkstate.Version
	lag     time.Duration // of the last commit
	matches []string
}

// launch starts an agent as a process of its own and returns when it is attached.
func (d *demo) launch(ctx context.Context, id string) error {
	a := &demoAgent{id: id, ended: make(chan struct{})}
	a.cmd = exec.Command(d.self, "demo-agent", d.path, id)
	a.cmd.Stderr, a.cmd.Env = d.errOut, d.env
	stdin, err := a.cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := a.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := a.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", id, err)
	}
	a.stdin = stdin
	d.agents = append(d.agents, a)
	slices.SortFunc(d.agents, func(a, b *demoAgent) int { return strings.Compare(a.id, b.id) })
	go func() {
		defer close(a.ended)
		readEvents(stdout, func(event demoEvent) { d.events <- event })
		_ = a.cmd.Wait() // how it ended is shown by what it did not say
	}()
	if err := d.await(ctx, demoStep, id+" opens", func() bool { return !a.version.IsZero() }); err != nil {
		return err
	}
	d.line(id, "process %d attached at version %v", a.cmd.Process.Pid, a.version)
	return nil
}

// act runs the command line tool's own code as another process, and returns when
// its commit was acknowledged and which version that made.
func (d *demo) act(ctx context.Context, args ...string) (time.Time, zkstate.Version, error) {
	d.line("actor", "zkstate %s", shellQuote(args))
	cmd := exec.CommandContext(ctx, d.self, append([]string{"-o", "json"}, args...)...)
	cmd.Stderr, cmd.Env = d.errOut, d.env
	out, err := cmd.Output()
	if err != nil {
		return time.Time{}, zkstate.Version{}, fmt.Errorf("the actor's zkstate %s: %w", args[0], err)
	}
	var done struct {
		Version   zkstate.Version `json:"version"`
		Committed time.Time       `json:"committed"`
	}
	if err := json.Unmarshal(out, &done); err != nil {
		return time.Time{}, zkstate.Version{}, fmt.Errorf("the actor's zkstate %s printed no version: %w", args[0], err)
	}
	return done.Committed, done.Version, nil
}

func (d *demo) actAndAgree(ctx context.Context, args ...string) error {
	at, version, err := d.act(ctx, args...)
	if err != nil {
		return err
	}
	return d.agree(ctx, at, version)
}

// agree waits until every agent is at version, and tells what each saw when.
func (d *demo) agree(ctx context.Context, committed time.Time, version zkstate.Version) error {
	var saw []demoEvent
	err := d.awaitEvents(ctx, demoStep, fmt.Sprintf("every agent is at %v", version), func(event *demoEvent) bool {
		if event != nil && event.Kind == "changed" {
			saw = append(saw, *event)
		}
		return !slices.ContainsFunc(d.agents, func(a *demoAgent) bool { return a.version != version })
	})
	for _, event := range saw {
		if committed.IsZero() {
			continue
		}
		lag := event.At.Sub(committed)
		d.line(event.Agent, "%s  %s", ms(lag), strings.Join(event.Changes, "   "))
		for _, a := range d.agents {
			if a.id == event.Agent && event.Version == version {
				a.lag = lag
			}
		}
	}
	if err == nil {
		d.line("agreed", "all %d at version %v", len(d.agents), version)
	}
	return err
}

// newest is the version that the store has now, the zero Version if it does not say.
func (d *demo) newest(ctx context.Context) zkstate.Version {
	if _, _, err := d.watch.ReadConsistent(ctx); err != nil {
		return zkstate.Version{}
	}
	snap, _ := d.watch.Snapshot()
	return snap.Version
}

func (d *demo) listeners(ctx context.Context) []zkstate.Listener {
	found, err := d.watch.Listeners(ctx)
	if err != nil {
		return nil // asked again soon, within the step's bound
	}
	return found
}

func (d *demo) await(ctx context.Context, bound time.Duration, what string, ok func() bool) error {
	return d.awaitEvents(ctx, bound, what, func(*demoEvent) bool { return ok() })
}

// awaitEvents takes in what the agents say until ok, which is asked after every
// event and, with nil, every few milliseconds.
func (d *demo) awaitEvents(ctx context.Context, bound time.Duration, what string, ok func(*demoEvent) bool) error {
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(bound)
	for {
		var event *demoEvent
		select {
		case e := <-d.events:
			event = &e
			d.note(e)
		case <-tick.C:
		case <-deadline:
			return fmt.Errorf("not within %v: %s", bound, what)
		case <-ctx.Done():
			return ctx.Err()
		}
		if ok(event) {
			return nil
		}
	}
}

func (d *demo) note(event demoEvent) {
	for _, a := range d.agents {
		if a.id != event.Agent {
			continue
		}
		if event.Kind == "matches" {
			a.matches = event.Matches
		} else {
			a.version = event.Version
		}
	}
}

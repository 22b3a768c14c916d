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
	"text/tabwriter"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/procwatch"
	"github.com/zkstate/zkstate/store"
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
	self   string // the program, to be run again as agents and as actor
	url    string
	path   string
	out    io.Writer
	errOut io.Writer
	start  time.Time
	events chan demoEvent
	agents []*demoAgent
	watch  *zkstate.State[json.RawMessage] // sees the listeners, writes nothing
}

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

// runDemo plays the whole timeline. It fails if at any step the agents do not come
// to agree.
func runDemo(ctx context.Context, s store.Store, url string, out, errOut io.Writer) (err error) {
	self, err := exec.LookPath(os.Args[0])
	if err != nil {
		return fmt.Errorf("find the program to start agents with: %w", err)
	}
	d := &demo{self: self, url: url, path: fmt.Sprintf("/zkstate-demo/%d", os.Getpid()), out: out, errOut: errOut, start: time.Now(), events: make(chan demoEvent, 64)}
	owner, err := zkstate.Open(ctx, s, d.path, procwatch.Default(), zkstate.ID("demo"), zkstate.App("demo"))
	if err != nil {
		return err
	}
	if err := owner.Close(); err != nil { // it has created the document; the agents are to be alone
		return err
	}
	if d.watch, err = zkstate.Open(ctx, s, d.path, json.RawMessage(nil), zkstate.Observer()); err != nil {
		return err
	}
	defer d.watch.Close()
	defer func() { err = errors.Join(err, d.end(s)) }()

	d.say("three agents share one struct on %s, document %s", url, d.path)
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
	return d.table(ctx)
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

// launch starts an agent as a process of its own and returns when it is attached.
func (d *demo) launch(ctx context.Context, id string) error {
	a := &demoAgent{id: id, ended: make(chan struct{})}
	a.cmd = exec.Command(d.self, "--store", d.url, "demo-agent", d.path, id)
	a.cmd.Stderr = d.errOut
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
	cmd := exec.CommandContext(ctx, d.self, append([]string{"--store", d.url, "-o", "json"}, args...)...)
	cmd.Stderr = d.errOut
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
	if _, err := d.watch.ReadConsistent(ctx); err != nil {
		return zkstate.Version{}
	}
	snap, _ := d.watch.ReadDirty()
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

// table is the last word: what the store's listener records say, beside what the
// agents said.
func (d *demo) table(ctx context.Context) error {
	newest := d.newest(ctx)
	records := make(map[string]zkstate.Listener)
	err := d.await(ctx, demoStep, "every listener record says that the newest version is applied", func() bool {
		clear(records)
		for _, l := range d.listeners(ctx) {
			records[l.ID] = l
		}
		return len(records) == len(d.agents) && !slices.ContainsFunc(d.agents, func(a *demoAgent) bool {
			return records[a.id].Applied != newest || a.version != newest
		})
	})
	d.headline(fmt.Sprintf("in the end, with the document at version %v", newest))
	w := tabwriter.NewWriter(d.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "agent\tversion\tlistener\tapplied\tlag of the last commit")
	for _, a := range d.agents {
		l := records[a.id]
		fmt.Fprintf(w, "%s\t%v\t%s, process %d\t%v\t%s\n", a.id, a.version, l.Status, l.PID, l.Applied, ms(a.lag))
	}
	if flushErr := w.Flush(); flushErr != nil {
		return flushErr
	}
	if err == nil {
		fmt.Fprintf(d.out, "all agents agreed at every step, in %.1f s\n", time.Since(d.start).Seconds())
	}
	return err
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
	if _, err := s.Commit(ctx, store.Delete{Path: d.path, Base: rec.Version}); err != nil {
		return fmt.Errorf("the demo's document %s stays: %w", d.path, err)
	}
	return nil
}

func (d *demo) headline(text string) { fmt.Fprintf(d.out, "\n%s\n", text) }

func (d *demo) say(format string, args ...any) { fmt.Fprintf(d.out, format+"\n", args...) }

func (d *demo) line(who, format string, args ...any) {
	fmt.Fprintf(d.out, "%7.3fs  %-8s %s\n", time.Since(d.start).Seconds(), who, fmt.Sprintf(format, args...))
}

func ms(d time.Duration) string {
	return fmt.Sprintf("%+7.1f ms", float64(d)/float64(time.Millisecond))
}

// count writes "a, b x3".
func count(sorted []string) string {
	if len(sorted) == 0 {
		return "none"
	}
	var parts []string
	for i := 0; i < len(sorted); {
		n := 1
		for i+n < len(sorted) && sorted[i+n] == sorted[i] {
			n++
		}
		part := sorted[i]
		if n > 1 {
			part += fmt.Sprintf(" x%d", n)
		}
		parts = append(parts, part)
		i += n
	}
	return strings.Join(parts, ", ")
}

// shellQuote writes a command as one would type it.
func shellQuote(args []string) string {
	quoted := make([]string, len(args))
	for i, arg := range args {
		quoted[i] = arg
		if strings.ContainsAny(arg, " \"{}[]*$\\'") {
			quoted[i] = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}

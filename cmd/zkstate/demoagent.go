package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/procwatch"
	"github.com/zkstate/zkstate/store"
)

// demoEvent is one line that an agent of the demo says to whoever started it.
type demoEvent struct {
	Agent   string          `json:"agent"`
	Kind    string          `json:"kind"` // opened, changed, matches
	At      time.Time       `json:"at"`
	Version zkstate.Version `json:"version"`
	Changes []string        `json:"changes,omitempty"`
	Matches []string        `json:"matches,omitempty"`
}

// runDemoAgent is procwatch, but for speaking JSON. It ends when ctx does or when
// its standard input closes, so that it does not outlive the demo.
func runDemoAgent(ctx context.Context, s store.Store, path, id string, stdin io.Reader, stdout io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		cancel()
	}()
	st, err := zkstate.Open(ctx, s, path, procwatch.Default(), zkstate.WithID(id), zkstate.WithApp("demo-agent"), zkstate.NoCreate())
	if err != nil {
		return err
	}
	defer st.Close()

	voice := demoVoice{agent: id, out: json.NewEncoder(stdout)}
	matches := make(map[int32]string)
	return (&procwatch.Agent{}).Watch(ctx, st, func(set zkstate.ChangeSet) {
		event := demoEvent{Kind: "changed", Version: set.To}
		if set.From.IsZero() {
			event.Kind = "opened"
		}
		for _, change := range set.Changes {
			event.Changes = append(event.Changes, change.String())
		}
		voice.say(event)
	}, func(events []procwatch.Event) {
		for _, e := range events {
			if delete(matches, e.PID); e.Appeared {
				matches[e.PID] = e.Name
			}
		}
		names := make([]string, 0, len(matches))
		for _, name := range matches {
			names = append(names, name)
		}
		slices.Sort(names)
		voice.say(demoEvent{Kind: "matches", Matches: names})
	})
}

// demoVoice is used by the agent's goroutines.
type demoVoice struct {
	agent string
	mu    sync.Mutex // guards out
	out   *json.Encoder
}

func (v *demoVoice) say(event demoEvent) {
	event.Agent, event.At = v.agent, time.Now()
	v.mu.Lock()
	defer v.mu.Unlock()
	_ = v.out.Encode(event) // nobody listens any more: stdin closes too
}

// breakDocument writes a document that is none, as a foreign tool might.
func breakDocument(ctx context.Context, s store.Store, path string) (store.Version, error) {
	for {
		rec, err := s.Load(ctx, path, store.Version{}, store.Linearizable)
		if err != nil {
			return store.Version{}, err
		}
		versions, err := s.Commit(ctx, store.Put{Path: path, Base: rec.Version, Data: []byte(`{"processes": ["firefox*", `)})
		if err == nil {
			return versions[0], nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return store.Version{}, err
		}
	}
}

// readEvents passes an agent's lines on until it ends.
func readEvents(r io.Reader, pass func(demoEvent)) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var event demoEvent
		if json.Unmarshal(lines.Bytes(), &event) == nil {
			pass(event)
		}
	}
}

package zkstore_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zkstate/zkstate/internal/zkserver"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/zkstore"
)

// lockedLog collects what is logged.
type lockedLog struct {
	mu   sync.Mutex // guards text
	text strings.Builder
}

func (l *lockedLog) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *lockedLog) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), text)
}

// TestEnsembleThatChanges: an application knows one server, an observer. All that it does
// works there. It learns who else there is, and who joins, goes on when its server has gone,
// and is not served by one that has lost the others and only reads.
func TestEnsembleThatChanges(t *testing.T) {
	t.Parallel()
	ensemble := zkserver.EnsembleConfig(t, 3, zkserver.Config{
		Observers: 1, Reconfigurable: true, JVMFlags: []string{"-Xmx256m", "-XX:TieredStopAtLevel=1", "-Dreadonlymode.enabled=true"},
	})
	first, second, observer := ensemble.Servers[0], ensemble.Servers[1], ensemble.Servers[2]
	if role := observer.Role(); role != zkserver.Observer {
		t.Fatalf("the last server is a %s", role)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
	defer cancel()
	var log lockedLog
	s := openWith(t, zkstore.Config{Servers: []string{observer.Addr()}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	fixed := openWith(t, zkstore.Config{Servers: []string{observer.Addr()}, FixedServers: true})
	other := open(t, "", first.Addr(), second.Addr())
	t.Cleanup(func() { _ = other.Close() })

	v := mustCommit(t, ctx, s, store.Create{Path: "/doc", Data: []byte("0")}, store.Receipt{Path: "/doc", ID: "me", Data: []byte("r")})[0]
	hints, stop := follow(s, "/doc")
	defer stop()
	if _, err := s.Load(ctx, "/doc", store.Version{}, store.Local); err != nil {
		t.Fatal(err)
	}
	lock, err := s.Lock(ctx, "/doc", "me")
	if err != nil {
		t.Fatal(err)
	}
	v = mustCommit(t, ctx, s, store.Put{Path: "/doc", Base: v, Data: []byte("1")}, store.Release{Lock: lock})[0]
	v = mustCommit(t, ctx, other, store.Put{Path: "/doc", Base: v, Data: []byte("2")})[0]
	for rec := (store.Record{}); string(rec.Data) != "2"; {
		select {
		case <-hints:
		case <-ctx.Done():
			t.Fatal("the observer does not tell of a change")
		}
		if rec, err = s.Load(ctx, "/doc", store.Version{}, store.Local); err != nil {
			t.Fatal(err)
		}
	}
	mustCommit(t, ctx, fixed, store.Create{Path: "/fixed", Data: []byte("0")})

	joined, err := ensemble.Add()
	if err != nil {
		t.Fatal(err)
	}
	for _, member := range []*zkserver.Server{first, second, joined} {
		eventually(t, "the servers are learned", func() bool { return log.has(member.Addr()) })
	}
	observer.Stop()
	v = putUntil(t, ctx, s, v)
	if _, err := loadBriefly(t, fixed); err == nil {
		t.Error("who keeps to the given servers went to another one")
	}

	first.Stop()
	second.Stop()
	eventually(t, "the last server only reads", func() bool { return joined.Role() == zkserver.ReadOnly })
	if rec, err := loadBriefly(t, s); !errors.Is(err, store.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a server that only reads gave %q, %v", rec.Data, err)
	}
	if err := first.Launch(); err != nil {
		t.Fatal(err)
	}
	putUntil(t, ctx, s, v)
}

func loadBriefly(t *testing.T, s *zkstore.Store) (rec store.Record, err error) {
	err = briefly(t, func(ctx context.Context) error {
		for {
			rec, err = s.Load(ctx, "/doc", store.Version{}, store.Linearizable)
			if !errors.Is(err, store.ErrUnavailable) || ctx.Err() != nil {
				return err
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
	return rec, err
}

// putUntil commits on a version, through lost connections and sessions.
func putUntil(t *testing.T, ctx context.Context, s *zkstore.Store, base store.Version) store.Version {
	t.Helper()
	for {
		versions, err := s.Commit(ctx, store.Put{Path: "/doc", Base: base, Data: []byte("3")})
		switch {
		case err == nil:
			return versions[0]
		case ctx.Err() != nil || !errors.Is(err, store.ErrUnavailable) && !errors.Is(err, store.ErrUnknownOutcome):
			t.Fatal(err)
		}
		if rec, err := s.Load(ctx, "/doc", store.Version{}, store.Linearizable); err == nil {
			base = rec.Version
		}
	}
}

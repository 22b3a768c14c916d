package zkstate_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
	"github.com/zkstate/zkstate/store/storetest"
)

// cached runs a State with a cache until its document is in the file.
func cached(t *testing.T, s store.Store, file string) {
	t.Helper()
	st, err := zkstate.Open(t.Context(), s, "/app/config", initial(), zkstate.WithCache(file))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := st.Update(t.Context(), func(c *config) error { c.Interval = 42; return nil }); err != nil {
		t.Fatal(err)
	}
	closeState(t, st)
}

func TestStartWithoutTheStore(t *testing.T) {
	eachStore(t, func(e *env) {
		file := filepath.Join(e.TempDir(), "cache")
		faults := storetest.Inject(e.handle())
		cached(e.T, faults, file)
		if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 {
			e.Fatalf("cache file: %v, %v", info, err)
		}
		for name, fault := range map[string]func(){
			"failing": func() { faults.Hang(false); faults.Fail(store.ErrUnavailable) },
			"hung":    func() { faults.Fail(nil); faults.Hang(true) },
		} {
			fault()
			st, err := zkstate.Open(e.ctx, faults, "/app/config", initial(), zkstate.WithCache(file))
			if err != nil {
				e.Fatalf("%s: %v", name, err)
			}
			if snap, err := st.Snapshot(); err != nil || snap.Value.Interval != 42 || snap.Fresh() || snap.Version.IsZero() {
				e.Errorf("%s: the cached copy is %+v, %v", name, snap, err)
			}
			if _, err := st.Read(); !errors.Is(err, zkstate.ErrStale) {
				e.Errorf("%s: Read of an unverified copy: %v", name, err)
			}
			short, cancel := context.WithTimeout(e.ctx, 20*time.Millisecond)
			if _, _, err := st.ReadConsistent(short); !errors.Is(err, context.DeadlineExceeded) {
				e.Errorf("%s: ReadConsistent: %v", name, err)
			}
			if _, err := st.Update(short, bump); !errors.Is(err, context.DeadlineExceeded) {
				e.Errorf("%s: Update: %v", name, err)
			}
			cancel()
			faults.Fail(nil)
			faults.Hang(false)
			e.eventually("the State verifies itself when the store is back", func() bool {
				got, err := st.Read()
				return err == nil && got.Interval == 42
			})
			e.eventually("its record is written", func() bool {
				found, err := st.Listeners(e.ctx)
				return err == nil && len(found) == 1
			})
			closeState(e.T, st)
		}
	})
}

// TestCacheGivesWay: whatever the store says replaces the cached copy, though the
// store may have been restored to an older state, or be without the document.
func TestCacheGivesWay(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cache")
	old := memstore.New()
	for range 5 { // so that its versions are far ahead of the new store's
		cached(t, old, file)
		st, err := zkstate.Open(t.Context(), old, "/app/config", initial())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := st.Update(t.Context(), bump); err != nil {
			t.Fatal(err)
		}
		closeState(t, st)
	}
	restored := memstore.New()
	if _, err := restored.Commit(t.Context(), store.Create{Path: "/app/config", Data: []byte(`{"interval":3}`)}); err != nil {
		t.Fatal(err)
	}
	st, err := zkstate.Open(t.Context(), restored, "/app/config", initial(), zkstate.WithCache(file))
	if err != nil {
		t.Fatal(err)
	}
	defer closeState(t, st)
	if got, _, err := st.ReadConsistent(t.Context()); err != nil || got.Interval != 3 {
		t.Errorf("beside an older store the cache wins: %+v, %v", got, err)
	}
	if v, err := st.Update(t.Context(), bump); err != nil {
		t.Errorf("update to %v: %v", v, err)
	}
	empty, err := zkstate.Open(t.Context(), memstore.New(), "/app/config", initial(), zkstate.WithCache(file+"2"), zkstate.NoCreate())
	if !errors.Is(err, zkstate.ErrNotFound) {
		t.Errorf("without a cache file: %v, %v", empty, err)
	}
}

// TestDamagedCacheIsIgnored tries every cut and a flip of every byte.
func TestDamagedCacheIsIgnored(t *testing.T) {
	mem := memstore.New()
	dir := t.TempDir()
	file := filepath.Join(dir, "cache")
	cached(t, mem, file)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	faults := storetest.Inject(mem)
	faults.Fail(store.ErrUnavailable)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	try := func(what string, text []byte, path string) {
		t.Helper()
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if st, err := zkstate.Open(ended, faults, path, initial(), zkstate.WithCache(file)); err == nil {
			snap, _ := st.Snapshot()
			t.Errorf("%s: started with %+v", what, snap)
			closeState(t, st)
		}
	}
	for i := range whole {
		try("cut", whole[:i], "/app/config")
		flipped := bytes.Clone(whole)
		flipped[i] ^= 1
		try("flipped", flipped, "/app/config")
	}
	try("of another document", whole, "/app/other")
	if err := os.WriteFile(file, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if st, err := zkstate.Open(ended, faults, "/app/config", []int{}, zkstate.WithCache(file)); err == nil {
		t.Error("a cache that does not fit the type was used")
		closeState(t, st)
	}
	st, err := zkstate.Open(ended, faults, "/app/config", initial(), zkstate.WithCache(file))
	if err != nil {
		t.Fatalf("the whole file, with a context that has ended: %v", err)
	}
	faults.Fail(nil)
	closeState(t, st)
	if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) != 1 {
		t.Errorf("files left: %q, %v", left, err)
	}
}

// TestCacheIsARegularFile: else Open would wait for a pipe's writer, or the State would
// never have a cache.
func TestCacheIsARegularFile(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := exec.Command("mkfifo", pipe).Run(); err != nil && runtime.GOOS == "windows" {
		t.Skip("no pipe can be made here:", err)
	} else if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{pipe, t.TempDir(), os.DevNull, filepath.Join(pipe, "below")} {
		st, err := zkstate.Open(t.Context(), memstore.New(), "/app/config", initial(), zkstate.WithCache(file))
		if err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: opened %v, %v", file, st, err)
		}
	}
}

package zkstate_test

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"modernc.org/sqlite"

	"github.com/zkstate/zkstate/internal/reorder"
	"github.com/zkstate/zkstate/internal/zkserver"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
	"github.com/zkstate/zkstate/store/sqlitestore"
	"github.com/zkstate/zkstate/store/zkstore"
)

var (
	historySeed  = flag.Uint64("history-seed", 1, "the first seed of TestHistories")
	historyCount = flag.Int("histories", 0, "how many seeds TestHistories tries on each store; 0: a few")
)

// TestHistories: whatever clients of several States do at once, while answers and hints
// are held back, overtake each other or are lost, one order of all calls explains every
// answer; what Read serves was the document within the bound; no State goes back; and the
// changes lead from each document to the next.
func TestHistories(t *testing.T) {
	t.Parallel()
	t.Run("mem", func(t *testing.T) {
		eachSeed(t, 24, func(t *testing.T, seed uint64) { synctest.Test(t, func(t *testing.T) { memHistory(t, seed) }) })
	})
	t.Run("sqlite", func(t *testing.T) { eachSeed(t, 2, sqliteHistory) })
	t.Run("zk", func(t *testing.T) {
		ensemble := zkserver.Ensemble(t, 3)
		eachSeed(t, 2, func(t *testing.T, seed uint64) { zkHistory(t, ensemble.Addrs(), seed) })
	})
}

// eachSeed runs a test for as many seeds as are asked for.
func eachSeed(t *testing.T, few int, test func(t *testing.T, seed uint64)) {
	if *historyCount > 0 {
		few = *historyCount
	}
	for i := range few {
		seed := *historySeed + uint64(i)
		t.Run(fmt.Sprint(seed), func(t *testing.T) { test(t, seed) })
	}
}

// held are stores that hold and lose answers, each in its own way.
func held(seed uint64, cfg reorder.Config, stores ...store.Store) (all []*reorder.Store) {
	for i, s := range stores {
		cfg.Seed = seed*1000 + uint64(i)
		all = append(all, reorder.New(s, cfg))
	}
	return all
}

// memHistory is one in fake time. Every third replaces the memory's content meanwhile.
func memHistory(t *testing.T, seed uint64) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	random := rand.New(rand.NewPCG(seed, 1000))
	orders := []int{0, 1000, 2000} // of the memories, one after another
	if random.IntN(2) == 0 {
		slices.Reverse(orders)
	}
	mem := memoryAt(t, orders[0])
	cfg := reorder.Config{Hold: 20 * time.Millisecond, Lose: 20, Lag: true}
	h := newHistory(t, ctx, seed, 20, held(seed, cfg, mem.Attach(), mem.Attach(), mem.Attach())...)
	if seed%3 != 0 {
		h.run()
		return
	}
	h.run(func() {
		for _, order := range orders[1:] {
			time.Sleep(time.Duration(random.IntN(500)) * time.Millisecond) // somewhere in the history
			h.replaceMemory(memoryAt(t, order))
		}
	})
}

// memoryAt is one in which so many commits were made, none of which is of any interest.
func memoryAt(t *testing.T, order int) *memstore.Store {
	mem := memstore.New()
	for range order {
		versions, err := mem.Commit(t.Context(), store.Create{Path: "/other"})
		if err == nil {
			_, err = mem.Commit(t.Context(), store.Delete{Path: "/other", Base: versions[0]})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return mem
}

// replaceMemory puts other contents in the place of the memory's: no document, or another.
func (h *history) replaceMemory(other *memstore.Store) {
	h.restores.Add(1)
	d := deed{did: didRestore, who: "somebody"}
	called := h.record.now()
	if h.values.Load()%3 > 0 {
		d.wrote = h.value()
		versions, err := other.Commit(h.ctx, store.Create{Path: historyPath, Data: fmt.Appendf(nil, `{"n":%d}`, d.wrote)})
		if err != nil {
			h.Fatal(err)
		}
		d.version = versions[0]
	}
	var stores []*reorder.Store
	for i := 0; i < len(h.all); i += 2 { // two clients share a store
		stores = append(stores, h.all[i].store)
	}
	reorder.Replace(stores, func() store.Store { return other.Attach() })
	h.record.add(called, d)
}

// sqliteHistory is one of several handles on one file. Every second restores the file from a
// backup meanwhile.
func sqliteHistory(t *testing.T, seed uint64) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	file := filepath.Join(t.TempDir(), "state.db")
	var handles []store.Store
	for range 3 {
		s, err := sqlitestore.Open(ctx, file, sqlitestore.Config{PollInterval: 20 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		handles = append(handles, s)
	}
	cfg := reorder.Config{Hold: 5 * time.Millisecond, Lose: 20}
	h := newHistory(t, ctx, seed, 20, held(seed, cfg, handles...)...)
	if seed%2 != 0 {
		h.run()
		return
	}
	random := rand.New(rand.NewPCG(seed, 1000))
	h.run(func() {
		for range 2 {
			backup, content := h.backUp(file)
			time.Sleep(time.Duration(random.IntN(100)) * time.Millisecond) // somewhere in the history
			h.restore(file, backup, content)
		}
	})
}

// copier is a connection that copies whole databases.
type copier interface {
	NewBackup(string) (*sqlite.Backup, error)
	NewRestore(string) (*sqlite.Backup, error)
}

// copyFile copies a database as another program would.
func (h *history) copyFile(file string, begin func(c copier) (*sqlite.Backup, error)) {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(10000)")
	if err != nil {
		h.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(h.ctx)
	if err != nil {
		h.Fatal(err)
	}
	defer conn.Close()
	for {
		err := conn.Raw(func(driver any) error {
			copying, err := begin(driver.(copier))
			if err != nil {
				return err
			}
			_, err = copying.Step(-1)
			return errors.Join(err, copying.Finish())
		})
		if err == nil {
			return
		}
		if h.ctx.Err() != nil {
			h.Fatal(err)
		}
	}
}

// backUp copies the file, and returns what was in it.
func (h *history) backUp(file string) (backup string, content int) {
	backup = filepath.Join(h.TempDir(), "backup.db")
	called := h.record.now()
	h.copyFile(file, func(c copier) (*sqlite.Backup, error) { return c.NewBackup(backup) })
	db, err := sql.Open("sqlite", "file:"+backup+"?mode=ro")
	if err != nil {
		h.Fatal(err)
	}
	defer db.Close()
	var body []byte
	err = db.QueryRow("SELECT body FROM documents WHERE path = ?", historyPath).Scan(&body)
	if err == nil {
		_, err = fmt.Sscanf(string(body), `{"n":%d}`, &content)
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		h.Fatal(err)
	}
	h.record.add(called, deed{did: didRead, saw: content, who: "backup"})
	return backup, content
}

// restore makes the backup's content the file's, in place.
func (h *history) restore(file, backup string, content int) {
	h.restores.Add(1)
	called := h.record.now()
	h.copyFile(file, func(c copier) (*sqlite.Backup, error) { return c.NewRestore(backup) })
	h.record.add(called, deed{did: didRestore, wrote: content, who: "restore"})
}

// zkHistory is one of several handles, each on a server of its own.
func zkHistory(t *testing.T, servers []string, seed uint64) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	chroot := fmt.Sprintf("/history%d", seed)
	var handles []store.Store
	for _, server := range servers {
		s, err := zkstore.Open(zkstore.Config{Servers: []string{server}, Chroot: chroot})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		handles = append(handles, s)
	}
	cfg := reorder.Config{Hold: 5 * time.Millisecond, Lose: 20}
	newHistory(t, ctx, seed, 20, held(seed, cfg, handles...)...).run()
}

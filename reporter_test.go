package zkstate_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/zkserver"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
	"github.com/zkstate/zkstate/store/storetest"
)

// reportCounter counts the reports of all States that share it.
type reportCounter struct {
	store.Store
	mu sync.Mutex // guards n
	n  int

	stats atomic.Int64 // how often a State asked how many listeners there are
}

func (c *reportCounter) Stat(ctx context.Context, path string, mode store.Consistency) (store.Place, error) {
	c.stats.Add(1)
	return c.Store.Stat(ctx, path, mode)
}

func (c *reportCounter) Announce(ctx context.Context, path, id string, data []byte) error {
	c.mu.Lock()
	c.n++
	c.mu.Unlock()
	return c.Store.Announce(ctx, path, id, data)
}

// take returns the count since the call before.
func (c *reportCounter) take() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer func() { c.n = 0 }()
	return c.n
}

// crowdOf opens n States on one store, and one that writes.
func crowdOf(t *testing.T, s store.Store, n int) (writer *zkstate.State[config]) {
	t.Helper()
	for i := range n {
		st, err := zkstate.Open(t.Context(), s, "/app/config", initial(), zkstate.WithID(fmt.Sprint("reader", i)))
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			writer = st
		}
		t.Cleanup(func() { closeState(t, st) })
	}
	return writer
}

func update(t *testing.T, st *zkstate.State[config], opts ...zkstate.UpdateOption) zkstate.Version {
	t.Helper()
	v, err := st.Update(t.Context(), bump, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestReportsShareARate: whatever the number of listeners, and however often the document
// changes, they report about 50 times a second together, and all of them do.
func TestReportsShareARate(t *testing.T) {
	for _, n := range []int{20, 300} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &reportCounter{Store: memstore.New()}
				writer := crowdOf(t, s, n)
				time.Sleep(time.Minute)
				s.take()
				update(t, writer)
				time.Sleep(100 * time.Millisecond)
				if first := s.take(); n <= 50 && first != n || n > 50 && first > 15 {
					t.Errorf("%d of %d report at once after a quiet time", first, n)
				}
				const seconds = 60
				for range 10 * seconds {
					time.Sleep(100 * time.Millisecond)
					update(t, writer)
				}
				if rate := float64(s.take()) / seconds; rate > 55 || rate < 15 {
					t.Errorf("%.1f reports a second of %d listeners", rate, n)
				}
				last := update(t, writer)
				time.Sleep(20 * time.Second)
				listeners, err := writer.Listeners(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, l := range listeners {
					if l.Applied != last {
						t.Errorf("%s says that it applied %v; the last is %v", l.ID, l.Applied, last)
					}
				}
			})
		})
	}
}

// TestAwaitedReportsComeAtOnce: reports of what somebody waits for do not wait for those
// that nobody waits for.
func TestAwaitedReportsComeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &reportCounter{Store: memstore.New()}
		writer := crowdOf(t, s, 300)
		for range 100 {
			time.Sleep(100 * time.Millisecond)
			update(t, writer)
		}
		for range 3 {
			time.Sleep(100 * time.Millisecond)
			s.take()
			began := time.Now()
			update(t, writer, zkstate.WaitAll())
			if took := time.Since(began); took > 100*time.Millisecond {
				t.Errorf("all had applied it after %v", took)
			}
			if reports := s.take(); reports > 2*300 {
				t.Errorf("%d reports of 300 listeners", reports)
			}
		}
		began := time.Now()
		if err := writer.Delete(t.Context(), zkstate.WaitAll()); err != nil || time.Since(began) > 100*time.Millisecond {
			t.Errorf("the deletion: %v after %v", err, time.Since(began))
		}
	})
}

// TestAwaitedReportPutsOffTheNext: a report that was due when an awaited one came does not
// follow it within the pause, and if nothing changes nothing is asked for it.
func TestAwaitedReportPutsOffTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := memstore.New()
		writer := crowdOf(t, mem, 1)
		s := &reportCounter{Store: mem.Attach()}
		reader, err := zkstate.Open(t.Context(), s, "/app/config", initial())
		if err != nil {
			t.Fatal(err)
		}
		defer closeState(t, reader)
		time.Sleep(time.Minute)
		update(t, writer) // reported at once
		time.Sleep(500 * time.Millisecond)
		update(t, writer) // due after 0.75 to 1.25 s
		time.Sleep(200 * time.Millisecond)
		update(t, writer, zkstate.WaitAll())
		update(t, writer)
		s.take()
		time.Sleep(740 * time.Millisecond)
		if n := s.take(); n > 0 {
			t.Errorf("%d reports within the pause after an awaited one", n)
		}
		time.Sleep(time.Second)
		if n := s.take(); n != 1 {
			t.Errorf("%d reports of the last version", n)
		}
		update(t, writer)
		time.Sleep(10 * time.Millisecond)
		update(t, writer, zkstate.WaitAll())
		s.stats.Store(0)
		time.Sleep(10 * time.Second)
		if n := s.stats.Load(); n > 0 {
			t.Errorf("asked %d times how many listeners there are, with nothing to report", n)
		}
	})
}

// absentCounter counts how often it is asked who vanished.
type absentCounter struct {
	store.Store
	asked atomic.Int64
}

func (c *absentCounter) Absent(ctx context.Context, path string, present []string) ([]store.Listener, error) {
	c.asked.Add(1)
	return c.Store.Absent(ctx, path, present)
}

// TestPromptReportsCostOneLook: where all report at once, the waiter asks once who vanished,
// when it has all reports; where somebody does not, once meanwhile.
func TestPromptReportsCostOneLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := memstore.New()
		faults := storetest.Inject(mem.Attach())
		crowdOf(t, faults, 20)
		s := &absentCounter{Store: mem.Attach()}
		writer, err := zkstate.Open(t.Context(), s, "/app/config", initial())
		if err != nil {
			t.Fatal(err)
		}
		defer closeState(t, writer)
		update(t, writer, zkstate.WaitAll())
		if n := s.asked.Swap(0); n != 1 {
			t.Errorf("asked %d times who vanished", n)
		}
		faults.Hang(true)
		_, err = writer.Update(t.Context(), bump, zkstate.WaitAll(), zkstate.WaitTimeout(400*time.Millisecond))
		if n := s.asked.Load(); !errors.Is(err, zkstate.ErrNotApplied) || n != 1 {
			t.Errorf("asked %d times who vanished while others say nothing, %v", n, err)
		}
		faults.Hang(false)
	})
}

// TestReportsEndWithClose: no report begins after Close, and one that is on its way has
// ended by then.
func TestReportsEndWithClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &reportCounter{Store: memstore.New()}
		st, err := zkstate.Open(t.Context(), s, "/app/config", initial())
		if err != nil {
			t.Fatal(err)
		}
		update(t, st) // reported at once
		synctest.Wait()
		update(t, st) // to be reported within the second
		closeState(t, st)
		s.take()
		time.Sleep(time.Minute)
		if n := s.take(); n > 0 {
			t.Errorf("%d reports after Close", n)
		}
		if found, err := s.Listeners(t.Context(), "/app/config"); err != nil || len(found) > 0 {
			t.Errorf("records after Close: %v, %v", found, err)
		}
	})
}

// TestIdleStatesHaveNoGoroutine: there are thousands of States, and each goroutine has a stack.
func TestIdleStatesHaveNoGoroutine(t *testing.T) {
	s := memstore.New()
	before := runtime.NumGoroutine()
	const n = 100
	writer := crowdOf(t, s, n)
	update(t, writer, zkstate.WaitAll())
	for more, deadline := runtime.NumGoroutine()-before, time.Now().Add(patience); more > 10; more = runtime.NumGoroutine() - before {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines of %d States", more, n)
		}
		time.Sleep(time.Millisecond)
	}
}

// TestReportsOnZooKeeper counts transactions: those of 120 listeners while a document
// changes 20 times a second are those of 50 listeners, not of 120.
func TestReportsOnZooKeeper(t *testing.T) {
	t.Parallel()
	server := zkserver.Standalone(t)
	writer := crowdOfHandles(t, server, 120)
	update(t, writer, zkstate.WaitAll())
	before, began := serverCounts(t, server), time.Now()
	const changes = 80
	for tick := range changes {
		update(t, writer)
		time.Sleep(time.Until(began.Add(time.Duration(tick+1) * 50 * time.Millisecond)))
	}
	spent, took := serverCounts(t, server).Since(before), time.Since(began)
	if most := changes + 70*took.Seconds(); float64(spent.Zxid) > most {
		t.Errorf("%d transactions for %d changes within %v, at most %.0f wanted", spent.Zxid, changes, took, most)
	}
}

// TestWaitAllCost: each listener reads the document once and writes its record once,
// and the waiter reads each record about once.
func TestWaitAllCost(t *testing.T) {
	t.Parallel()
	server := zkserver.Standalone(t)
	const n = 200
	writer := crowdOfHandles(t, server, n)
	update(t, writer, zkstate.WaitAll())
	for range 3 {
		before := serverCounts(t, server)
		update(t, writer, zkstate.WaitAll())
		spent := serverCounts(t, server).Since(before)
		if spent.Requests > 3*n+100 || spent.Zxid > n+50 {
			t.Errorf("%d requests and %d transactions for %d listeners", spent.Requests, spent.Zxid, n)
		}
	}
	watches := serverCounts(t, server).Watches
	update(t, writer, zkstate.WaitAll())
	(&env{T: t}).eventually("no watch stays behind", func() bool { return serverCounts(t, server).Watches <= watches })
}

// crowdOfHandles opens n States on eight handles.
func crowdOfHandles(t *testing.T, server *zkserver.Server, n int) (writer *zkstate.State[config]) {
	t.Helper()
	var opening sync.WaitGroup
	for i := range 8 {
		s := zkOn(t, 10*time.Second, server.Addr())
		opening.Go(func() {
			for range n / 8 {
				st, err := zkstate.Open(t.Context(), s, "/app/config", initial())
				if err != nil {
					t.Error(err)
					return
				}
				t.Cleanup(func() { closeState(t, st) })
				if i == 0 {
					writer = st
				}
			}
		})
	}
	opening.Wait()
	return writer
}

func serverCounts(t *testing.T, server *zkserver.Server) zkserver.Counts {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	counts, err := server.Counts(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

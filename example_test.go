package zkstate_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store/memstore"
)

// Watchlist is what the instances of the examples share.
type Watchlist struct {
	Processes []string `json:"processes"`
	Interval  int      `json:"interval"`
}

func ExampleOpen() {
	ctx := context.Background()
	st, err := zkstate.Open(ctx, memstore.New(), "/agents/watchlist", Watchlist{Interval: 5})
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()

	list, err := st.Read()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(list.Interval)
	// Output: 5
}

func ExampleExpect() {
	ctx := context.Background()
	s := memstore.New()
	go func() { // some other instance
		if st, err := zkstate.Open(ctx, s.Attach(), "/agents/watchlist", Watchlist{Interval: 7}); err == nil {
			defer st.Close()
		}
	}()
	patient, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	st, err := zkstate.Expect[Watchlist](patient, s, "/agents/watchlist")
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()
	list, err := st.Read()
	fmt.Println(list.Interval, err)
	// Output: 7 <nil>
}

func ExampleState_Read() {
	ctx := context.Background()
	st, err := zkstate.Open(ctx, memstore.New(), "/agents/watchlist", Watchlist{Interval: 5})
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()

	list, err := st.Read()
	switch {
	case err == nil:
		fmt.Println("every", list.Interval)
	case errors.Is(err, zkstate.ErrStale):
		fmt.Println("the store was out of reach for too long")
	case errors.Is(err, zkstate.ErrDeleted):
		fmt.Println("somebody deleted the list")
	}
	// Output: every 5
}

func ExampleState_ReadConsistent() {
	ctx := context.Background()
	s := memstore.New()
	st, err := zkstate.Open(ctx, s, "/agents/watchlist", Watchlist{})
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()
	other, err := zkstate.Open(ctx, s.Attach(), "/agents/watchlist", Watchlist{})
	if err != nil {
		log.Fatal(err)
	}
	defer other.Close()

	if _, err := other.Update(ctx, func(w *Watchlist) error { w.Interval = 9; return nil }); err != nil {
		log.Fatal(err)
	}
	list, version, err := st.ReadConsistent(ctx) // sees it, whether or not news of it has come
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(list.Interval)
	_, err = st.Update(ctx, func(w *Watchlist) error { w.Interval *= 2; return nil }, zkstate.IfVersion(version))
	fmt.Println(err)
	// Output:
	// 9
	// <nil>
}

func ExampleState_Snapshot() {
	ctx := context.Background()
	st, err := zkstate.Open(ctx, memstore.New(), "/agents/watchlist", Watchlist{Interval: 5})
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()
	snap, err := st.Snapshot()
	fmt.Println(snap.Value.Interval, snap.Fresh(), snap.Age() < time.Minute, err)
	// Output: 5 true true <nil>
}

func ExampleState_Update() {
	ctx := context.Background()
	st, err := zkstate.Open(ctx, memstore.New(), "/agents/watchlist", Watchlist{Processes: []string{"systemd*", "rsync*"}})
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()

	_, err = st.Update(ctx, func(w *Watchlist) error {
		w.Processes = append(w.Processes, "firefox*")
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	list, err := st.Read() // reads its own writes
	fmt.Println(list.Processes, err)
	// Output: [systemd* rsync* firefox*] <nil>
}

func ExampleIfVersion() {
	ctx := context.Background()
	st, err := zkstate.Open(ctx, memstore.New(), "/agents/watchlist", Watchlist{})
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()
	seen, err := st.Snapshot()
	if err != nil {
		log.Fatal(err)
	}
	faster := func(w *Watchlist) error { w.Interval++; return nil }
	_, err = st.Update(ctx, faster, zkstate.IfVersion(seen.Version))
	fmt.Println(err)
	_, err = st.Update(ctx, faster, zkstate.IfVersion(seen.Version))
	fmt.Println(errors.Is(err, zkstate.ErrConflict))
	// Output:
	// <nil>
	// true
}

func ExampleState_Watch() {
	ctx := context.Background()
	st, err := zkstate.Open(ctx, memstore.New(), "/agents/watchlist", Watchlist{Processes: []string{"systemd*", "rsync*"}})
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()

	events := 0
	for event, err := range st.Watch(ctx) {
		switch {
		case errors.Is(err, zkstate.ErrRejected):
			fmt.Println("going on with the last good list:", err)
		case errors.Is(err, zkstate.ErrDeleted):
			fmt.Println("somebody deleted the list")
		default:
			fmt.Println(event.Value.Processes, event.Changes.Changes)
		}
		if events++; events == 3 {
			break
		}
		if events == 1 {
			_, err = st.Update(ctx, func(w *Watchlist) error { w.Processes = append(w.Processes, "firefox*"); return nil })
		} else {
			err = st.Delete(ctx)
		}
		if err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// [systemd* rsync*] []
	// [systemd* rsync* firefox*] [+ /processes/2 "firefox*"]
	// somebody deleted the list
}

func ExampleState_Changes() {
	ctx := context.Background()
	st, err := zkstate.Open(ctx, memstore.New(), "/agents/watchlist", Watchlist{Processes: []string{"systemd*", "rsync*"}})
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()

	sets := st.Changes(ctx) // from here on
	if _, err := st.Update(ctx, func(w *Watchlist) error {
		w.Processes = append(w.Processes, "firefox*")
		w.Interval = 2
		return nil
	}); err != nil {
		log.Fatal(err)
	}
	for set := range sets {
		for _, change := range set.Changes {
			fmt.Println(change)
		}
		break
	}
	// Output:
	// ~ /interval 0 -> 2
	// + /processes/2 "firefox*"
}

func ExampleState_OnChange() {
	ctx := context.Background()
	st, err := zkstate.Open(ctx, memstore.New(), "/agents/watchlist", Watchlist{Interval: 1})
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()

	told := make(chan struct{})
	stop := st.OnChange(func(set zkstate.ChangeSet) {
		fmt.Println(set.Changes)
		close(told)
	})
	defer stop()
	if _, err := st.Update(ctx, func(w *Watchlist) error { w.Interval = 2; return nil }); err != nil {
		log.Fatal(err)
	}
	<-told
	// Output: [~ /interval 1 -> 2]
}

func ExampleState_Listeners() {
	ctx := context.Background()
	s := memstore.New()
	for _, id := range []string{"web-2", "web-1"} {
		st, err := zkstate.Open(ctx, s.Attach(), "/agents/watchlist", Watchlist{}, zkstate.WithID(id), zkstate.WithApp("web"))
		if err != nil {
			log.Fatal(err)
		}
		defer st.Close()
	}
	st, err := zkstate.Open(ctx, s, "/agents/watchlist", Watchlist{}, zkstate.Observer())
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()
	found, err := st.Listeners(ctx)
	for _, l := range found {
		fmt.Println(l.ID, l.App, l.Status)
	}
	fmt.Println(err)
	// Output:
	// web-1 web applied
	// web-2 web applied
	// <nil>
}

func ExampleState_Delete() {
	ctx := context.Background()
	st, err := zkstate.Open(ctx, memstore.New(), "/agents/watchlist", Watchlist{})
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()
	if err := st.Delete(ctx); err != nil {
		log.Fatal(err)
	}
	_, err = st.Read()
	fmt.Println(errors.Is(err, zkstate.ErrDeleted))
	// Output: true
}

func ExampleSelect() {
	ctx := context.Background()
	st, err := zkstate.Open(ctx, memstore.New(), "/agents/watchlist", Watchlist{Interval: 1})
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()

	intervals := zkstate.Select(ctx, st, func(w Watchlist) int { return w.Interval })
	if _, err := st.Update(ctx, func(w *Watchlist) error { w.Interval = 2; return nil }); err != nil {
		log.Fatal(err)
	}
	for interval := range intervals {
		fmt.Println("now every", interval)
		break
	}
	// Output: now every 2
}

func ExampleState_Update_exclusive() {
	ctx := context.Background()
	st, err := zkstate.Open(ctx, memstore.New(), "/agents/watchlist", Watchlist{})
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()
	_, err = st.Update(ctx, func(w *Watchlist) error {
		// No other exclusive update of this document runs now, anywhere.
		w.Processes = append(w.Processes, "cron*")
		return nil
	}, zkstate.Exclusive())
	fmt.Println(err)
	// Output: <nil>
}

func ExampleState_Lock() {
	ctx := context.Background()
	st, err := zkstate.Open(ctx, memstore.New(), "/agents/watchlist", Watchlist{Interval: 1})
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()

	l, err := st.Lock(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer l.Unlock(ctx)
	migrate := func(ctx context.Context) (interval int, err error) { return 60, ctx.Err() }
	interval, err := migrate(l.Context()) // which ends if the lock is lost
	if err != nil {
		log.Fatal(err)
	}
	_, err = l.Update(ctx, func(w *Watchlist) error { w.Interval = interval; return nil })
	if errors.Is(err, zkstate.ErrLockLost) {
		fmt.Println("nothing was written; somebody else may have migrated meanwhile")
	}
	fmt.Println(err)
	// Output: <nil>
}

func ExampleWaitAll() {
	ctx := context.Background()
	s := memstore.New()
	st, err := zkstate.Open(ctx, s, "/agents/watchlist", Watchlist{Interval: 1})
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()
	agent, err := zkstate.Open(ctx, s.Attach(), "/agents/watchlist", Watchlist{}, zkstate.WithID("agent-1"))
	if err != nil {
		log.Fatal(err)
	}
	defer agent.Close()

	_, err = st.Update(ctx, func(w *Watchlist) error { w.Interval = 5; return nil },
		zkstate.WaitAll(), zkstate.WaitTimeout(5*time.Second))
	var not *zkstate.NotAppliedError
	if errors.As(err, &not) {
		fmt.Println(len(not.Rejected), "reject it,", len(not.Silent), "are silent")
	}
	got, _ := agent.Read()
	fmt.Println(got.Interval, err)
	// Output: 5 <nil>
}

func ExampleState_History() {
	ctx := context.Background()
	st, err := zkstate.Open(ctx, memstore.New(), "/agents/watchlist", Watchlist{Interval: 1}, zkstate.WithHistory(100))
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()
	if _, err := st.Update(ctx, func(w *Watchlist) error { w.Interval = 60; return nil }, zkstate.WithReason("too much load")); err != nil {
		log.Fatal(err)
	}
	entries, err := st.History(ctx)
	if err != nil {
		log.Fatal(err)
	}
	last := entries[len(entries)-1]
	fmt.Println(last.Reason, last.Changes)
	if _, err := st.Rollback(ctx, entries[0].Version, zkstate.WithReason("it was the disk")); err != nil {
		log.Fatal(err)
	}
	now, _ := st.Read()
	fmt.Println(now.Interval)
	// Output:
	// too much load [~ /interval 1 -> 60]
	// 1
}

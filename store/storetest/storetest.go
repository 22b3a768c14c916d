// Package storetest is the conformance suite that every store passes, and the
// tools that tests of programs on top of a store need: fault injection and a
// linearizability check.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/zkstate/zkstate/store"
)

// Opener opens another handle on one set of data. The suite closes it.
type Opener func() store.Store

// patience bounds what a test waits for. It decides nothing when things work.
const patience = 30 * time.Second

// Run holds a backend to the comments of package store. fresh is called once per
// subtest and returns an opener on an empty set of data of its own.
func Run(t *testing.T, fresh func(t *testing.T) Opener) {
	suites := []struct {
		name string
		test func(*testing.T, *env)
	}{
		{"Create", testCreate},
		{"CreateMakesParents", testParents},
		{"LoadKnownSendsNoData", testKnown},
		{"PutComparesAndSets", testPut},
		{"VersionsHaveTags", testTags},
		{"TagsAreCompared", testForeignTag},
		{"Delete", testDelete},
		{"RecreationIsAnotherDocument", testRecreation},
		{"AbsenceHasAnOrder", testAbsence},
		{"RecreationIsNeverReplaced", testRecreationFollowed},
		{"CommitIsAtomic", testAtomic},
		{"BytesAreKept", testBytes},
		{"SizeLimit", testSizes},
		{"RefusesBadArguments", testArguments},
		{"LinearizableAcrossHandles", testAcrossHandles},
		{"HintsFollowCommits", testHints},
		{"HintsAreMerged", testHintsMerged},
		{"Confirmed", testConfirmed},
		{"ConfirmedIsLinearizable", testConfirmedIsLinearizable},
		{"Listeners", testListeners},
		{"ListenerIDsAreOwned", testListenerOwnership},
		{"WatchListeners", testWatchListeners},
		{"WatchListenersEndsWithTheHandle", testWatchListenersClosed},
		{"Awaited", testAwaited},
		{"WithdrawingGoesOn", testWithdrawingGoesOn},
		{"Lock", testLock},
		{"LockIsAQueue", testQueue},
		{"LockIsLostWithItsHandle", testLockLost},
		{"LockGivenUpIsNotLost", testGivenUpIsNotLost},
		{"QueueIsShown", testShownQueue},
		{"LockCanBeBroken", testBreakLock},
		{"CommitUnderLock", testHold},
		{"CommitWithReceipt", testReceipt},
		{"Journal", testJournal},
		{"JournalIsContended", testJournalContended},
		{"JournalIsComplete", testJournalComplete},
		{"EntryComesWithItsCommit", testEntryComes},
		{"Stat", testStat},
		{"List", testList},
		{"ListAcrossHandles", testListAcrossHandles},
		{"Ping", testPing},
		{"CloseWithdraws", testCloseWithdraws},
		{"ClosedRefuses", testClosed},
		{"EndedContext", testContext},
		{"Status", testStatus},
		{"ContendedIncrements", testContended},
		{"HistoryIsLinearizable", testHistory},
	}
	for _, suite := range suites {
		t.Run(suite.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
			defer cancel()
			suite.test(t, &env{t: t, ctx: ctx, open: fresh(t)})
		})
	}
}

// env is what a conformance test works with.
type env struct {
	t    *testing.T
	ctx  context.Context
	open Opener
}

func (e *env) handle() store.Store {
	e.t.Helper()
	s := e.open()
	e.t.Cleanup(func() {
		if err := s.Close(); err != nil {
			e.t.Errorf("close: %v", err)
		}
	})
	return s
}

func (e *env) create(s store.Store, path, data string) store.Version {
	e.t.Helper()
	return e.commit(s, store.Create{Path: path, Data: []byte(data)})
}

func (e *env) put(s store.Store, path string, base store.Version, data string) store.Version {
	e.t.Helper()
	return e.commit(s, store.Put{Path: path, Base: base, Data: []byte(data)})
}

func (e *env) commit(s store.Store, op store.Op) store.Version {
	e.t.Helper()
	versions, err := s.Commit(e.ctx, op)
	if err != nil {
		e.t.Fatalf("commit %T: %v", op, err)
	}
	if len(versions) != 1 {
		e.t.Fatalf("commit of one operation gave %d versions", len(versions))
	}
	return versions[0]
}

func (e *env) load(s store.Store, path string) store.Record {
	e.t.Helper()
	rec, err := s.Load(e.ctx, path, store.Version{}, store.Linearizable)
	if err != nil {
		e.t.Fatalf("load %s: %v", path, err)
	}
	return rec
}

func (e *env) wantData(s store.Store, path, want string) store.Version {
	e.t.Helper()
	rec := e.load(s, path)
	if string(rec.Data) != want {
		e.t.Fatalf("%s holds %.60q, want %.60q", path, rec.Data, want)
	}
	return rec.Version
}

func (e *env) wantErr(err, want error) {
	e.t.Helper()
	if !errors.Is(err, want) {
		e.t.Fatalf("error is %v, want one that matches %q", err, want)
	}
}

func (e *env) wantListeners(s store.Store, path string, want ...string) {
	e.t.Helper()
	found, err := s.Listeners(e.ctx, path)
	if err != nil {
		e.t.Fatalf("listeners of %s: %v", path, err)
	}
	var got []string
	for _, l := range found {
		if l.Err != nil {
			e.t.Fatalf("listener %s of %s: %v", l.ID, path, l.Err)
		}
		got = append(got, l.ID+"="+string(l.Data))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		e.t.Fatalf("listeners of %s are %v, want %v", path, got, want)
	}
}

// eventually repeats try until it gives no error.
func (e *env) eventually(what string, try func() error) {
	e.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for err := try(); err != nil; err = try() {
		select {
		case <-tick.C:
		case <-deadline:
			e.t.Fatalf("not within %v: %s: %v", patience, what, err)
		}
	}
}

// wantHint waits for a hint.
func (e *env) wantHint(hints <-chan struct{}, why string) {
	e.t.Helper()
	select {
	case <-hints:
	case <-time.After(patience):
		e.t.Fatalf("no hint %s", why)
	}
}

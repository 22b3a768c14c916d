package zkstate_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
)

// restorable is a store whose whole content can be replaced, as by restoring a backup.
type restorable struct {
	store.Store
	now atomic.Pointer[memstore.Store]
}

func (r *restorable) Load(ctx context.Context, path string, known store.Version, mode store.Consistency) (store.Record, error) {
	return r.now.Load().Load(ctx, path, known, mode)
}

func (r *restorable) Commit(ctx context.Context, ops ...store.Op) ([]store.Version, error) {
	return r.now.Load().Commit(ctx, ops...)
}

// TestHistoryIsReplaced: the store is wiped, and filled again with fewer commits than
// before, as many, more, or later, while a State is open. It follows within a refresh, says
// so once, and an update runs on what is there.
func TestHistoryIsReplaced(t *testing.T) {
	for name, commits := range map[string]int{"fewer": 2, "as many": 5, "more": 8, "none": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				first := memstore.New()
				s := &restorable{Store: unconfirming{first}}
				s.now.Store(first)
				st, err := zkstate.Open(t.Context(), s, "/app/config", initial())
				if err != nil {
					t.Fatal(err)
				}
				for range 4 {
					if _, err := st.Update(t.Context(), bump); err != nil {
						t.Fatal(err)
					}
				}
				sets := st.Changes(t.Context())
				before, _ := st.Snapshot()

				other := memstore.New()
				if name != "as many" { // which has the same numbers
					if _, err := other.Commit(t.Context(), store.Create{Path: "/other"}); err != nil {
						t.Fatal(err)
					}
				}
				if commits > 0 {
					writer, err := zkstate.Open(t.Context(), other.Attach(), "/app/config", config{Interval: 100})
					if err != nil {
						t.Fatal(err)
					}
					for range commits - 1 {
						if _, err := writer.Update(t.Context(), bump); err != nil {
							t.Fatal(err)
						}
					}
					closeState(t, writer)
				}
				s.now.Store(other)
				time.Sleep(2 * zkstate.DefaultRefresh)
				if commits == 0 {
					if _, err := st.Read(); err == nil {
						t.Error("a document is read that is not there")
					}
					writer, err := zkstate.Open(t.Context(), other.Attach(), "/app/config", config{Interval: 100})
					if err != nil {
						t.Fatal(err)
					}
					closeState(t, writer)
					time.Sleep(2 * zkstate.DefaultRefresh)
				}
				if after, _ := st.Snapshot(); name == "as many" && after.Version.WithTag(0) != before.Version.WithTag(0) {
					t.Errorf("%v has not the numbers of %v", after.Version, before.Version)
				}
				if got, err := st.Read(); err != nil || got.Interval < 100 {
					t.Errorf("after %v it reads %+v, %v", before.Version, got, err)
				}
				for set := range sets {
					if !set.Replaced || set.From != before.Version {
						t.Errorf("%+v", set)
					}
					break
				}
				want := 101 + max(commits, 1) - 1
				if _, err := st.Update(t.Context(), bump); err != nil {
					t.Error(err)
				}
				if got, _, err := st.ReadConsistent(t.Context()); err != nil || got.Interval != want {
					t.Errorf("one more is %+v, %v", got, err)
				}
				for set := range sets {
					if set.Replaced {
						t.Errorf("said twice: %+v", set)
					}
					break
				}
				closeState(t, st)
			})
		})
	}
}

// lying is a store that acknowledges a commit, once, at a version that never was.
type lying struct {
	store.Store
	lies atomic.Int64
}

func (l *lying) Commit(ctx context.Context, ops ...store.Op) ([]store.Version, error) {
	if put, ok := ops[0].(store.Put); ok && l.lies.Add(-1) >= 0 {
		versions := make([]store.Version, len(ops))
		versions[0] = store.NewVersion(put.Base.Created(), put.Base.Order()+1000, put.Base.Counter()+1)
		return versions, nil
	}
	return l.Store.Commit(ctx, ops...)
}

// TestAVersionThatNeverWas: whatever a State has come to believe, the next answer of the
// quorum puts it right. Updates do not wait for the refresh.
func TestAVersionThatNeverWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &lying{Store: memstore.New()}
		st, err := zkstate.Open(t.Context(), s, "/app/config", initial())
		if err != nil {
			t.Fatal(err)
		}
		s.lies.Store(1)
		if _, err := st.Update(t.Context(), set(50)); err != nil { // so says the store
			t.Fatal(err)
		}
		began := time.Now()
		if _, err := st.Update(t.Context(), bump); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > zkstate.DefaultRefresh/4 {
			t.Errorf("the next update took %v", took)
		}
		if got, _, err := st.ReadConsistent(t.Context()); err != nil || got.Interval != 2 {
			t.Errorf("%+v, %v", got, err)
		}
		closeState(t, st)
	})
}

// late is a store that can hold back the answer of one load.
type late struct {
	store.Store
	hold atomic.Pointer[chan struct{}]
}

func (l *late) Load(ctx context.Context, path string, known store.Version, mode store.Consistency) (store.Record, error) {
	rec, err := l.Store.Load(ctx, path, known, mode)
	if release := l.hold.Swap(nil); release != nil {
		<-*release
	}
	return rec, err
}

// TestLateAnswersAfterADeletion: an answer from before a deletion comes after it. It
// neither brings the document back nor hides the deletion from a later consistent read.
func TestLateAnswersAfterADeletion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := memstore.New()
		s := &late{Store: mem.Attach()}
		st, err := zkstate.Open(t.Context(), s, "/app/config", initial())
		if err != nil {
			t.Fatal(err)
		}
		writer, err := zkstate.Open(t.Context(), mem.Attach(), "/app/config", initial())
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		release := make(chan struct{})
		s.hold.Store(&release)
		if _, err := writer.Update(t.Context(), bump); err != nil { // the follower's look is held back
			t.Fatal(err)
		}
		synctest.Wait()
		if err := writer.Delete(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, _, err := st.ReadConsistent(t.Context()); err == nil {
			t.Error("a deleted document is read")
		}
		close(release)
		synctest.Wait()
		if _, err := st.Read(); err == nil {
			t.Error("a late answer brought the document back")
		}
		if _, _, err := st.ReadConsistent(t.Context()); err == nil {
			t.Error("a deleted document is read after a late answer")
		}
		closeState(t, writer)
		closeState(t, st)
	})
}

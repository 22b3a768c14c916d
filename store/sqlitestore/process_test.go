package sqlitestore_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/storetest"
)

func TestProcessesCountTogether(t *testing.T) {
	file := tempFile(t)
	s := open(t, file)
	create(t, s, "/counter", "0")
	const processes, each = 3, 150
	begun := time.Now()
	var children []*child
	for range processes {
		children = append(children, spawn(t, "increment", file, strconv.Itoa(each)))
	}
	for range each {
		if err := increment(t.Context(), s, "/counter"); err != nil {
			t.Fatal(err)
		}
	}
	var slowest []string
	for _, c := range children {
		slowest = append(slowest, c.line())
		c.finish()
	}
	const total = (processes + 1) * each
	rec := load(t, s, "/counter")
	if string(rec.Data) != strconv.Itoa(total) || rec.Version.Counter() != total {
		t.Fatalf("%d increments were acknowledged, the counter is %s at %v", total, rec.Data, rec.Version)
	}
	t.Logf("%d increments by %d processes in %v, the slowest of each took µs %v",
		total, processes+1, time.Since(begun), slowest)
}

// The last handle that closes puts the log away, while the next one opens.
func TestProcessesComeAndGo(t *testing.T) {
	file := tempFile(t)
	s := open(t, file)
	create(t, s, "/counter", "0")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	const each = 40
	children := []*child{
		spawn(t, "comeandgo", file, strconv.Itoa(each)), spawn(t, "comeandgo", file, strconv.Itoa(each)),
	}
	for _, c := range children {
		c.finish()
	}
	s = open(t, file)
	if got := string(load(t, s, "/counter").Data); got != strconv.Itoa(2*each) {
		t.Fatalf("counter is %s, want %d", got, 2*each)
	}
	wantListeners(t, s, "/counter")
	if left := lockFiles(t, file); len(left) != 0 {
		t.Errorf("lock files left: %v", left)
	}
}

// Whatever was acknowledged survives kill -9 at any moment, both documents of a
// commit together, and a reader never sees anything torn.
func TestKilledWriters(t *testing.T) {
	file := tempFile(t)
	s := open(t, file)
	_, err := s.Commit(t.Context(),
		store.Create{Path: "/left", Data: newPayload(0)}, store.Create{Path: "/right", Data: newPayload(0)})
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		for last := 0; ; {
			select {
			case <-stop:
				return
			default:
			}
			rec, err := s.Load(t.Context(), "/right", store.Version{}, store.Local)
			if err != nil {
				t.Error(err)
				return
			}
			n, err := checkPayload(rec.Data)
			if err != nil || n < last {
				t.Errorf("reader: %d after %d, %v", n, last, err)
				return
			}
			last = n
		}
	})
	acknowledged := 0
	for range 15 {
		acknowledged = killWriter(t, file, acknowledged)
		left, err1 := checkPayload(load(t, s, "/left").Data)
		right, err2 := checkPayload(load(t, s, "/right").Data)
		if err1 != nil || err2 != nil || left != right || left < acknowledged || left > acknowledged+1 {
			t.Fatalf("acknowledged %d, found %d (%v) and %d (%v)", acknowledged, left, err1, right, err2)
		}
		acknowledged = left
	}
	close(stop)
	reader.Wait()
	wantListeners(t, s, "/left")
	if got := integrity(t, file); got != "ok" {
		t.Fatal(got)
	}
	t.Logf("%d commits acknowledged in 15 lives", acknowledged)
}

// killWriter lets a writer work for a random while and returns the last number
// that it acknowledged.
func killWriter(t *testing.T, file string, last int) int {
	c := spawn(t, "write", file)
	note := func(line string) {
		n, err := strconv.Atoi(line)
		if err != nil || n != last+1 {
			t.Fatalf("writer says %q after %d", line, last)
		}
		last = n
	}
	for range 1 + rand.IntN(20) {
		note(c.line())
	}
	time.Sleep(rand.N(4 * time.Millisecond)) // not to wait for anything: to hit any point of a commit
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for c.out.Scan() {
		note(c.out.Text())
	}
	c.kill()
	return last
}

func integrity(t *testing.T, file string) (result string) {
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&result); err != nil {
		t.Fatal(err)
	}
	return result
}

func TestKilledListenerVanishes(t *testing.T) {
	file := tempFile(t)
	s := open(t, file)
	c := spawn(t, "announce", file, "a")
	c.want("announced")
	wantListeners(t, s, "/doc", "a=child")
	wantErr(t, s.Announce(t.Context(), "/doc", "a", []byte("me")), store.ErrTaken, "/doc", file)
	wantListeners(t, s, "/doc", "a=child")

	c.kill()
	wantListeners(t, s, "/doc")
	if err := s.Announce(t.Context(), "/doc", "a", []byte("me")); err != nil {
		t.Fatalf("take over from the dead: %v", err)
	}
	wantListeners(t, s, "/doc", "a=me")

	other := spawn(t, "announce", file, "a")
	other.want("exists")
	other.finish()
	wantListeners(t, s, "/doc", "a=me")
}

// Who holds the lock dies, and so does the next in the queue; who is behind them has
// been waiting already, and gets it.
func TestKilledHolderOfTheLock(t *testing.T) {
	file := tempFile(t)
	s := open(t, file)
	create(t, s, "/doc", "0")
	holder := spawn(t, "lock", file, "holder")
	holder.want("locked")
	next := spawn(t, "lock", file, "next")
	awaitRows(t, file, 2)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	locked := make(chan error, 1)
	go func() {
		lock, err := s.Lock(ctx, "/doc", "me")
		if err == nil {
			err = lock.Unlock(ctx)
		}
		locked <- err
	}()
	awaitRows(t, file, 3)
	next.kill()
	holder.kill()
	if err := <-locked; err != nil {
		t.Fatal(err)
	}
	awaitRows(t, file, 0)
}

// awaitRows waits until so many have a place in a queue.
func awaitRows(t *testing.T, file string, n int) {
	t.Helper()
	for deadline := time.Now().Add(patience); rows(t, file, "SELECT count(*) FROM writers") != n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %d places in the queue", patience, n)
		}
	}
}

// What a dead process left is removed by the next one that announces.
func TestDeadAreRemoved(t *testing.T) {
	file := tempFile(t)
	for _, id := range []string{"a", "b"} {
		c := spawn(t, "announce", file, id)
		c.want("announced")
		c.kill()
	}
	if n := len(lockFiles(t, file)); n == 0 {
		t.Fatal("the dead left nothing, so this tests nothing")
	}
	s := open(t, file)
	if err := s.Announce(t.Context(), "/elsewhere", "c", nil); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(patience) // the poller of the handle may be the one that removes them
	for len(lockFiles(t, file)) != 1 || rows(t, file, "SELECT count(*) FROM listeners") != 1 {
		if time.Now().After(deadline) {
			t.Fatalf("lock files %v, %d rows, want one of each", lockFiles(t, file), rows(t, file, "SELECT count(*) FROM listeners"))
		}
		time.Sleep(time.Millisecond)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if files := lockFiles(t, file); len(files) != 0 {
		t.Errorf("lock files %v after Close", files)
	}
	if n := rows(t, file, "SELECT count(*) FROM listeners"); n != 0 {
		t.Errorf("%d rows after Close", n)
	}
}

func lockFiles(t *testing.T, file string) []string {
	t.Helper()
	files, err := filepath.Glob(file + ".sessions/*")
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func rows(t *testing.T, file, query string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestOthersCommitsAreNoticed(t *testing.T) {
	file := tempFile(t)
	s := open(t, file)
	create(t, s, "/counter", "0")
	w := storetest.NewWatch(s, "/counter", time.Second)
	hints, stop := w.Hints, w.Stop
	defer stop()
	c := spawn(t, "put", file)
	var fromBegin, fromEnd, commits []time.Duration
	for i := range 60 {
		// Some come in a row, some after a pause that lets everything idle.
		if i%20 == 0 {
			time.Sleep(300 * time.Millisecond)
		}
		c.say("go")
		var seen time.Time
		waitFor(t, hints, func() bool {
			seen = time.Now()
			return string(load(t, s, "/counter").Data) == strconv.Itoa(i+1)
		})
		var before, after int64
		if _, err := fmt.Sscan(c.line(), &before, &after); err != nil {
			t.Fatal(err)
		}
		commits = append(commits, time.UnixMicro(after).Sub(time.UnixMicro(before)))
		fromBegin = append(fromBegin, seen.Sub(time.UnixMicro(before)))
		fromEnd = append(fromEnd, seen.Sub(time.UnixMicro(after)))
	}
	c.finish()
	for _, d := range [][]time.Duration{commits, fromBegin, fromEnd} {
		slices.Sort(d)
	}
	at := func(d []time.Duration) string {
		return fmt.Sprintf("median %v, worst %v", d[len(d)/2], d[len(d)-1])
	}
	t.Logf("load and commit: %s; hint after it began: %s; after it returned: %s",
		at(commits), at(fromBegin), at(fromEnd))
}

func TestHandleThatLooksWritesNothing(t *testing.T) {
	file := tempFile(t)
	writer := open(t, file)
	version := create(t, writer, "/doc", "{}")
	before := rows(t, file, "SELECT sequence FROM meta")

	looker := open(t, file)
	w := storetest.NewWatch(looker, "/doc", time.Second)
	hints, stop := w.Hints, w.Stop
	defer stop()
	load(t, looker, "/doc")
	wantListeners(t, looker, "/doc")
	if _, err := os.Stat(file + ".sessions"); !os.IsNotExist(err) {
		t.Errorf("a handle that looks made %s.sessions: %v", file, err)
	}
	if after := rows(t, file, "SELECT sequence FROM meta"); after != before {
		t.Errorf("sequence moved from %d to %d", before, after)
	}
	if _, err := writer.Commit(t.Context(), store.Delete{Path: "/doc", Base: version}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, hints, func() bool {
		_, err := looker.Load(t.Context(), "/doc", store.Version{}, store.Local)
		return err != nil
	})
}

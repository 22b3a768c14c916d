package storetest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/zkstate/zkstate/store"
)

func testCreate(t *testing.T, e *env) {
	s := e.handle()
	_, err := s.Load(e.ctx, "/a", store.Version{}, store.Local)
	e.wantErr(err, store.ErrNotFound)
	v := e.create(s, "/a", `{"x":1}`)
	rec := e.load(s, "/a")
	if rec.Version != v || string(rec.Data) != `{"x":1}` || rec.Time.IsZero() {
		t.Fatalf("loaded %v %q %v after creating %v", rec.Version, rec.Data, rec.Time, v)
	}
	if v.Counter() != 0 || v.IsZero() {
		t.Fatalf("a new document is at %v, counter %d", v, v.Counter())
	}
	_, err = s.Commit(e.ctx, store.Create{Path: "/a", Data: []byte("other")})
	e.wantErr(err, store.ErrExists)
	e.wantData(s, "/a", `{"x":1}`)
}

func testParents(_ *testing.T, e *env) {
	s := e.handle()
	e.create(s, "/deep/er/doc", "1")
	e.create(s, "/deep/er", "2") // a parent can be a document too
	e.wantData(s, "/deep/er/doc", "1")
	e.wantData(s, "/deep/er", "2")
	_, err := s.Load(e.ctx, "/deep", store.Version{}, store.Local)
	e.wantErr(err, store.ErrNotFound) // a mere parent is no document
}

func testKnown(t *testing.T, e *env) {
	s := e.handle()
	v := e.create(s, "/a", "1")
	for _, mode := range []store.Consistency{store.Local, store.Linearizable, store.Creating} {
		rec, err := s.Load(e.ctx, "/a", v, mode)
		if err != nil || rec.Version != v || rec.Data != nil {
			t.Fatalf("load of the known version: %v %q, %v", rec.Version, rec.Data, err)
		}
	}
	w := e.put(s, "/a", v, "2")
	rec, err := s.Load(e.ctx, "/a", v, store.Local)
	if err != nil || rec.Version != w || string(rec.Data) != "2" {
		t.Fatalf("load after a change: %v %q, %v", rec.Version, rec.Data, err)
	}
}

func testPut(t *testing.T, e *env) {
	s, other := e.handle(), e.handle()
	v0 := e.create(s, "/a", "0")
	v1 := e.put(other, "/a", v0, "1")
	if !v0.Before(v1) || v1.Before(v0) || v1.Counter() != 1 || v1.Since(v0) != 1 || v1.Created() != v0.Created() {
		t.Fatalf("versions %v, then %v", v0, v1)
	}
	_, err := s.Commit(e.ctx, store.Put{Path: "/a", Base: v0, Data: []byte("lost")})
	e.wantErr(err, store.ErrConflict)
	if got := e.wantData(s, "/a", "1"); got != v1 {
		t.Fatalf("version %v, want %v", got, v1)
	}
	_, err = s.Commit(e.ctx, store.Put{Path: "/none", Base: v1, Data: []byte("x")})
	e.wantErr(err, store.ErrNotFound)
}

func testDelete(t *testing.T, e *env) {
	s, other := e.handle(), e.handle()
	v0 := e.create(s, "/a/b", "0")
	v1 := e.put(s, "/a/b", v0, "1")
	_, err := other.Commit(e.ctx, store.Delete{Path: "/a/b", Base: v0})
	e.wantErr(err, store.ErrConflict)
	if v := e.commit(other, store.Delete{Path: "/a/b", Base: v1}); !v.IsZero() {
		t.Fatalf("a deletion gave version %v", v)
	}
	_, err = s.Load(e.ctx, "/a/b", v1, store.Linearizable)
	e.wantErr(err, store.ErrNotFound)
	_, err = s.Commit(e.ctx, store.Delete{Path: "/a/b", Base: v1})
	e.wantErr(err, store.ErrNotFound)
}

// testRecreation is the ABA problem: the counter of a recreated document is what
// it was before.
func testRecreation(t *testing.T, e *env) {
	s, other := e.handle(), e.handle()
	old := e.create(s, "/a", "first")
	for i := range 10 {
		e.commit(other, store.Delete{Path: "/a", Base: old})
		now := e.create(other, "/a", fmt.Sprint("again ", i))
		if now == old || !old.Before(now) || now.Created() == old.Created() || now.Counter() != old.Counter() {
			t.Fatalf("recreated at %v after %v", now, old)
		}
		rec, err := s.Load(e.ctx, "/a", old, store.Linearizable)
		if err != nil || rec.Version != now || rec.Data == nil {
			t.Fatalf("load knowing %v gave %v %q, %v", old, rec.Version, rec.Data, err)
		}
		_, err = s.Commit(e.ctx, store.Put{Path: "/a", Base: old, Data: []byte("blind")})
		e.wantErr(err, store.ErrConflict)
		_, err = s.Commit(e.ctx, store.Delete{Path: "/a", Base: old})
		e.wantErr(err, store.ErrConflict)
		e.wantData(s, "/a", fmt.Sprint("again ", i))
		old = now
	}
}

// testRecreationFollowed has a handle that follows a document, which another deletes
// and makes again. Whatever the handle knows by then, it never replaces the new one by
// what was made of the old one, and never says so.
func testRecreationFollowed(t *testing.T, e *env) {
	s, other := e.handle(), e.handle()
	stop := s.Watch("/a", time.Second, func() {}).Stop
	defer stop()
	now := e.create(other, "/a", "first")
	if err := s.Announce(e.ctx, "/a", "me", nil); err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		e.eventually("the handle has the document", func() error {
			rec, err := s.Load(e.ctx, "/a", store.Version{}, store.Local)
			if err == nil && rec.Version != now {
				err = fmt.Errorf("it has %v, stored is %v", rec.Version, now)
			}
			return err
		})
		old, data := now, fmt.Sprint("again ", i)
		e.commit(other, store.Delete{Path: "/a", Base: old})
		now = e.create(other, "/a", data)
		blind := []store.Op{store.Put{Path: "/a", Base: old, Data: []byte("blind")}, store.Receipt{Path: "/a", ID: "me", Data: fmt.Append(nil, i)}}
		if i%3 == 0 {
			blind[0] = store.Delete{Path: "/a", Base: old}
		}
		_, err := s.Commit(e.ctx, blind...)
		e.wantErr(err, store.ErrConflict)
		if got := e.wantData(other, "/a", data); got != now {
			t.Fatalf("stored is %v, want %v", got, now)
		}
	}
}

func testAtomic(t *testing.T, e *env) {
	s := e.handle()
	a, b := e.create(s, "/a", "a0"), e.create(s, "/b", "b0")
	b1 := e.put(s, "/b", b, "b1")
	for _, second := range []store.Op{
		store.Put{Path: "/b", Base: b, Data: []byte("stale")},
		store.Create{Path: "/b", Data: []byte("there")},
		store.Delete{Path: "/none", Base: b},
	} {
		if _, err := s.Commit(e.ctx, store.Put{Path: "/a", Base: a, Data: []byte("half")}, second); err == nil {
			t.Fatalf("a set with %T that cannot be applied was", second)
		}
		e.wantData(s, "/a", "a0")
	}
	versions, err := s.Commit(e.ctx,
		store.Put{Path: "/a", Base: a, Data: []byte("a1")},
		store.Delete{Path: "/b", Base: b1},
		store.Create{Path: "/c/d", Data: []byte("c0")})
	if err != nil {
		t.Fatal(err)
	}
	if got := e.wantData(s, "/a", "a1"); got != versions[0] {
		t.Fatalf("/a is at %v, the commit said %v", got, versions[0])
	}
	if got := e.wantData(s, "/c/d", "c0"); got != versions[2] || !versions[1].IsZero() {
		t.Fatalf("/c/d is at %v, the commit said %v", got, versions)
	}
	_, err = s.Load(e.ctx, "/b", store.Version{}, store.Local)
	e.wantErr(err, store.ErrNotFound)
}

func testBytes(t *testing.T, e *env) {
	s := e.handle()
	for i, data := range []string{"", "null", "{ \"a\" : 1 }\n", "\x00\xff not JSON", strings.Repeat("ü", 100_000)} {
		path := fmt.Sprint("/doc", i)
		buf := []byte(data)
		v := e.commit(s, store.Create{Path: path, Data: buf})
		for j := range buf {
			buf[j] = '!' // the store keeps no reference to the caller's bytes
		}
		rec := e.load(s, path)
		if rec.Data == nil || string(rec.Data) != data {
			t.Fatalf("document %d came back different: %.40q", i, rec.Data)
		}
		for j := range rec.Data {
			rec.Data[j] = '!' // nor does it lend its own
		}
		e.wantData(s, path, data)
		e.put(s, path, v, "")
		e.wantData(s, path, "")
	}
}

func testSizes(t *testing.T, e *env) {
	s := e.handle()
	v := e.create(s, "/a", "small")
	fits := bytes.Repeat([]byte("x"), store.MaxCommit-1024)
	v = e.commit(s, store.Put{Path: "/a", Base: v, Data: fits})
	for _, size := range []int{store.MaxCommit, store.MaxCommit + 1, 1_048_576, 1_572_822, 2 << 20} {
		_, err := s.Commit(e.ctx, store.Put{Path: "/a", Base: v, Data: bytes.Repeat([]byte("y"), size)})
		e.wantErr(err, store.ErrTooLarge)
	}
	half := bytes.Repeat([]byte("z"), store.MaxCommit/2)
	_, err := s.Commit(e.ctx, store.Create{Path: "/b", Data: half}, store.Create{Path: "/c", Data: half})
	e.wantErr(err, store.ErrTooLarge) // the limit is on the whole set
	rec := e.load(s, "/a")
	if rec.Version != v || !bytes.Equal(rec.Data, fits) {
		t.Fatal("a refused commit left a trace")
	}
	e.put(s, "/a", v, "still usable")
}

func testArguments(t *testing.T, e *env) {
	s := e.handle()
	v := e.create(s, "/a", "1")
	for _, path := range []string{"", "a", "/", "/a/", "//a", "/a//b", "/a/../b", "/./a", "/zookeeper", "/zookeeper/quota", "/a\x00b", "/\ufffe", "/\xff", "/" + strings.Repeat("x", 2000)} {
		_, err := s.Load(e.ctx, path, store.Version{}, store.Local)
		e.wantErr(err, store.ErrInvalidPath)
		_, err = s.Commit(e.ctx, store.Create{Path: path})
		e.wantErr(err, store.ErrInvalidPath)
		e.wantErr(s.Announce(e.ctx, path, "id", nil), store.ErrInvalidPath)
		_, err = s.Listeners(e.ctx, path)
		e.wantErr(err, store.ErrInvalidPath)
	}
	for _, id := range []string{"", ".", "..", "a/b", "a b", "ü", strings.Repeat("x", 129)} {
		e.wantErr(s.Announce(e.ctx, "/a", id, nil), store.ErrInvalidID)
	}
	for _, op := range []store.Op{
		store.Put{Path: "/a", Data: []byte("no base")},
		store.Delete{Path: "/a"},
		store.Put{Path: "/a", Base: store.NewVersion(v.Created(), v.Order(), -1), Data: []byte("any")},
	} {
		_, err := s.Commit(e.ctx, op)
		e.wantErr(err, store.ErrConflict)
	}
	if _, err := s.Commit(e.ctx); err == nil {
		t.Fatal("a commit of nothing succeeded")
	}
	if _, err := s.Commit(e.ctx, store.Put{Path: "/a", Base: v}, store.Delete{Path: "/a", Base: v}); err == nil {
		t.Fatal("two operations on one document succeeded")
	}
	e.wantData(s, "/a", "1")
}

func testAcrossHandles(t *testing.T, e *env) {
	writer, reader := e.handle(), e.handle()
	v := e.create(writer, "/a", "0")
	for i := range 50 {
		data := fmt.Sprint(i + 1)
		v = e.put(writer, "/a", v, data)
		if got := e.wantData(reader, "/a", data); got != v {
			t.Fatalf("read %v after %v was committed", got, v)
		}
	}
}

// testAbsence has a document come and go. As far as a backend says as of which point
// an answer is true, that lies between the commits before and after it.
func testAbsence(t *testing.T, e *env) {
	s, other := e.handle(), e.handle()
	last := int64(0)
	absent := func() {
		rec, err := other.Load(e.ctx, "/doc", store.Version{}, store.Linearizable)
		e.wantErr(err, store.ErrNotFound)
		if !rec.Version.IsZero() || rec.Data != nil || rec.AsOf != 0 && rec.AsOf <= last {
			t.Fatalf("absent as of %d after the version of %d: %+v", rec.AsOf, last, rec)
		}
		last = max(last, rec.AsOf)
	}
	e.create(s, "/other", "1")
	for range 3 {
		v := e.create(s, "/doc", "1")
		if v.Order() <= last {
			t.Fatalf("created at %d, absent as of %d", v.Order(), last)
		}
		v = e.put(s, "/doc", v, "2")
		last = v.Order()
		rec := e.load(other, "/doc")
		if rec.AsOf != 0 && rec.AsOf < last {
			t.Fatalf("at %d as of %d", last, rec.AsOf)
		}
		e.commit(s, store.Delete{Path: "/doc", Base: v})
		absent()
	}
}

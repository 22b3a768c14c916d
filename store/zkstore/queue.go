package zkstore

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/zkstate/zkstate/store"
)

// latchPrefix begins the names in a queue, as in the Rust crate, whose places and
// ours form one queue in the order of their sequence numbers. Names of any other
// form are not places.
const latchPrefix = "latch-"

// join creates the znode if there is none.
func (l *latch) join(ctx context.Context) error {
	conn := l.store.conn
	if l.astray {
		if err := l.sweep(ctx); err != nil {
			return err
		}
		l.astray = false
	}
	for attempt := 0; l.name == ""; attempt++ {
		session := conn.session()
		// Until the client has answered, nobody can know what to clean up.
		full, err := call(conn.ctx, conn, func(c *zk.Conn) (string, error) {
			return c.Create(l.full(l.prefix), thisProcess(), zk.FlagEphemeralSequential, l.store.acl)
		})
		switch {
		case errors.Is(err, zk.ErrNoNode) && attempt < 3: // the server removes empty containers
			if err := l.ensureQueue(ctx); err != nil {
				return err
			}
		case err != nil:
			l.astray = classify(err) == unknown
			return err
		case conn.session() != session: // whose it is cannot be told
			l.astray = true
			return zk.ErrSessionMoved
		default:
			l.name, l.session = full[strings.LastIndexByte(full, '/')+1:], session
		}
	}
	return nil
}

// ensureQueue makes the folder as a container, which the server removes when it is
// empty.
func (l *latch) ensureQueue(ctx context.Context) error {
	if err := l.store.ensure(ctx, l.store.folder(l.path)); err != nil {
		return err
	}
	_, err := call(ctx, l.store.conn, func(c *zk.Conn) (string, error) {
		return c.CreateContainer(l.store.queue(l.path), nil, zk.FlagContainer, l.store.acl)
	})
	if errors.Is(err, zk.ErrNodeExists) {
		return nil
	}
	return err
}

// ahead returns the place before this one, "" if this is the first. A place that
// was lost is forgotten, and another one to be taken, at the end.
func (l *latch) ahead(ctx context.Context) (string, error) {
	names, err := l.places(ctx)
	if err != nil {
		return "", err
	}
	at := slices.Index(names, l.name)
	switch {
	case at < 0 || l.store.conn.session() != l.session:
		l.name = ""
		return "", zk.ErrSessionMoved
	case at == 0:
		return "", nil
	}
	return names[at-1], nil
}

// places returns the names in the queue, in its order.
func (l *latch) places(ctx context.Context) ([]string, error) {
	names, err := call(ctx, l.store.conn, func(c *zk.Conn) ([]string, error) {
		names, _, err := c.Children(l.store.queue(l.path))
		return names, err
	})
	if errors.Is(err, zk.ErrNoNode) {
		return nil, nil
	}
	names = slices.DeleteFunc(names, func(name string) bool { return sequence(name) < 0 })
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(sequence(a), sequence(b)) })
	return names, err
}

// sequence returns the number that the server gave a place, -1 if the name is none.
func sequence(name string) int64 {
	const digits = 10
	if !strings.HasPrefix(name, latchPrefix) || len(name) < len(latchPrefix)+digits {
		return -1
	}
	n, err := strconv.ParseUint(name[len(name)-digits:], 10, 63)
	if err != nil {
		return -1
	}
	return int64(n)
}

// await returns when the place of that name may be gone.
func (l *latch) await(ctx context.Context, name string) {
	hints, stop := l.store.hints.Watch(l.full(name))
	defer stop()
	if found, err := l.store.exists(ctx, l.full(name)); err == nil && found.stat == nil {
		return
	}
	timer := time.NewTimer(l.store.conn.dialer().granted() / 3) // a watch is a hint, and may be lost
	defer timer.Stop()
	select {
	case <-hints:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// sweep removes what this id has in the queue in this session. The caller has the
// id's turn, so nobody needs it. A place whose answer was lost may still be on its way
// through the quorum; behind a barrier it can be seen.
func (l *latch) sweep(ctx context.Context) error {
	var names []string
	err := l.store.afterBarrier(ctx, l.path, func() (err error) {
		names, err = l.places(ctx)
		return err
	})
	if err != nil {
		return err
	}
	for _, name := range names {
		if len(name) != len(l.prefix)+10 || !strings.HasPrefix(name, l.prefix) {
			continue
		}
		found, err := l.store.exists(ctx, l.full(name))
		if err == nil && found.stat != nil && found.stat.EphemeralOwner == l.store.conn.session() {
			err = l.store.remove(ctx, l.full(name))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// latchHolder is the data of a place that this package makes.
type latchHolder struct {
	Host string `json:"host"`
	PID  int    `json:"pid"`
}

// thisProcess is the data of the places of this process.
func thisProcess() []byte {
	host, _ := os.Hostname() // an unknown host is an empty one
	data, _ := json.Marshal(latchHolder{host, os.Getpid()})
	return data
}

// Queue implements [store.Store].
func (s *Store) Queue(ctx context.Context, path string) ([]store.Waiter, error) {
	if err := store.CheckPath(path); err != nil {
		return nil, err
	}
	var found []store.Waiter
	err := s.afterBarrier(ctx, path, func() (err error) {
		found, err = s.waiters(ctx, path)
		return err
	})
	return found, translate("read the lock queue of", path, err, false)
}

func (s *Store) waiters(ctx context.Context, path string) ([]store.Waiter, error) {
	l := &latch{store: s, path: path}
	names, err := l.places(ctx)
	if err != nil {
		return nil, err
	}
	var found []store.Waiter
	for _, name := range names {
		place, err := s.exists(ctx, l.full(name))
		if err != nil {
			return nil, err
		}
		if place.stat == nil { // it left meanwhile
			continue
		}
		w := store.Waiter{Key: name, ID: latchID(name), Since: time.UnixMilli(place.stat.Ctime)}
		if place.stat.EphemeralOwner != 0 {
			w.Session = fmt.Sprintf("0x%x", place.stat.EphemeralOwner)
		}
		data, err := call(ctx, s.conn, func(c *zk.Conn) ([]byte, error) {
			data, _, err := c.Get(l.full(name))
			return data, err
		})
		var holder latchHolder
		if err == nil && json.Unmarshal(data, &holder) == nil {
			w.Host, w.PID = holder.Host, holder.PID
		}
		found = append(found, w)
	}
	return found, nil
}

// latchID returns the id in the name of a place.
func latchID(name string) string {
	return strings.TrimSuffix(name[len(latchPrefix):len(name)-10], "-")
}

// BreakLock implements [store.Store].
func (s *Store) BreakLock(ctx context.Context, path, key string) error {
	if err := store.CheckPath(path); err != nil {
		return err
	}
	if sequence(key) < 0 || strings.Contains(key, "/") {
		return fmt.Errorf("break the lock of %s: place %q: %w", path, key, store.ErrNotFound)
	}
	_, err := call(ctx, s.conn, func(c *zk.Conn) (any, error) { return nil, c.Delete(s.queue(path)+"/"+key, -1) })
	return translate("break the lock of", path, err, true)
}

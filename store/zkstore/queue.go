package zkstore

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/zkstate/zkstate/internal/zk"
)

// latchPrefix begins the names in a queue, as in the Rust crate, whose places and
// ours form one queue in the order of their creation. Names of any other form are not
// places.
const latchPrefix = "latch-"

// join creates the znode, or finds the one whose creation has an unknown outcome.
func (l *latch) join(ctx context.Context) error {
	if l.unsure {
		if err := l.find(ctx); err != nil {
			return err
		}
		l.unsure = false
	}
	acl, err := l.store.acl(ctx)
	if err != nil {
		return err
	}
	for attempt := 0; l.name == ""; attempt++ {
		reply, err := l.session.Call(ctx, zk.Create{
			Path: l.store.place(l.path, l.prefix), Data: holderData(l.id), ACL: acl.wire(), Mode: zk.EphemeralSequential,
		})
		switch {
		case errors.Is(err, zk.ErrNoNode) && attempt < 3: // the server removes empty containers
			if err := l.store.ensureContainer(ctx, l.session, l.path, l.store.queue(l.path)); err != nil {
				return err
			}
		case err != nil:
			l.unsure = uncertain(err)
			return err
		default:
			l.name = nameOf(reply.Path)
		}
	}
	return nil
}

// passes reports whether a refusal is about what will soon be over. A place exists if the
// server's numbers have come to their end, until the one that a lost session left is gone.
func passes(err error) bool {
	return errors.Is(err, zk.ErrSessionExpired) || errors.Is(err, zk.ErrSessionMoved) || errors.Is(err, zk.ErrThrottled) ||
		errors.Is(err, zk.ErrNodeExists)
}

// find looks for the place whose creation has an unknown outcome. The caller has the
// turn of its id, so there is one at most. A creation may still be on its way through the
// quorum; behind a barrier it can be seen.
func (l *latch) find(ctx context.Context) error {
	session, replies, err := l.store.ordered(ctx, l.path, zk.Children{Path: l.store.queue(l.path)})
	if err != nil {
		return err
	}
	if session != l.session { // it went with its session
		return nil
	}
	if err := replies[0].Err; err != nil && !errors.Is(err, zk.ErrNoNode) {
		return err
	}
	for _, name := range replies[0].Children {
		if !isPlace(name) || !strings.HasPrefix(name, l.prefix) {
			continue
		}
		found, err := session.Call(ctx, zk.Get{Path: l.store.place(l.path, name)})
		if err != nil && !errors.Is(err, zk.ErrNoNode) {
			return err
		}
		if err == nil && found.Stat.EphemeralOwner == session.ID() && bytes.Equal(found.Data, holderData(l.id)) {
			l.name = name
			return nil
		}
	}
	return nil
}

// ensureContainer makes a folder of a document as a container, which the server removes
// when it is empty. Servers before 3.5 have none: there it is a plain znode.
func (s *Store) ensureContainer(ctx context.Context, session *zk.Session, path, full string) error {
	if err := s.ensure(ctx, s.folder(path)); err != nil {
		return err
	}
	acl, err := s.acl(ctx)
	if err != nil {
		return err
	}
	create := zk.Create{Path: full, ACL: acl.wire(), Mode: zk.Container}
	_, err = session.Call(ctx, create)
	if errors.Is(err, zk.ErrUnimplemented) {
		create.Mode = zk.Persistent
		_, err = session.Call(ctx, create)
	}
	if errors.Is(err, zk.ErrNodeExists) {
		return nil
	}
	return err
}

// ahead returns the place before this one, "" if this is the first. A place that
// was removed is forgotten, and another one to be taken, at the end.
func (l *latch) ahead(ctx context.Context) (ahead string, lost bool, err error) {
	reply, err := l.session.Call(ctx, zk.Children{Path: l.store.queue(l.path)})
	if err != nil && !errors.Is(err, zk.ErrNoNode) {
		return "", false, err
	}
	names, err := inOrder(ctx, l.session, l.store.queue(l.path), places(reply.Children))
	if err != nil {
		return "", false, err
	}
	switch at := slices.Index(names, l.name); at {
	case -1:
		l.name = ""
		return "", true, nil
	case 0:
		return "", false, nil
	default:
		return names[at-1], false, nil
	}
}

// places returns the names that are places in a queue.
func places(names []string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return !isPlace(name) })
}

func isPlace(name string) bool {
	_, ok := sequence(name)
	return ok && strings.HasPrefix(name, latchPrefix) && !strings.Contains(name, "/")
}

// await returns when the place of that name may be gone.
func (l *latch) await(ctx context.Context, name string) {
	full := l.store.place(l.path, name)
	hints, stop := l.store.places.Channel(full)
	defer stop()
	patience := l.session.Timeout() / 3 // a watch is a hint, and may be lost
	switch _, err := l.session.Call(ctx, zk.Exists{Path: full, Watch: true}); {
	case errors.Is(err, zk.ErrNoNode):
		return
	case err != nil: // there is no watch
		patience = retryPause
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-hints:
	case <-timer.C:
	case <-l.session.Lost():
	case <-ctx.Done():
	}
}

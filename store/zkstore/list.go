package zkstore

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/zkstate/zkstate/store"
)

const (
	// maxChildren is how many names of one znode are asked for: an answer that holds
	// more than maxReply bytes would end the connection.
	maxChildren = maxReply / 128
	// listers is how many places of one listing are looked at concurrently.
	listers = 32
)

// anyPath is where barriers go that are about no document.
const anyPath = "/zookeeper"

// Stat implements [store.Store].
func (s *Store) Stat(ctx context.Context, path string, mode store.Consistency) (store.Place, error) {
	if err := store.CheckPath(path); err != nil {
		return store.Place{}, err
	}
	place := store.Place{Path: path}
	err := s.inMode(ctx, mode, func() (err error) {
		if err = s.statDocument(ctx, &place); err == nil && !place.Version.IsZero() {
			err = s.countListeners(ctx, &place)
		}
		return err
	})
	if err == nil && place.Version.IsZero() {
		return store.Place{}, fmt.Errorf("stat %s: document %w", path, store.ErrNotFound)
	}
	return place, translate("stat", path, err, false)
}

// List implements [store.Store].
func (s *Store) List(ctx context.Context, folder string, mode store.Consistency) ([]store.Place, error) {
	if err := store.CheckFolder(folder); err != nil {
		return nil, err
	}
	var places []store.Place
	err := s.inMode(ctx, mode, func() (err error) {
		var names []string
		if names, err = s.names(ctx, folder); err == nil {
			places, err = s.describeAll(ctx, folder, names)
		}
		return err
	})
	if errors.Is(err, store.ErrTooLarge) {
		return nil, fmt.Errorf("list %s: %w", folder, err)
	}
	return places, translate("list", folder, err, false)
}

// inMode runs read behind a barrier if the answer has to be linearizable.
func (s *Store) inMode(ctx context.Context, mode store.Consistency, read func() error) error {
	if mode == store.Linearizable {
		return s.afterBarrier(ctx, anyPath, read)
	}
	return read()
}

// znode is where a folder, the root included, lives.
func (s *Store) znode(folder string) string {
	if folder == "/" {
		return cmp.Or(s.chroot, "/")
	}
	return s.folder(folder)
}

// names returns what is directly below a folder and can be a document's path, in
// order. A folder that does not exist has nothing below it.
func (s *Store) names(ctx context.Context, folder string) ([]string, error) {
	full := s.znode(folder)
	found, err := s.exists(ctx, full)
	if err != nil || found.stat == nil || found.stat.NumChildren == 0 {
		return nil, err
	}
	if found.stat.NumChildren > maxChildren {
		return nil, fmt.Errorf("%d paths are directly below it, and one answer holds %d: %w", found.stat.NumChildren, maxChildren, store.ErrTooLarge)
	}
	names, err := call(ctx, s.conn, func(c *zk.Conn) ([]string, error) {
		names, _, err := c.Children(full)
		return names, err
	})
	if errors.Is(err, zk.ErrNoNode) {
		return nil, nil
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		return ownName(name) || store.CheckPath(store.Child(folder, name)) != nil
	})
	slices.Sort(names)
	return names, err
}

// ownName reports whether a znode of that name belongs to a document.
func ownName(name string) bool {
	switch name {
	case "payload", "listeners", "write_lock", "history":
		return true
	}
	return false
}

// describeAll looks at the places in a folder, several at a time, and returns those
// that are documents or folders.
func (s *Store) describeAll(ctx context.Context, folder string, names []string) ([]store.Place, error) {
	places, failed := make([]store.Place, len(names)), make([]error, len(names))
	var workers sync.WaitGroup
	next := make(chan int)
	for range min(listers, len(names)) {
		workers.Go(func() {
			for i := range next {
				places[i].Path = store.Child(folder, names[i])
				failed[i] = s.describe(ctx, &places[i])
			}
		})
	}
	for i := range names {
		next <- i
	}
	close(next)
	workers.Wait()
	for _, err := range failed {
		if err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(places, func(place store.Place) bool {
		return place.Version.IsZero() && !place.Folder && place.Err == nil
	}), nil
}

// describe fills in a place of which the path is known. What is about this place alone
// is noted there, any other error is returned.
func (s *Store) describe(ctx context.Context, place *store.Place) error {
	names, err := s.names(ctx, place.Path)
	switch {
	case errors.Is(err, store.ErrTooLarge):
		place.Folder, place.Err = true, fmt.Errorf("list %s: %w", place.Path, err)
	case errors.Is(err, zk.ErrNoAuth):
		place.Folder, place.Err = true, translate("list", place.Path, err, false) // it has children, whatever they are
	case err != nil:
		return err
	default:
		place.Folder = len(names) > 0
	}
	if err := s.statDocument(ctx, place); err != nil || place.Version.IsZero() {
		return err
	}
	return s.countListeners(ctx, place)
}

// statDocument leaves the zero Version where there is no document.
func (s *Store) statDocument(ctx context.Context, place *store.Place) error {
	found, err := s.exists(ctx, s.payload(place.Path))
	if err == nil && found.stat != nil {
		place.Version, place.Size = found.version(), int64(found.stat.DataLength)
		place.Created, place.Modified = time.UnixMilli(found.stat.Ctime), time.UnixMilli(found.stat.Mtime)
	}
	return err
}

func (s *Store) countListeners(ctx context.Context, place *store.Place) error {
	found, err := s.exists(ctx, s.records(place.Path))
	if err == nil && found.stat != nil {
		place.Listeners = int(found.stat.NumChildren)
	}
	return err
}

// Ping implements [store.Store]: a barrier. Servers tell their version to whom they
// allow the command srvr, see 4lw.commands.whitelist.
func (s *Store) Ping(ctx context.Context) (store.Pong, error) {
	sent := time.Now()
	if err := s.barrier(ctx, anyPath); err != nil {
		return store.Pong{}, translate("ping", s.znode("/"), err, false)
	}
	pong := store.Pong{Server: s.conn.client.Load().Server(), Latency: time.Since(sent)}
	pong.Version = serverVersion(ctx, pong.Server)
	return pong, nil
}

// versionBound is how long a server may take to tell its version.
const versionBound = time.Second

// serverVersion returns "" if the server does not tell.
func serverVersion(ctx context.Context, address string) string {
	ctx, cancel := context.WithTimeout(ctx, versionBound)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return ""
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline) // if it fails, the read does too
	if _, err := conn.Write([]byte("srvr")); err != nil {
		return ""
	}
	answer, _ := io.ReadAll(io.LimitReader(conn, 4<<10)) // the version comes first
	line, _, _ := bytes.Cut(answer, []byte("\n"))
	version, ok := strings.CutPrefix(string(line), "Zookeeper version: ")
	if !ok {
		return ""
	}
	version, _, _ = strings.Cut(version, "-")
	version, _, _ = strings.Cut(version, ",")
	return "ZooKeeper " + version
}

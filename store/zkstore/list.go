package zkstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store"
)

// anyPath is where barriers go that are about no document.
const anyPath = "/zookeeper"

// Stat implements [store.Store].
func (s *Store) Stat(ctx context.Context, path string, mode store.Consistency) (store.Place, error) {
	if err := store.CheckPath(path); err != nil {
		return store.Place{}, err
	}
	place := store.Place{Path: path}
	_, replies, err := s.inMode(ctx, mode, s.placeRequests(path)[1:]...)
	if err == nil {
		err = describeDocument(&place, replies)
	}
	switch {
	case err != nil:
		return store.Place{}, s.translate("stat", path, err, false)
	case place.Version.IsZero():
		return store.Place{}, fmt.Errorf("stat %s: document %w", path, store.ErrNotFound)
	}
	return place, nil
}

// List implements [store.Store].
func (s *Store) List(ctx context.Context, folder string, mode store.Consistency) ([]store.Place, error) {
	if err := store.CheckFolder(folder); err != nil {
		return nil, err
	}
	places, err := s.list(ctx, folder, mode)
	if err != nil {
		return nil, s.translate("list", folder, err, false)
	}
	return places, nil
}

func (s *Store) list(ctx context.Context, folder string, mode store.Consistency) (places []store.Place, _ error) {
	session, replies, err := s.inMode(ctx, mode, zk.Children{Path: s.znode(folder)})
	if err != nil {
		return nil, err
	}
	names, err := documentNames(folder, replies[0])
	if err != nil {
		return nil, err
	}
	for batch := range slices.Chunk(names, readBatch) {
		var requests []zk.Request
		for _, name := range batch {
			requests = append(requests, s.placeRequests(store.Child(folder, name))...)
		}
		replies, _ := session.Do(ctx, requests...) // each reply has its own error
		for i, name := range batch {
			place := store.Place{Path: store.Child(folder, name)}
			if err := s.describe(&place, replies[i*3:i*3+3]); err != nil {
				return nil, err
			}
			if !place.Version.IsZero() || place.Folder || place.Err != nil {
				places = append(places, place)
			}
		}
	}
	return places, nil
}

// inMode sends requests, behind a barrier if the answers have to be linearizable.
func (s *Store) inMode(ctx context.Context, mode store.Consistency, requests ...zk.Request) (*zk.Session, []zk.Reply, error) {
	if mode != store.Local {
		return s.ordered(ctx, anyPath, requests...)
	}
	session, err := s.client.Session(ctx)
	if err != nil {
		return nil, nil, err
	}
	replies, _ := session.Do(ctx, requests...) // each reply has its own error
	return session, replies, nil
}

// znode is where a folder, the root included, lives.
func (s *Store) znode(folder string) string {
	if folder == "/" {
		return cmp.Or(s.chroot, "/")
	}
	return s.folder(folder)
}

// documentNames returns what is directly below a folder and can be a document's path, in
// order. A folder that does not exist has nothing below it.
func documentNames(folder string, children zk.Reply) ([]string, error) {
	if errors.Is(children.Err, zk.ErrNoNode) {
		return nil, nil
	}
	names := slices.DeleteFunc(children.Children, func(name string) bool {
		return store.CheckPath(store.Child(folder, name)) != nil // the store's own, or another tool's
	})
	slices.Sort(names)
	return names, children.Err
}

// placeRequests are what describe wants the answers to.
func (s *Store) placeRequests(path string) []zk.Request {
	return []zk.Request{zk.Children{Path: s.folder(path)}, zk.Exists{Path: s.payload(path)}, zk.Exists{Path: s.listeners(path)}}
}

// describe fills in a place of which the path is known. What is about this place alone
// is noted there, any other error is returned.
func (s *Store) describe(place *store.Place, replies []zk.Reply) error {
	names, err := documentNames(place.Path, replies[0])
	switch {
	case errors.Is(err, zk.ErrNoAuth) || errors.Is(err, zk.ErrTooLarge):
		place.Folder, place.Err = true, s.translate("list", place.Path, err, false) // it has children, whatever they are
	case err != nil:
		return err
	default:
		place.Folder = len(names) > 0
	}
	err = describeDocument(place, replies[1:])
	if errors.Is(err, zk.ErrNoAuth) { // newer servers do not say more of what may not be read
		place.Err, err = s.translate("stat", place.Path, err, false), nil
	}
	return err
}

// describeDocument leaves the zero Version where there is no document.
func describeDocument(place *store.Place, replies []zk.Reply) error {
	payload, listeners := replies[0], replies[1]
	for _, reply := range replies {
		if reply.Err != nil && !errors.Is(reply.Err, zk.ErrNoNode) {
			return reply.Err
		}
	}
	if payload.Err == nil {
		place.Version, place.Size = versionOf(payload.Stat), int64(payload.Stat.DataLength)
		place.Created, place.Modified = time.UnixMilli(payload.Stat.Ctime), time.UnixMilli(payload.Stat.Mtime)
		place.Listeners = int(listeners.Stat.NumChildren)
	}
	return nil
}

// Ping implements [store.Store]: a barrier. Servers tell their version to whom they
// allow the command srvr, see 4lw.commands.whitelist.
func (s *Store) Ping(ctx context.Context) (store.Pong, error) {
	sent := time.Now()
	if _, _, err := s.ordered(ctx, anyPath); err != nil {
		return store.Pong{}, s.translate("ping", s.znode("/"), err, false)
	}
	pong := store.Pong{Server: s.client.Server(), Latency: time.Since(sent)}
	if about := s.askServer(ctx); about.version != "" {
		pong.Version = "ZooKeeper " + about.version
	}
	return pong, nil
}

package zkstore

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store"
)

// SetJournal implements [store.Store].
func (s *Store) SetJournal(ctx context.Context, path string, keep int) error {
	if err := store.CheckPath(path); err != nil {
		return err
	}
	if err := store.CheckJournal(path, keep); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("switch the journal of %s: %w", path, err)
	}
	defer s.folders.forget(path)
	session, err := s.client.Session(ctx)
	switch {
	case err != nil:
	case keep > 0:
		if err = s.makeJournal(ctx, session, path, keep); err == nil {
			err = s.trim(ctx, session, path, keep)
		}
	default:
		err = s.removeJournal(ctx, session, path)
	}
	return s.translate("switch the journal of", path, err, false)
}

// makeJournal changes the folder in the transaction that creates the journal, so that
// commits which know of no journal fail. See [folder].
func (s *Store) makeJournal(ctx context.Context, session *zk.Session, path string, keep int) error {
	data, err := json.Marshal(journalConfig{keep})
	if err != nil {
		return err
	}
	acl, err := s.acl(ctx)
	if err != nil {
		return err
	}
	for {
		_, err := session.Call(ctx, zk.Set{Path: s.history(path), Data: data, Version: zk.AnyVersion})
		if !errors.Is(err, zk.ErrNoNode) {
			return err
		}
		if err := s.ensure(ctx, s.folder(path)); err != nil {
			return err
		}
		of, err := session.Call(ctx, zk.Get{Path: s.folder(path)})
		if err == nil {
			_, err = session.Call(ctx, zk.Multi{
				zk.Create{Path: s.history(path), Data: data, ACL: acl.wire()},
				zk.Set{Path: s.folder(path), Data: of.Data, Version: of.Stat.Version},
			})
		}
		if !errors.Is(err, zk.ErrNodeExists) && !errors.Is(err, zk.ErrBadVersion) && !errors.Is(err, zk.ErrNoNode) {
			return err
		}
	}
}

// removeJournal removes the entries and then the folder. A commit in between may add
// one, so it goes on until the folder is gone.
func (s *Store) removeJournal(ctx context.Context, session *zk.Session, path string) error {
	for {
		if err := s.trim(ctx, session, path, 0); err != nil {
			return err
		}
		_, err := session.Call(ctx, zk.Delete{Path: s.history(path), Version: zk.AnyVersion})
		if errors.Is(err, zk.ErrNoNode) {
			return nil
		}
		if !errors.Is(err, zk.ErrNotEmpty) {
			return err
		}
		if names, listErr := s.entryNames(ctx, session, path); listErr != nil || len(names) == 0 { // somebody else's things are in it
			return cmp.Or(listErr, err)
		}
	}
}

// Journal implements [store.Store].
func (s *Store) Journal(ctx context.Context, path string, newest int) (keep int, entries []store.Entry, err error) {
	return s.readJournal(ctx, path, func(session *zk.Session, j journal) ([]store.Entry, error) {
		if newest <= 0 {
			return nil, nil
		}
		return s.readEntries(ctx, session, path, j, newest)
	})
}

// JournalAround implements [store.Store].
func (s *Store) JournalAround(ctx context.Context, path string, order int64) (keep int, entries []store.Entry, err error) {
	return s.readJournal(ctx, path, func(session *zk.Session, j journal) ([]store.Entry, error) {
		return s.entriesAround(ctx, session, path, j, order)
	})
}

func (s *Store) readJournal(ctx context.Context, path string, read func(*zk.Session, journal) ([]store.Entry, error)) (keep int, entries []store.Entry, err error) {
	if err := store.CheckPath(path); err != nil {
		return 0, nil, err
	}
	session, replies, err := s.ordered(ctx, path, s.folderRequests(path)...)
	var f folder
	if err == nil {
		f, err = newFolder(replies)
	}
	if err == nil && f.journal.keep > 0 {
		entries, err = read(session, f.journal)
	}
	if err != nil {
		return 0, nil, s.translate("read the journal of", path, err, false)
	}
	return f.journal.keep, entries, nil
}

package zkstore

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store"
)

// readBatch is how many entries are read at once.
const readBatch = 64

// entryNames returns the entries of a journal, oldest first. Their names are their
// numbers; others' names are left alone.
func (s *Store) entryNames(ctx context.Context, session *zk.Session, path string) ([]string, error) {
	reply, err := session.Call(ctx, zk.Children{Path: s.history(path)})
	if errors.Is(err, zk.ErrNoNode) {
		return nil, nil
	}
	names := slices.DeleteFunc(reply.Children, func(name string) bool {
		_, ok := entryNumber(name)
		return !ok
	})
	slices.SortFunc(names, func(a, b string) int {
		na, _ := entryNumber(a)
		nb, _ := entryNumber(b)
		return cmp.Compare(na, nb)
	})
	return names, err
}

// namesBelow returns the names of the n numbers before end, as far as there are any.
func namesBelow(end int64, n int) []string {
	n = int(max(0, min(end, int64(n))))
	names := make([]string, n)
	for i := range names {
		names[i] = entryName(end - int64(n-i))
	}
	return names
}

// readEntries returns the newest entries, oldest first. Their numbers follow from what
// the journal's folder says, so that reading a few costs the same in a long journal.
// Only where one of them is missing, or the server's numbers have come to their end, all
// names are listed; if they are too many for that, those that were found are the answer.
func (s *Store) readEntries(ctx context.Context, session *zk.Session, path string, j journal, newest int) ([]store.Entry, error) {
	names := namesBelow(j.next, min(newest, j.count))
	entries, err := s.getEntries(ctx, session, path, names)
	if err != nil || len(entries) == len(names) && j.next < lastSequence {
		return entries, err
	}
	listed, err := s.entryNames(ctx, session, path)
	switch {
	case errors.Is(err, zk.ErrTooLarge) && len(entries) > 0:
		return entries, nil
	case err != nil:
		return nil, err
	}
	entries, err = s.getEntries(ctx, session, path, listed[max(0, len(listed)-newest):])
	sortEntries(entries)
	return entries, err
}

// entriesAround returns the entries around an order. Where one does not say when it was
// created, all are read.
func (s *Store) entriesAround(ctx context.Context, session *zk.Session, path string, j journal, order int64) ([]store.Entry, error) {
	names, err := s.entryNames(ctx, session, path)
	if errors.Is(err, zk.ErrTooLarge) {
		names, err = namesBelow(j.next, j.count), nil
	}
	if err != nil {
		return nil, err
	}
	at, err := s.searchEntries(ctx, session, path, names, order)
	switch {
	case refused(err):
		all, err := s.readEntries(ctx, session, path, j, math.MaxInt)
		return store.EntriesAround(all, order), err
	case err != nil:
		return nil, err
	}
	entries, err := s.getEntries(ctx, session, path, names[max(0, at-1):min(len(names), at+2)])
	return store.EntriesAround(entries, order), err
}

// searchEntries returns the index of the first entry that was created at an order or later.
// It reads none: a few are asked when they were created.
func (s *Store) searchEntries(ctx context.Context, session *zk.Session, path string, names []string, order int64) (int, error) {
	low, high := 0, len(names)
	for low < high {
		middle := (low + high) / 2
		reply, err := session.Call(ctx, zk.Exists{Path: s.entry(path, names[middle])})
		switch {
		case errors.Is(err, zk.ErrNoNode), err == nil && reply.Stat.Czxid < order: // the oldest are trimmed at any time
			low = middle + 1
		case err == nil:
			high = middle
		default:
			return 0, err
		}
	}
	return low, nil
}

// sortEntries puts entries that are in the order of their names into that of their creation.
// Of one that may not be read, newer servers do not say when that was: it stays behind the
// one before it.
func sortEntries(entries []store.Entry) {
	type placed struct {
		created int64
		entry   store.Entry
	}
	all, last := make([]placed, len(entries)), int64(0)
	for i, entry := range entries {
		if entry.Order != 0 {
			last = entry.Order
		}
		all[i] = placed{last, entry}
	}
	slices.SortStableFunc(all, func(a, b placed) int { return cmp.Compare(a.created, b.created) })
	for i := range all {
		entries[i] = all[i].entry
	}
}

// getEntries reads the entries of those names, without those that are gone. One that
// cannot be read comes with its error.
func (s *Store) getEntries(ctx context.Context, session *zk.Session, path string, names []string) (entries []store.Entry, _ error) {
	for batch := range slices.Chunk(names, readBatch) {
		requests := make([]zk.Request, 0, 2*len(batch))
		for _, name := range batch {
			requests = append(requests, zk.Exists{Path: s.entry(path, name)}, zk.Get{Path: s.entry(path, name)})
		}
		replies, _ := session.Do(ctx, requests...) // each reply has its own error
		for i := range batch {
			stat, got := replies[2*i], replies[2*i+1]
			var entry store.Entry
			if stat.Err == nil { // of what may not be read, newer servers do not say it
				setOrigin(&entry, stat.Stat)
			}
			switch {
			case errors.Is(got.Err, zk.ErrNoNode), errors.Is(stat.Err, zk.ErrNoNode):
				continue
			case got.Err == nil:
				setOrigin(&entry, got.Stat)
				entry.Data = append([]byte{}, got.Data...)
			case refused(got.Err) || errors.Is(got.Err, zk.ErrTooLarge):
				entry.Err = s.translate("read an entry of", path, got.Err, false)
			default:
				return nil, got.Err
			}
			entries = append(entries, entry)
		}
	}
	return entries, nil
}

// setOrigin notes of which commit an entry is: its znode was created in the transaction that
// wrote the payload, so it has the number and the time of that.
func setOrigin(entry *store.Entry, stat zk.Stat) {
	entry.Order, entry.Tag, entry.Time = stat.Czxid, stat.Ctime, time.UnixMilli(stat.Ctime)
}

// findEntry looks for the entry that holds data, among those that were made after a
// transaction. The newest are looked at first.
func (s *Store) findEntry(ctx context.Context, session *zk.Session, path string, data []byte, after int64) (found store.Entry, ok bool, _ error) {
	replies, err := session.Do(ctx, s.folderRequests(path)...)
	if err != nil {
		return found, false, err
	}
	f, err := newFolder(replies)
	if err != nil {
		return found, false, err
	}
	for newest := readBatch; ; newest *= 8 {
		entries, err := s.readEntries(ctx, session, path, f.journal, newest)
		if err != nil {
			return found, false, err
		}
		for _, entry := range entries {
			if entry.Err == nil && bytes.Equal(entry.Data, data) {
				return entry, true, nil
			}
		}
		if len(entries) < newest || slices.ContainsFunc(entries, func(e store.Entry) bool { return e.Order != 0 && e.Order <= after }) || newest > math.MaxInt/8 {
			return found, false, nil
		}
	}
}

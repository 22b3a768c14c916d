package store

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxCommit is the size limit in bytes of one Commit, paths and a small fixed
// cost per operation included. It is the same for every backend, so that what
// works on one works on all. ZooKeeper's own limit is 1,048,575 bytes
// (jute.maxbuffer), and a server answers a larger packet by dropping the
// connection, which looks like a network fault.
const MaxCommit = 1_000_000

// AppendAllowance is the size in bytes up to which an [Append] does not count, so that
// a document of whatever size can be journaled: a large entry has to be cut.
const AppendAllowance = 8 << 10

// opOverhead covers a Multi's header, version, flags and access list per op.
const opOverhead = 128

// CheckCommit refuses, before anything is sent, ops that no backend accepts:
// none at all, a bad path or id, two of a kind on one document, two receipts, a
// compare-and-set without a base, or more than [MaxCommit] bytes together.
func CheckCommit(ops []Op) error {
	if len(ops) == 0 {
		return fmt.Errorf("commit of no operations: %w", ErrConflict)
	}
	total, receipts := 0, 0
	type concern struct{ what, path string }
	seen := make(map[concern]bool, len(ops))
	for _, op := range ops {
		if lockless(op) {
			return fmt.Errorf("commit under no lock: %w", ErrLockLost)
		}
		if err := CheckPath(op.Target()); err != nil {
			return err
		}
		about := concern{"document", op.Target()}
		switch op := op.(type) {
		case Receipt:
			if err := CheckID(op.ID); err != nil {
				return err
			}
			about.what = "listener record"
			if receipts++; receipts > 1 {
				return fmt.Errorf("%s: two receipts in one commit: %w", op.Path, ErrConflict)
			}
		case Await:
			about.what = "waiting"
		case Append:
			about.what = "journal"
			if len(op.Data) <= AppendAllowance {
				total -= op.size() + opOverhead
			}
		case Hold, Release:
			about.what = "lock"
		}
		if seen[about] {
			return fmt.Errorf("%s: two operations on one %s in one commit: %w", about.path, about.what, ErrConflict)
		}
		seen[about] = true
		if err := checkBase(op); err != nil {
			return err
		}
		total += op.size() + opOverhead
	}
	if total > MaxCommit {
		return fmt.Errorf("%s: commit of %d bytes, the limit is %d: %w", ops[0].Target(), total, MaxCommit, ErrTooLarge)
	}
	return nil
}

// Room is how many bytes an [Append] to go with ops may have, beyond its allowance.
func Room(ops []Op) int {
	room := MaxCommit - opOverhead
	for _, op := range ops {
		room -= op.size() + opOverhead
	}
	return room - 1024 // its path
}

func lockless(op Op) bool {
	switch op := op.(type) {
	case Hold:
		return op.Lock == nil
	case Release:
		return op.Lock == nil
	}
	return false
}

// MaxJournal is how many entries a journal can be set to keep. Their names fit into one
// small answer of ZooKeeper, and no reader waits long for all of them.
const MaxJournal = 10_000

// CheckJournal refuses to keep more than [MaxJournal] entries of the document at path.
func CheckJournal(path string, keep int) error {
	if keep > MaxJournal {
		return fmt.Errorf("%s: a journal of %d entries, the limit is %d: %w", path, keep, MaxJournal, ErrTooLarge)
	}
	return nil
}

// checkBase refuses the zero Version.
func checkBase(op Op) error {
	var base Version
	switch op := op.(type) {
	case Put:
		base = op.Base
	case Delete:
		base = op.Base
	default:
		return nil
	}
	if base.IsZero() {
		return fmt.Errorf("%s: compare-and-set at version %v: %w", op.Target(), base, ErrConflict)
	}
	return nil
}

// CheckPath refuses what cannot be a document's path: what [CheckChroot] refuses, and
// the names that stores keep below a document: payload, listeners, listeners_open,
// listeners_awaited, write_lock and history.
func CheckPath(path string) error {
	if err := CheckChroot(path); err != nil {
		return err
	}
	for part := range strings.SplitSeq(path[1:], "/") {
		switch part {
		case "payload", "listeners", "listeners_open", "listeners_awaited", "write_lock", "history":
			return fmt.Errorf("path %q: documents keep their own things under the name %s: %w", path, part, ErrInvalidPath)
		}
	}
	return nil
}

// CheckChroot refuses what can be neither a chroot nor a document's path: such a path
// is absolute, has no trailing slash, no empty, "." or ".." element, no characters that
// ZooKeeper refuses (control, private use, and all beyond U+FFFF, which are surrogates
// to it), and lies outside /zookeeper.
func CheckChroot(path string) error {
	refuse := func(why string) error {
		return fmt.Errorf("path %q: %s: %w", path, why, ErrInvalidPath)
	}
	switch {
	case path == "":
		return refuse("it is empty")
	case path[0] != '/':
		return refuse("it must begin with /")
	case path == "/":
		return refuse("the root cannot hold a document")
	case len(path) > 1024:
		return refuse("it is longer than 1024 bytes")
	case !utf8.ValidString(path):
		return refuse("it is not UTF-8")
	case path == "/zookeeper" || strings.HasPrefix(path, "/zookeeper/"):
		return refuse("/zookeeper belongs to the server")
	}
	for part := range strings.SplitSeq(path[1:], "/") {
		switch part {
		case "":
			return refuse("it has an empty element or a trailing slash")
		case ".", "..":
			return refuse("it has a relative element")
		}
	}
	for _, r := range path {
		if r < 0x20 || r >= 0x7f && r <= 0x9f || r >= 0xd800 && r <= 0xf8ff || r >= 0xfff0 {
			return refuse(fmt.Sprintf("character %U is not allowed", r))
		}
	}
	return nil
}

// CheckID refuses what cannot name a listener: [A-Za-z0-9._-]{1,128}, and not
// the relative elements "." and "..".
func CheckID(id string) error {
	bad := id == "" || len(id) > 128 || id == "." || id == ".."
	for i := 0; i < len(id) && !bad; i++ {
		c := id[i]
		bad = !(c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-')
	}
	if bad {
		return fmt.Errorf("listener id %q: it must be 1 to 128 of A-Z a-z 0-9 . _ -: %w", id, ErrInvalidID)
	}
	return nil
}

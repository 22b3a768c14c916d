package store

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Version identifies one state of one document. The zero Version is no state:
// the document does not exist. Versions are comparable with ==, and ordered
// among each other by [Version.Before]; neither says anything about versions of
// different documents or stores.
//
// In ZooKeeper it is (czxid, mzxid, dataVersion) and mtime. All three numbers are
// needed: dataVersion is what the server compares and sets, but it restarts at 0 when a
// node is deleted and made again, and it wraps.
//
// The numbers come again when the store's history is replaced: its data are wiped or
// restored from a backup, and as many commits follow as were undone. So a version has a
// tag, which a replayed history does not repeat: in ZooKeeper it is mtime, in SQLite and in
// memory it is random. The tag is part of what == compares, and not of the order. Versions
// that were written down by programs from before there were tags have none; see
// [Version.Same].
type Version struct {
	created int64
	order   int64
	counter int32
	tag     int64 // 0: it is not known
}

// NewVersion is for backends. created identifies the incarnation of the
// document, order grows with every commit to it across incarnations, and
// counter is 0 at creation and grows by one with every commit since.
func NewVersion(created, order int64, counter int32) Version {
	return Version{created: created, order: order, counter: counter}
}

// WithTag is for backends. It returns v with a tag that no other write of the document has,
// in no history of the store. 0 means that the tag is not known.
func (v Version) WithTag(tag int64) Version {
	v.tag = tag
	return v
}

// IsZero reports whether v stands for "no document".
func (v Version) IsZero() bool { return v == Version{} }

// Before reports whether v is older than w. The zero Version is older than all.
func (v Version) Before(w Version) bool { return v.order < w.order }

// Same reports whether v and w are one version, as far as both tell: where one of them has
// no tag, only the numbers are compared.
func (v Version) Same(w Version) bool {
	return v == w || (v.tag == 0 || w.tag == 0) && v.WithTag(0) == w.WithTag(0)
}

// Reaches reports whether v is w or newer. Another version at the same place in the order
// is of another history, and is neither.
func (v Version) Reaches(w Version) bool { return w.Before(v) || v.Same(w) }

// Follows reports whether v can come after u in one history, as far as the numbers tell. If
// v is newer and does not follow, the store's history was replaced in between.
func (v Version) Follows(u Version) bool {
	switch {
	case u.IsZero() || !u.Before(v):
		return u.Before(v)
	case v.created == u.created:
		return v.counter-u.counter > 0 || v.counter == math.MaxInt32 // it may wrap, or stay there
	}
	return v.created > u.order
}

// Created identifies the incarnation: it differs after delete and recreate.
func (v Version) Created() int64 { return v.created }

// Order is the position of v among all commits to the document.
func (v Version) Order() int64 { return v.order }

// Counter is the number of commits since the document was created. It wraps, as
// ZooKeeper's dataVersion does, from 2147483647 to -2147483648.
func (v Version) Counter() int32 { return v.counter }

// Tag tells v from the version with the same numbers in another history. 0: it is not known.
func (v Version) Tag() int64 { return v.tag }

// Since returns how many commits lead from u to v, at least 1 if they differ.
// A recreation counts as a deletion and a creation; what was committed to the document
// before its deletion, after u, is not known.
func (v Version) Since(u Version) int {
	switch {
	case v.Same(u):
		return 0
	case v.created == u.created && v.counter > u.counter:
		return commits(int64(v.counter) - int64(u.counter))
	case v.created == u.created && v.counter-u.counter > 0: // it wrapped
		return commits(int64(v.counter - u.counter))
	case v.IsZero() || v.created == u.created || v.Before(u):
		return 1
	case u.IsZero():
		return commits(int64(uint32(v.counter)) + 1)
	}
	return commits(int64(uint32(v.counter)) + 2)
}

// commits is n as an int, or the largest int where that has 32 bits.
func commits(n int64) int { return int(min(n, math.MaxInt)) }

// String returns the version as counter.order.created.tag, all but the first in
// hexadecimal as ZooKeeper prints them: "3.100000007.100000002.19ab5c7d3e0". A version
// without tag ends before it, and the zero Version is "-".
func (v Version) String() string {
	switch {
	case v.IsZero():
		return "-"
	case v.tag == 0:
		return fmt.Sprintf("%d.%x.%x", v.counter, v.order, v.created)
	}
	return fmt.Sprintf("%d.%x.%x.%x", v.counter, v.order, v.created, v.tag)
}

// ParseVersion reads what [Version.String] wrote, with a tag or without.
func ParseVersion(s string) (Version, error) {
	if s == "-" {
		return Version{}, nil
	}
	bad := fmt.Errorf("%q is not a version: it has the form 3.100000007.100000002.19ab5c7d3e0", s)
	parts := strings.Split(s, ".")
	if len(parts) < 3 || len(parts) > 4 {
		return Version{}, bad
	}
	counter, err := strconv.ParseInt(parts[0], 10, 32)
	if err != nil {
		return Version{}, bad
	}
	var numbers [3]int64 // order, created, tag
	for i, part := range parts[1:] {
		if numbers[i], err = strconv.ParseInt(part, 16, 64); err != nil {
			return Version{}, bad
		}
	}
	if len(parts) == 4 && numbers[2] == 0 {
		return Version{}, bad
	}
	return Version{created: numbers[1], order: numbers[0], counter: int32(counter), tag: numbers[2]}, nil
}

// MarshalText implements [encoding.TextMarshaler].
func (v Version) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (v *Version) UnmarshalText(text []byte) error {
	parsed, err := ParseVersion(string(text))
	if err == nil {
		*v = parsed
	}
	return err
}

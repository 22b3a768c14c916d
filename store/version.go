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
// In ZooKeeper it is (czxid, mzxid, dataVersion). All three are needed:
// dataVersion is what the server compares and sets, but it restarts at 0 when a
// node is deleted and made again, and it wraps.
type Version struct {
	created int64
	order   int64
	counter int32
}

// NewVersion is for backends. created identifies the incarnation of the
// document, order grows with every commit to it across incarnations, and
// counter is 0 at creation and grows by one with every commit since.
func NewVersion(created, order int64, counter int32) Version {
	return Version{created: created, order: order, counter: counter}
}

// IsZero reports whether v stands for "no document".
func (v Version) IsZero() bool { return v == Version{} }

// Before reports whether v is older than w. The zero Version is older than all.
func (v Version) Before(w Version) bool { return v.order < w.order }

// Created identifies the incarnation: it differs after delete and recreate.
func (v Version) Created() int64 { return v.created }

// Order is the position of v among all commits to the document.
func (v Version) Order() int64 { return v.order }

// Counter is the number of commits since the document was created. It wraps, as
// ZooKeeper's dataVersion does, from 2147483647 to -2147483648.
func (v Version) Counter() int32 { return v.counter }

// Since returns how many commits lead from u to v, at least 1 if they differ.
// A recreation counts as a deletion and a creation; what was committed to the document
// before its deletion, after u, is not known.
func (v Version) Since(u Version) int {
	switch {
	case v == u:
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

// String returns the version as counter.order.created, the last two in
// hexadecimal as ZooKeeper prints them: "3.100000007.100000002". The zero
// Version is "-".
func (v Version) String() string {
	if v.IsZero() {
		return "-"
	}
	return fmt.Sprintf("%d.%x.%x", v.counter, v.order, v.created)
}

// ParseVersion reads what [Version.String] wrote.
func ParseVersion(s string) (Version, error) {
	if s == "-" {
		return Version{}, nil
	}
	bad := fmt.Errorf("%q is not a version: it has the form 3.100000007.100000002", s)
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return Version{}, bad
	}
	counter, err1 := strconv.ParseInt(parts[0], 10, 32)
	order, err2 := strconv.ParseInt(parts[1], 16, 64)
	created, err3 := strconv.ParseInt(parts[2], 16, 64)
	if err1 != nil || err2 != nil || err3 != nil {
		return Version{}, bad
	}
	return Version{created: created, order: order, counter: int32(counter)}, nil
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

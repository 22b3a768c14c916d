package zkstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/zkstate/zkstate/internal/zk"
)

// The server ends the name of a sequential znode with a number, "%010d" of an int32 that
// counts the children which were made. Where it comes to its end, some servers go on with
// negative numbers, and the others give the last number again and again. So numbers tell
// the order only far from there; the zxid of the creation always does.

// sequenceDigits is how many digits the number of a name has, and more if it is large and
// negative.
const sequenceDigits = 10

// lastSequence is the largest number that the server gives.
const lastSequence = math.MaxInt32

// nextSequence is the number that the server gives to the next child of a znode. What
// Cversion says is how many were made and removed, modulo 2^32.
func nextSequence(parent zk.Stat) int64 {
	return int64((uint32(parent.Cversion) + uint32(parent.NumChildren)) / 2)
}

// sequence returns the number at the end of a name. One that may be negative counts as
// larger than all others, since it is doubtful, as the last one is.
func sequence(name string) (number int64, ok bool) {
	at := len(name) - sequenceDigits
	if at < 0 {
		return 0, false
	}
	digits, negative := strings.CutPrefix(name[at:], "-")
	number, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || digits[0] == '+' || digits[0] == '-' || negative && !strings.HasSuffix(name[:at], "-") {
		return 0, false
	}
	if negative || number >= 1e9 && strings.HasSuffix(name[:at], "--") {
		number = math.MaxInt64
	}
	return number, true
}

// inOrder returns the children of those names in the order of their creation, without
// those that are gone where that had to be asked.
func inOrder(ctx context.Context, session *zk.Session, folder string, names []string) ([]string, error) {
	numbers := make(map[string]int64, len(names))
	for _, name := range names {
		numbers[name], _ = sequence(name)
	}
	if doubtful(numbers) {
		if err := askOrder(ctx, session, folder, numbers); err != nil {
			return nil, err
		}
		names = slices.DeleteFunc(names, func(name string) bool { _, there := numbers[name]; return !there })
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(numbers[a], numbers[b]) })
	return names, nil
}

// doubtful reports whether numbers may not be in the order of the creations.
func doubtful(numbers map[string]int64) bool {
	least, most := int64(math.MaxInt64), int64(0)
	for _, number := range numbers {
		least, most = min(least, number), max(most, number)
	}
	return len(numbers) > 1 && (most >= lastSequence || most-least > lastSequence/2)
}

// askOrder makes the numbers those of the transactions that created the children.
func askOrder(ctx context.Context, session *zk.Session, folder string, numbers map[string]int64) error {
	var names []string
	var looks []zk.Request
	for name := range numbers {
		names = append(names, name)
		looks = append(looks, zk.Exists{Path: folder + "/" + name})
	}
	replies, _ := session.Do(ctx, looks...) // each reply has its own error
	for i, name := range names {
		switch err := replies[i].Err; {
		case errors.Is(err, zk.ErrNoNode):
			delete(numbers, name)
		case err != nil:
			return err
		default:
			numbers[name] = replies[i].Stat.Czxid
		}
	}
	return nil
}

// entryNumber returns the number of a journal's entry, whose name it is. Behind the last
// one that the server gives, commits go on counting by themselves; where a server went on
// with negative ones, those count as if it had gone on likewise.
func entryNumber(name string) (number int64, ok bool) {
	number, err := strconv.ParseInt(name, 10, 64)
	if err != nil || entryName(number) != name || number < math.MinInt32 {
		return 0, false
	}
	if number < 0 {
		number += 1 << 32
	}
	return number, true
}

func entryName(number int64) string { return fmt.Sprintf("%010d", number) }

// nameOf is the last element of a path.
func nameOf(full string) string { return full[strings.LastIndexByte(full, '/')+1:] }

package diff

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// keyAliases says which members of stored go by a key of before or after that differs
// from theirs only in case.
type keyAliases struct {
	names map[int]value   // by the position of the key in stored
	taken map[string]bool // the names that are aliases
}

// aliases finds those members of stored that neither before nor after has, and for which
// one of them has one that stored has not.
func aliases(s, b, a value, inStored *memberIndex) (found keyAliases) {
	var spare map[string]value
	for _, v := range [...]value{b, a} {
		for i := 0; i < len(v.kids()); i += 2 {
			if key := v.kid(i); inStored.find(s, key, i) < 0 {
				if spare == nil {
					spare = make(map[string]value)
				}
				spare[string(appendFolded(nil, decoded(key.text())))] = key
			}
		}
	}
	if spare == nil {
		return found
	}
	var inBefore, inAfter memberIndex
	for i := 0; i < int(s.n); i += 2 {
		key := s.kid(i)
		if inBefore.find(b, key, i) >= 0 || inAfter.find(a, key, i) >= 0 {
			continue
		}
		if other, ok := spare[string(appendFolded(nil, decoded(key.text())))]; ok {
			if found.names == nil {
				found = keyAliases{make(map[int]value), make(map[string]bool)}
			}
			found.names[i] = other
			found.taken[string(decoded(other.text()))] = true
		}
	}
	return found
}

// name returns the key by which before and after know the member of stored.
func (x keyAliases) name(key value, i int) value {
	if other, ok := x.names[i]; ok {
		return other
	}
	return key
}

func (x keyAliases) has(key value) bool {
	return len(x.taken) > 0 && x.taken[string(decoded(key.text()))]
}

// appendFolded appends a key so that keys which differ only in case become the same, by
// the rule of encoding/json.
func appendFolded(dst, key []byte) []byte {
	for i := 0; i < len(key); {
		if c := key[i]; c < utf8.RuneSelf {
			if 'a' <= c && c <= 'z' {
				c -= 'a' - 'A'
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, size := utf8.DecodeRune(key[i:])
		dst = utf8.AppendRune(dst, foldRune(r))
		i += size
	}
	return dst
}

// foldRune returns the least of the runes that differ from r only in case.
func foldRune(r rune) rune {
	least := r
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		least = min(least, other)
	}
	return least
}

func sameFolded(a, b []byte) bool {
	return bytes.Equal(appendFolded(nil, decoded(a)), appendFolded(nil, decoded(b)))
}

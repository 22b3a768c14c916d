package diff

// sides returns two lists with what identifies their elements, if the same key does
// in both.
func (a *aligner) sides(x, y value) (old, new side) {
	for _, key := range a.keys {
		if xs := identities(x, key); xs != nil {
			if ys := identities(y, key); ys != nil {
				return side{x, xs}, side{y, ys}
			}
		}
	}
	return side{value: x}, side{value: y}
}

// identities returns the members of that name, one for each element of a list, or
// nil if they do not tell the elements apart. An empty list has none to tell apart.
func identities(list value, name string) []value {
	ids := make([]value, list.n)
	seen := interner{ids: make(map[uint64]int32, list.n)}
	for i := range ids {
		if ids[i] = member(list.kid(i), name); !ids[i].isIdentity() || int(seen.id(ids[i], true)) != i {
			return nil
		}
	}
	return ids
}

// member returns the member of an object, if v is one and has it.
func member(v value, name string) value {
	if !v.isObject() {
		return value{}
	}
	for i := 0; i < int(v.n); i += 2 {
		if string(decoded(v.kid(i).text())) == name {
			return v.kid(i + 1)
		}
	}
	return value{}
}

func (v value) isIdentity() bool {
	if !v.exists() {
		return false
	}
	c := v.text()[0]
	return c == '"' || c == '-' || isDigit(c)
}

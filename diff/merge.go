package diff

// Merge carries what changed from before to after over to stored, and leaves the
// rest of stored as it is: members that neither before nor after has stay, and so
// does the order of keys. Members that are new are appended in the order of after.
// A list is merged element by element if stored's is as long as before's, else it
// is replaced. The result has no white space; leaves keep their text.
//
// It is how a program writes a struct back onto a document that has fields which
// the struct does not know: before and after are the struct's own encodings.
// Merge(d, d, after) is after. Errors: a *[SyntaxError] for any of the texts.
func Merge(stored, before, after []byte) ([]byte, error) {
	s, err := parse(stored)
	if err != nil {
		return nil, err
	}
	b, err := parse(before)
	if err != nil {
		return nil, err
	}
	a, err := parse(after)
	if err != nil {
		return nil, err
	}
	merged := merge(s, b, a)
	return merged.append(nil), nil
}

func merge(s, b, a *node) node {
	switch {
	case b.equal(a):
		return *s
	case s.kind == object && b.kind == object && a.kind == object:
		return mergeObjects(s, b, a)
	case s.kind == list && b.kind == list && a.kind == list && len(s.items) == len(b.items):
		return mergeLists(s, b, a)
	}
	return *a
}

func mergeObjects(s, b, a *node) node {
	result := node{kind: object}
	for i := range s.members {
		m := s.members[i]
		old, now := b.find(m.key), a.find(m.key)
		switch {
		case old != nil && now == nil:
			continue
		case old != nil:
			m.value = merge(&m.value, old, now)
		case now != nil:
			m.value = *now
		}
		result.members = append(result.members, m)
	}
	for i := range a.members {
		m := a.members[i]
		if s.find(m.key) != nil {
			continue
		}
		if old := b.find(m.key); old != nil && old.equal(&m.value) {
			continue // stored does without it, and nobody touched it
		}
		result.members = append(result.members, m)
	}
	return result
}

func mergeLists(s, b, a *node) node {
	result := node{kind: list, items: make([]node, len(a.items))}
	copy(result.items, a.items)
	for _, p := range align(b.items, a.items) {
		result.items[p.new] = merge(&s.items[p.old], &b.items[p.old], &a.items[p.new])
	}
	return result
}

package diff

// Merge carries what changed from before to after over to stored, and leaves the
// rest of stored as it is, byte by byte: members that neither before nor after has,
// the order of keys, how numbers and strings are written, and white space. Members
// that are new are appended in the order of after. What before has and after does
// without goes as a whole. A list is merged element by
// element if stored's is as long as before's, else it is replaced. An element that
// moved keeps what it carries; if others went, moved or changed at the same time, it
// takes [ByKey] to tell them apart. What is new is written as in after, without white
// space, where stored has none to go by. An empty text is no document; if there is none
// to store, the result is nil.
//
// Keys that differ only in case are two keys. But encoding/json reads a member "Name"
// into a field "name" if there is no better one: a member of stored that is in neither
// before nor after, while they have one that stored has not and that differs from it
// only in case, is taken for that one, and keeps its key.
//
// It is how a program writes a struct back onto a document that has fields which
// the struct does not know: before and after are the struct's own encodings.
// Merge(d, d, after) is after. Errors: a *[SyntaxError] for any of the texts.
func Merge(stored, before, after []byte, opts ...Option) ([]byte, error) {
	s, err := parseOptional(stored)
	if err != nil {
		return nil, err
	}
	b, err := parseOptional(before)
	if err != nil {
		return nil, err
	}
	a, err := parseOptional(after)
	if err != nil {
		return nil, err
	}
	m := merger{aligner: aligner{keys: newOptions(opts).keys, budget: alignBudget}}
	if s.exists() && (a.exists() || same(b, a)) {
		m.out = append(make([]byte, 0, len(stored)+max(0, len(after)-len(before))), stored[:s.start]...)
		m.merge(s, b, a)
		m.out = append(m.out, stored[s.end:]...)
	} else {
		m.merge(s, b, a)
	}
	release(s, b, a)
	return m.out, nil
}

// merger writes the merged document.
type merger struct {
	out []byte
	aligner
}

func (m *merger) merge(s, b, a value) {
	switch {
	case same(b, a):
		m.copy(s)
	case s.isObject() && b.isObject() && a.isObject():
		m.objects(s, b, a)
	case s.isList() && b.isList() && a.isList() && s.n == b.n:
		m.lists(s, b, a)
	default:
		m.write(a)
	}
}

// copy writes a value of stored as it stands there.
func (m *merger) copy(v value) {
	if v.exists() {
		m.out = append(m.out, v.text()...)
	}
}

// write writes a value that is new.
func (m *merger) write(v value) {
	if v.exists() {
		m.out = appendCompact(m.out, v.text())
	}
}

func (m *merger) objects(s, b, a value) {
	var inStored, inBefore, inAfter memberIndex
	aliases := aliases(s, b, a, &inStored)
	l := layoutOf(s, 2)
	m.out = append(m.out, '{')
	for i := 0; i < int(s.n); i += 2 {
		key := aliases.name(s.kid(i), i)
		bi, ai := inBefore.find(b, key, i), inAfter.find(a, key, i)
		if bi >= 0 && ai < 0 {
			continue
		}
		m.next(l, i)
		m.copy(s.kid(i))
		m.out = append(m.out, l.between(i+1)...)
		switch {
		case bi >= 0:
			m.merge(s.kid(i+1), b.kid(bi+1), a.kid(ai+1))
		case ai >= 0 && s.kid(i+1).isObject() && a.kid(ai+1).isObject():
			m.objects(s.kid(i+1), value{}, a.kid(ai+1)) // before left it out: it had nothing there that before knows
		case ai >= 0:
			m.write(a.kid(ai + 1))
		default: // neither knows it
			m.copy(s.kid(i + 1))
		}
		m.out = append(m.out, l.behind(i)...)
	}
	for i := 0; i < int(a.n); i += 2 {
		key := a.kid(i)
		if inStored.find(s, key, i) >= 0 || aliases.has(key) {
			continue
		}
		if bi := inBefore.find(b, key, i); bi >= 0 && same(b.kid(bi+1), a.kid(i+1)) {
			continue // stored does without it, and nobody touched it
		}
		m.next(l, int(s.n))
		m.write(key)
		m.out = append(m.out, l.colon...)
		m.write(a.kid(i + 1))
	}
	m.out = append(append(m.out, l.end...), '}')
}

func (m *merger) lists(s, b, a value) {
	al := m.align(b, a)
	al.pairMoved() // an element keeps what it carries
	al.pairGaps()
	l := layoutOf(s, 1)
	m.out = append(m.out, '[')
	for j := range int(a.n) {
		i := al.source(j)
		if i < 0 {
			m.next(l, int(s.n))
			m.write(a.kid(j))
			continue
		}
		m.next(l, i)
		m.merge(s.kid(i), b.kid(i), a.kid(j))
		m.out = append(m.out, l.behind(i)...)
	}
	m.out = append(append(m.out, l.end...), ']')
}

// next writes what stands before a member or an element: the comma, unless it comes
// first, and white space. i is where it is in stored; of one that is new, the number of
// children there.
func (m *merger) next(l layout, i int) {
	if last := m.out[len(m.out)-1]; last == '[' || last == '{' {
		m.out = append(m.out, l.open...)
		return
	}
	m.out = append(append(m.out, ','), l.before(i)...)
}

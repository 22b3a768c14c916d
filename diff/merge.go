package diff

// Merge carries what changed from before to after over to stored, and leaves the
// rest of stored as it is: members that neither before nor after has stay, and so
// does the order of keys. Members that are new are appended in the order of after.
// What before has and after does without goes as a whole. A list is merged element by
// element if stored's is as long as before's, else it is replaced. An element that
// moved keeps what it carries; if others went, moved or changed at the same time, it
// takes [ByKey] to tell them apart. The result has no white space; leaves and keys keep their text. An empty text is no
// document; if there is none to store, the result is nil.
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
	m.merge(s, b, a)
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
		m.write(s)
	case s.isObject() && b.isObject() && a.isObject():
		m.objects(s, b, a)
	case s.isList() && b.isList() && a.isList() && s.n == b.n:
		m.lists(s, b, a)
	default:
		m.write(a)
	}
}

func (m *merger) write(v value) {
	if v.exists() {
		m.out = appendCompact(m.out, v.text())
	}
}

// next writes what separates an element or member from the one before.
func (m *merger) next() {
	if last := m.out[len(m.out)-1]; last != '[' && last != '{' {
		m.out = append(m.out, ',')
	}
}

func (m *merger) member(key value) {
	m.next()
	m.write(key)
	m.out = append(m.out, ':')
}

func (m *merger) objects(s, b, a value) {
	var inStored, inBefore, inAfter memberIndex
	m.out = append(m.out, '{')
	for i := 0; i < int(s.n); i += 2 {
		key := s.kid(i)
		bi, ai := inBefore.find(b, key, i), inAfter.find(a, key, i)
		switch {
		case bi >= 0 && ai >= 0:
			m.member(key)
			m.merge(s.kid(i+1), b.kid(bi+1), a.kid(ai+1))
		case ai >= 0 && s.kid(i+1).isObject() && a.kid(ai+1).isObject():
			m.member(key) // before left it out: it had nothing there that before knows
			m.objects(s.kid(i+1), value{}, a.kid(ai+1))
		case ai >= 0:
			m.member(key)
			m.write(a.kid(ai + 1))
		case bi < 0: // neither knows it
			m.member(key)
			m.write(s.kid(i + 1))
		}
	}
	for i := 0; i < int(a.n); i += 2 {
		key := a.kid(i)
		if inStored.find(s, key, i) >= 0 {
			continue
		}
		if bi := inBefore.find(b, key, i); bi >= 0 && same(b.kid(bi+1), a.kid(i+1)) {
			continue // stored does without it, and nobody touched it
		}
		m.member(key)
		m.write(a.kid(i + 1))
	}
	m.out = append(m.out, '}')
}

func (m *merger) lists(s, b, a value) {
	al := m.align(b, a)
	al.pairMoved() // an element keeps what it carries
	al.pairGaps()
	m.out = append(m.out, '[')
	for j := range int(a.n) {
		m.next()
		if i := al.source(j); i >= 0 {
			m.merge(s.kid(i), b.kid(i), a.kid(j))
		} else {
			m.write(a.kid(j))
		}
	}
	m.out = append(m.out, ']')
}

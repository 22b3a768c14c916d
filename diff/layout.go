package diff

import "bytes"

// layout is the white space in a list or an object of the stored document. What is new
// there is laid out like what it finds.
type layout struct {
	of    value
	step  int    // children for each element or member
	open  []byte // before the first
	comma []byte // behind a comma
	colon []byte // the colon and what is around it
	end   []byte // behind the last
}

func layoutOf(v value, step int) layout {
	l := layout{of: v, step: step, colon: []byte(":")}
	n := int(v.n)
	if n == 0 {
		return l
	}
	src := v.t.src
	l.open = src[v.start+1 : v.kid(0).start]
	l.end = src[v.kid(n-1).end : v.end-1]
	if l.comma = l.open; n > step {
		l.comma = l.before(step)
	}
	if step == 2 {
		l.colon = src[v.kid(0).end:v.kid(1).start]
	}
	return l
}

// before is the white space behind the comma that stands before the i-th child.
func (l layout) before(i int) []byte {
	if i == 0 || i >= int(l.of.n) {
		return l.comma
	}
	gap := l.between(i)
	return gap[bytes.IndexByte(gap, ',')+1:]
}

// behind is the white space between an element or member, which begins with the i-th
// child, and the comma that follows it.
func (l layout) behind(i int) []byte {
	next := i + l.step
	if next >= int(l.of.n) {
		return nil
	}
	gap := l.between(next)
	return gap[:bytes.IndexByte(gap, ',')]
}

// between is what stands between the i-th child and the one before.
func (l layout) between(i int) []byte {
	return l.of.t.src[l.of.kid(i-1).end:l.of.kid(i).start]
}

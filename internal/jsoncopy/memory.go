package jsoncopy

import (
	"slices"
)

// memory is where a copy is put. Short lists of strings share allocations: there may be
// thousands, and together they are not much larger than what one of them may keep alive.
type memory struct {
	strings []string
	depth   int  // how many lists, maps and pointers the copy is in
	tooDeep bool // that were too many: the copy is of no use
}

// maxDepth is more than a document may have.
const maxDepth = 1000

// enter notes that the copy goes into a list, a map or a pointer, and reports whether it may.
func (m *memory) enter() bool {
	m.tooDeep = m.tooDeep || m.depth == maxDepth
	if !m.tooDeep {
		m.depth++
	}
	return !m.tooDeep
}

func (m *memory) leave() { m.depth-- }

const (
	sharedStrings = 64 // in one allocation, at most
	shortStrings  = 8  // a list that gets a part of one
)

func (m *memory) clone(list []string) []string {
	n := len(list)
	if n == 0 || n > shortStrings {
		return slices.Clone(list)
	}
	if cap(m.strings)-len(m.strings) < n {
		m.strings = make([]string, 0, max(n, min(2*cap(m.strings), sharedStrings)))
	}
	start := len(m.strings)
	m.strings = append(m.strings, list...)
	return m.strings[start : start+n : start+n]
}

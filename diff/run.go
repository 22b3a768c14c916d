package diff

import (
	"fmt"
	"strconv"
	"strings"
)

// run returns how many of the first operations can be done to one list at once:
// removed from the back or added from the front. It is 1 for any other operation.
func (p Patch) run() int {
	parent, last, ok := p[0].element()
	n := 1
	for ; ok && n < len(p) && p[n].Op == p[0].Op; n++ {
		nextParent, next, isElement := p[n].element()
		if !isElement || nextParent != parent || next == last || (next > last) != (p[0].Op == "add") {
			break
		}
		last = next
	}
	return n
}

// element splits the path of an operation that may add or remove an element of a
// list.
func (o Operation) element() (parent string, i int, ok bool) {
	if o.Op != "add" && o.Op != "remove" {
		return "", 0, false
	}
	slash := strings.LastIndexByte(o.Path, '/')
	if slash < 0 {
		return "", 0, false
	}
	i, err := strconv.Atoi(o.Path[slash+1:])
	return o.Path[:slash], i, err == nil && i >= 0 && strconv.Itoa(i) == o.Path[slash+1:]
}

// applyRun adds or removes elements, which are depth levels down the document.
func (l *listDraft) applyRun(run Patch, depth int) (done int, err error) {
	indexes, values := make([]int, len(run)), make([]*draft, len(run))
	for k, o := range run {
		_, i, _ := o.element()
		indexes[k] = i
		if o.Op == "remove" {
			if i >= len(l.items) {
				return k, fmt.Errorf("%q: the list has %d elements: %w", o.Path, len(l.items)-k, ErrPointer)
			}
			continue
		}
		if err := o.check(); err != nil {
			return k, err
		}
		if i > len(l.items)+k {
			return k, fmt.Errorf("%q: the list has %d elements: %w", o.Path, len(l.items)+k, ErrPointer)
		}
		v, err := parseAt(o.Value, depth)
		if err != nil {
			return k, err
		}
		values[k] = &draft{value: v}
	}
	if run[0].Op == "remove" {
		l.remove(indexes)
	} else {
		l.insert(indexes, values)
	}
	return 0, nil
}

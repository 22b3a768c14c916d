package diff

import (
	"fmt"
	"slices"
)

// draft is a value that can be changed. Until something inside it changes, it is
// just a reference to where it was parsed.
type draft struct {
	value  // if neither list nor object
	list   *listDraft
	object *objectDraft
}

type listDraft struct{ items []*draft }

type objectDraft struct {
	members []memberDraft  // in order; a removed one has no value
	at      map[string]int // by name
}

type memberDraft struct {
	key   []byte // its text
	value *draft
}

// open makes the children of a container drafts of their own.
func (d *draft) open() {
	if d.list != nil || d.object != nil || !d.isList() && !d.isObject() {
		return
	}
	drafts := make([]draft, d.n)
	for i := range drafts {
		drafts[i].value = d.kid(i)
	}
	if d.isList() {
		d.list = &listDraft{items: make([]*draft, len(drafts))}
		for i := range drafts {
			d.list.items[i] = &drafts[i]
		}
		return
	}
	d.object = &objectDraft{make([]memberDraft, 0, len(drafts)/2), make(map[string]int, len(drafts)/2)}
	for i := 0; i < len(drafts); i += 2 {
		d.object.at[d.name(i)] = len(d.object.members)
		d.object.members = append(d.object.members, memberDraft{drafts[i].text(), &drafts[i+1]})
	}
}

// child returns what is one step down, or nil.
func (d *draft) child(s Step) *draft {
	if d == nil {
		return nil
	}
	d.open()
	switch {
	case s.inArray:
		if d.list != nil && s.index >= 0 && s.index < len(d.list.items) {
			return d.list.items[s.index]
		}
	case d.object != nil:
		if i, ok := d.object.at[s.key]; ok {
			return d.object.members[i].value
		}
	}
	return nil
}

// walk returns the place that the tokens of a pointer lead to.
func (d *draft) walk(tokens []string, pointer string) (*draft, error) {
	if d == nil {
		return nil, fmt.Errorf("%q: there is no document: %w", pointer, ErrPointer)
	}
	for _, token := range tokens {
		found, err := d.step(token, pointer)
		if err != nil {
			return nil, err
		}
		d = found
	}
	return d, nil
}

// step returns the place one token down.
func (d *draft) step(token, pointer string) (*draft, error) {
	d.open()
	s := Key(token)
	if d.list != nil {
		i, err := index(token, len(d.list.items), pointer)
		if err != nil {
			return nil, err
		}
		s = Index(i)
	}
	if found := d.child(s); found != nil {
		return found, nil
	}
	return nil, fmt.Errorf("%q: there is no %q: %w", pointer, token, ErrPointer)
}

// put adds v one token down: over a member of that name, before the element of that
// index, or behind the last.
func (d *draft) put(token string, v *draft, pointer string) error {
	d.open()
	switch {
	case d.object != nil:
		if found := d.child(Key(token)); found != nil {
			*found = *v
		} else {
			d.object.add(token, v)
		}
	case d.list != nil:
		i, err := index(token, len(d.list.items), pointer)
		if err != nil {
			return err
		}
		if i > len(d.list.items) {
			return fmt.Errorf("%q: the list has %d elements: %w", pointer, len(d.list.items), ErrPointer)
		}
		d.list.items = slices.Insert(d.list.items, i, v)
	default:
		return fmt.Errorf("%q: its parent is neither object nor list: %w", pointer, ErrPointer)
	}
	return nil
}

// take removes what is one token down and returns it.
func (d *draft) take(token, pointer string) (*draft, error) {
	found, err := d.step(token, pointer)
	if err != nil {
		return nil, err
	}
	if d.object != nil {
		d.object.remove(token)
		return found, nil
	}
	i, err := index(token, len(d.list.items), pointer)
	if err == nil {
		d.list.items = slices.Delete(d.list.items, i, i+1)
	}
	return found, err
}

// add puts v under a name that is free.
func (o *objectDraft) add(name string, v *draft) {
	o.at[name] = len(o.members)
	o.members = append(o.members, memberDraft{appendQuoted(nil, name), v})
}

// remove takes a member out, if it is there.
func (o *objectDraft) remove(name string) {
	if i, ok := o.at[name]; ok {
		o.members[i].value = nil
		delete(o.at, name)
	}
}

// remove takes out elements by index, which descend.
func (l *listDraft) remove(indexes []int) {
	for _, i := range indexes {
		l.items[i] = nil
	}
	l.items = slices.DeleteFunc(l.items, func(d *draft) bool { return d == nil })
}

// insert puts in values; indexes ascend and are those of the result.
func (l *listDraft) insert(indexes []int, values []*draft) {
	items := make([]*draft, 0, len(l.items)+len(values))
	for k, i := range indexes {
		kept := i - len(items)
		items = append(append(items, l.items[:kept]...), values[k])
		l.items = l.items[kept:]
	}
	l.items = append(items, l.items...)
}

// append writes the value without white space.
func (d *draft) append(dst []byte) []byte {
	switch {
	case d.list != nil:
		dst = append(dst, '[')
		for i, item := range d.list.items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = item.append(dst)
		}
		return append(dst, ']')
	case d.object != nil:
		dst = append(dst, '{')
		first := true
		for _, m := range d.object.members {
			if m.value == nil {
				continue
			}
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = append(append(dst, m.key...), ':')
			dst = m.value.append(dst)
		}
		return append(dst, '}')
	}
	return appendCompact(dst, d.text())
}

// is reports whether the draft holds the value of a text.
func (d *draft) is(text []byte) bool { return d.equals(text, same) }

// equals compares the draft with the value of a text.
func (d *draft) equals(text []byte, equal func(a, b value) bool) bool {
	want, err := parse(text)
	if d == nil || err != nil {
		return false
	}
	now := d.value
	if d.list != nil || d.object != nil {
		if now, err = parse(d.append(nil)); err != nil {
			return false
		}
	}
	return equal(now, want)
}

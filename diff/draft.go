package diff

import "slices"

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
func (d *draft) is(text []byte) bool {
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
	return same(now, want)
}

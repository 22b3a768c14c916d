package diff

// MergePatch applies a JSON Merge Patch (RFC 7396) to doc and returns the document that
// results, without white space: the members of the patch are set, those that are null are
// removed, and objects are merged member by member. A patch that is no object replaces the
// whole document. Numbers keep their digits, and members their order. The result may share
// memory with the arguments. The error is a *[SyntaxError] of one of the texts.
//
// It takes time linear in doc and patch.
func MergePatch(doc, patch []byte) ([]byte, error) {
	root, err := parse(doc)
	if err != nil {
		return nil, err
	}
	p, err := parse(patch)
	if err != nil {
		return nil, err
	}
	d := &draft{value: root}
	d.mergePatch(p)
	return d.append(nil), nil
}

func (d *draft) mergePatch(patch value) {
	if !patch.isObject() {
		*d = draft{value: patch}
		return
	}
	if d.open(); d.object == nil {
		*d = draft{object: &objectDraft{at: make(map[string]int)}}
	}
	for i := 0; i < int(patch.n); i += 2 {
		name, v := patch.name(i), patch.kid(i+1)
		if string(v.text()) == "null" {
			d.object.remove(name)
			continue
		}
		member := d.child(Key(name))
		if member == nil {
			member = new(draft)
			d.object.add(name, member)
		}
		member.mergePatch(v)
	}
}

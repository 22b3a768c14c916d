package diff

import "sync"

// parse reads a document. The value refers to src.
func parse(src []byte) (value, error) { return parseAt(src, 0) }

// parseAt is parse for what is to stand depth levels down a document.
func parseAt(src []byte, depth int) (value, error) {
	v, good := build(src, depth)
	if !good {
		return value{}, explain(src, depth)
	}
	return v, nil
}

// build is parseAt for whom it is enough to know that something is wrong.
func build(src []byte, depth int) (v value, good bool) {
	s := scanners.Get().(*scanner)
	defer s.release()
	t := trees.Get().(*tree)
	root, good := s.build(src, depth, t)
	v = value{t, root}
	if !good {
		release(v)
		return value{}, false
	}
	return v, true
}

// buildBoth builds two documents, at the same time if that is worth a goroutine.
func buildBoth(old, new []byte, depth int) (x, y value, oldGood, newGood bool) {
	const large = 16 << 10 // bytes: some 50 µs of work
	if min(len(old), len(new)) < large {
		x, oldGood = build(old, depth)
		y, newGood = build(new, depth)
		return x, y, oldGood, newGood
	}
	var other sync.WaitGroup
	other.Go(func() { x, oldGood = build(old, depth) })
	y, newGood = build(new, depth)
	other.Wait()
	return x, y, oldGood, newGood
}

// parseOptional is parse, where an empty text is no document.
func parseOptional(src []byte) (value, error) {
	if len(src) == 0 {
		return value{}, nil
	}
	return parse(src)
}

// trees recycles the memory of documents; release puts it back. What was made of a
// released value must not refer to it.
var trees = sync.Pool{New: func() any { return new(tree) }}

func release(values ...value) {
	const largest = 1 << 20 // nodes: what is larger is rare, and not worth keeping
	for _, v := range values {
		if v.t != nil && cap(v.t.nodes) <= largest {
			v.t.src = nil
			trees.Put(v.t)
		}
	}
}

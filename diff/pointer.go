package diff

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Lookup returns the value that a JSON Pointer (RFC 6901) leads to, as it stands in
// the document. Errors match [ErrPointer] if there is none, [ErrPointerSyntax] if
// the pointer is malformed; a *[SyntaxError] is the document's.
func Lookup(doc []byte, pointer string) (json.RawMessage, error) {
	tokens, root, err := open(doc, pointer)
	if err != nil {
		return nil, err
	}
	found, err := root.walk(tokens, pointer)
	if err != nil {
		return nil, err
	}
	return slices.Clone(found.raw), nil
}

// Set returns the document with value at the place that pointer leads to, replaced
// or added, without white space. The place's parent must exist. The last token "-",
// or the length of the list, appends. The pointer "" replaces the whole document.
// Errors are those of [Lookup]; a *[SyntaxError] may be the value's too.
func Set(doc []byte, pointer string, value []byte) ([]byte, error) {
	v, err := parse(value)
	if err != nil {
		return nil, err
	}
	tokens, root, err := open(doc, pointer)
	if err != nil {
		return nil, err
	}
	if len(tokens) == 0 {
		return v.append(nil), nil
	}
	last := tokens[len(tokens)-1]
	parent, err := root.walk(tokens[:len(tokens)-1], pointer)
	if err != nil {
		return nil, err
	}
	switch parent.kind {
	case object:
		parent.set(last, *v)
	case list:
		i, err := index(last, len(parent.items), pointer)
		switch {
		case err != nil:
			return nil, err
		case i > len(parent.items):
			return nil, fmt.Errorf("%q: the list has %d elements: %w", pointer, len(parent.items), ErrPointer)
		case i == len(parent.items):
			parent.items = append(parent.items, *v)
		default:
			parent.items[i] = *v
		}
	default:
		return nil, fmt.Errorf("%q: its parent is neither object nor list: %w", pointer, ErrPointer)
	}
	result := root.append(nil)
	return result, Check(result) // the two may nest too deep together
}

// Unset returns the document without the value that pointer leads to, without white
// space. Errors are those of [Lookup]; the whole document cannot be unset.
func Unset(doc []byte, pointer string) ([]byte, error) {
	tokens, root, err := open(doc, pointer)
	if err != nil {
		return nil, err
	}
	if len(tokens) == 0 {
		return nil, fmt.Errorf("%q is the whole document, which cannot be unset: %w", pointer, ErrPointerSyntax)
	}
	if _, err := root.walk(tokens, pointer); err != nil {
		return nil, err
	}
	last := tokens[len(tokens)-1]
	parent, err := root.walk(tokens[:len(tokens)-1], pointer)
	if err != nil {
		return nil, err
	}
	if parent.kind == object {
		parent.unset(last)
	} else {
		i, err := index(last, len(parent.items), pointer)
		if err != nil {
			return nil, err
		}
		parent.items = slices.Delete(parent.items, i, i+1)
	}
	return root.append(nil), nil
}

func open(doc []byte, pointer string) (tokens []string, root *node, err error) {
	if tokens, err = split(pointer); err != nil {
		return nil, nil, err
	}
	root, err = parse(doc)
	return tokens, root, err
}

// split returns a pointer's tokens, unescaped.
func split(pointer string) ([]string, error) {
	if pointer == "" {
		return nil, nil
	}
	if pointer[0] != '/' {
		return nil, fmt.Errorf("%q: it must be empty or begin with /: %w", pointer, ErrPointerSyntax)
	}
	tokens := strings.Split(pointer[1:], "/")
	for i, token := range tokens {
		for j := range len(token) {
			if token[j] == '~' && (j+1 == len(token) || token[j+1] != '0' && token[j+1] != '1') {
				return nil, fmt.Errorf("%q: ~ must be followed by 0 or 1: %w", pointer, ErrPointerSyntax)
			}
		}
		tokens[i] = unescaper.Replace(token)
	}
	return tokens, nil
}

// walk returns the value that tokens lead to from n.
func (n *node) walk(tokens []string, pointer string) (*node, error) {
	for _, token := range tokens {
		next := (*node)(nil)
		switch n.kind {
		case object:
			next = n.find(token)
		case list:
			i, err := index(token, len(n.items), pointer)
			if err != nil {
				return nil, err
			}
			next = n.child(Index(i))
		}
		if next == nil {
			return nil, fmt.Errorf("%q: there is no %q: %w", pointer, token, ErrPointer)
		}
		n = next
	}
	return n, nil
}

// index reads a list index; "-" is the place behind the last of n.
func index(token string, n int, pointer string) (int, error) {
	if token == "-" {
		return n, nil
	}
	i, err := strconv.Atoi(token)
	if err != nil || i < 0 || strconv.Itoa(i) != token {
		return 0, fmt.Errorf("%q: %q is no index of a list: %w", pointer, token, ErrPointer)
	}
	return i, nil
}

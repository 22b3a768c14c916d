package diff

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Lookup returns the value that a JSON Pointer (RFC 6901) leads to, as it stands in
// the document. Errors match [ErrPointer] if there is none, [ErrPointerSyntax] if
// the pointer is malformed; a *[SyntaxError] is the document's.
func Lookup(doc []byte, pointer string) (json.RawMessage, error) {
	tokens, root, err := open(doc, pointer)
	if err != nil {
		return nil, err
	}
	for _, token := range tokens {
		if root, err = step(root, token, pointer); err != nil {
			return nil, err
		}
	}
	return slices.Clone(root.text()), nil
}

// Set returns the document with value at the place that pointer leads to, replaced
// or added, without white space. The place's parent must exist. The last token "-",
// or the length of the list, appends. The pointer "" replaces the whole document.
// Errors are those of [Lookup]; a *[SyntaxError] may be the value's too.
func Set(doc []byte, pointer string, value []byte) ([]byte, error) {
	tokens, root, err := open(doc, pointer)
	if err != nil {
		return nil, err
	}
	v, err := parseAt(value, len(tokens))
	if err != nil {
		return nil, err
	}
	if len(tokens) == 0 {
		return appendCompact(nil, v.text()), nil
	}
	d := &draft{value: root}
	last := len(tokens) - 1
	parent, err := d.walk(tokens[:last], pointer)
	if err != nil {
		return nil, err
	}
	if found, err := parent.step(tokens[last], pointer); err == nil {
		*found = draft{value: v}
	} else if err := parent.put(tokens[last], &draft{value: v}, pointer); err != nil {
		return nil, err
	}
	return d.append(nil), nil
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
	d := &draft{value: root}
	last := len(tokens) - 1
	parent, err := d.walk(tokens[:last], pointer)
	if err != nil {
		return nil, err
	}
	if _, err := parent.take(tokens[last], pointer); err != nil {
		return nil, err
	}
	return d.append(nil), nil
}

func open(doc []byte, pointer string) (tokens []string, root value, err error) {
	if tokens, err = split(pointer); err != nil {
		return nil, value{}, err
	}
	root, err = parse(doc)
	return tokens, root, err
}

// split returns a pointer's tokens, unescaped.
func split(pointer string) ([]string, error) {
	if pointer == "" {
		return nil, nil
	}
	if !utf8.ValidString(pointer) {
		return nil, fmt.Errorf("%q: it must be UTF-8: %w", pointer, ErrPointerSyntax)
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

// step returns the value that token leads to from v.
func step(v value, token, pointer string) (value, error) {
	switch {
	case v.isObject():
		if found := member(v, token); found.exists() {
			return found, nil
		}
	case v.isList():
		i, err := index(token, int(v.n), pointer)
		if err != nil {
			return value{}, err
		}
		if i < int(v.n) {
			return v.kid(i), nil
		}
	}
	return value{}, fmt.Errorf("%q: there is no %q: %w", pointer, token, ErrPointer)
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

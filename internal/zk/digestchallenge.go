package zk

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxChallenge bounds what a server sends, as the RFC does.
const maxChallenge = 2048

// challenge is what a server of DIGEST-MD5 announces.
type challenge struct {
	realm, nonce string
	utf8         bool
}

func parseChallenge(text []byte) (challenge, error) {
	fields, err := parseDirectives(text)
	if err != nil {
		return challenge{}, err
	}
	c := challenge{}
	qop, algorithm := "auth", ""
	seen := map[string]bool{}
	for _, field := range fields {
		if seen[field.name] && field.name != "realm" { // of several realms the first is as good
			return challenge{}, fmt.Errorf("the challenge has %q twice", field.name)
		}
		switch field.name {
		case "realm":
			if !seen["realm"] {
				c.realm = field.value
			}
		case "nonce":
			c.nonce = field.value
		case "qop":
			qop = field.value
		case "algorithm":
			algorithm = field.value
		case "charset":
			if !strings.EqualFold(field.value, "utf-8") {
				return challenge{}, errors.New("the challenge has a charset other than utf-8")
			}
			c.utf8 = true
		}
		seen[field.name] = true
	}
	offers := strings.FieldsFunc(qop, func(r rune) bool { return r == ',' || strings.ContainsRune(blanks, r) })
	switch {
	case c.nonce == "":
		return challenge{}, errors.New("the challenge has no nonce")
	case algorithm != "md5-sess":
		return challenge{}, errors.New("the challenge has another algorithm than md5-sess")
	case !slices.Contains(offers, "auth"):
		return challenge{}, errors.New("the server does not offer authentication alone (qop=auth)")
	}
	return c, nil
}

// encode returns the text as it goes over the network. The error does not show it.
func (c challenge) encode(what, text string) (string, error) {
	if c.utf8 {
		return text, nil
	}
	encoded, ok := latin1(text)
	if !ok {
		return "", fmt.Errorf("the %s is not Latin-1, and the server does not announce UTF-8", what)
	}
	return encoded, nil
}

// directive is one name=value of a challenge. The value is without its quotes.
type directive struct{ name, value string }

const blanks = " \t\r\n"

var errChallenge = errors.New("the challenge is not of DIGEST-MD5")

// parseDirectives reads name=value,name="quoted value". Empty elements are allowed.
func parseDirectives(text []byte) ([]directive, error) {
	if len(text) > maxChallenge {
		return nil, fmt.Errorf("the challenge has %d bytes, the limit is %d", len(text), maxChallenge)
	}
	var fields []directive
	rest := string(text)
	for {
		rest = strings.TrimLeft(rest, ","+blanks)
		if rest == "" {
			return fields, nil
		}
		name, after, ok := strings.Cut(rest, "=")
		name = strings.TrimRight(name, blanks)
		if !ok || name == "" || strings.ContainsFunc(name, notInToken) {
			return nil, errChallenge
		}
		value, after, err := parseValue(strings.TrimLeft(after, blanks))
		if err != nil {
			return nil, err
		}
		fields = append(fields, directive{strings.ToLower(name), value})
		rest = strings.TrimLeft(after, blanks)
		if rest != "" && rest[0] != ',' {
			return nil, errChallenge
		}
	}
}

func parseValue(text string) (value, rest string, err error) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexFunc(text, notInToken)
		if end < 0 {
			end = len(text)
		}
		if end == 0 {
			return "", "", errChallenge
		}
		return text[:end], text[end:], nil
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '"':
			return b.String(), text[i+1:], nil
		case '\\':
			if i++; i == len(text) {
				return "", "", errChallenge
			}
		}
		b.WriteByte(text[i])
	}
	return "", "", errChallenge
}

// notInToken allows the characters of an unquoted value.
func notInToken(r rune) bool {
	return r <= ' ' || r >= 0x7F || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r)
}

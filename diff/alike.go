package diff

import (
	"bytes"
	"strconv"
)

// alike reports whether a test operation takes two values for equal. RFC 6902 has
// numbers equal by their value: 1, 1.0 and 10e-1 are alike, though not the same.
func alike(a, b value) bool {
	at, bt := a.text(), b.text()
	switch {
	case isNumber(at) && isNumber(bt):
		return bytes.Equal(at, bt) || decimalOf(at) == decimalOf(bt)
	case at[0] != bt[0] || a.n != b.n:
		return false
	case a.isList():
		for i := range int(a.n) {
			if !alike(a.kid(i), b.kid(i)) {
				return false
			}
		}
		return true
	case a.isObject():
		var index memberIndex
		for i := 0; i < int(a.n); i += 2 {
			if j := index.find(b, a.kid(i), i); j < 0 || !alike(a.kid(i+1), b.kid(j+1)) {
				return false
			}
		}
		return true
	case at[0] == '"':
		return sameString(at, bt)
	}
	return bytes.Equal(at, bt)
}

func isNumber(text []byte) bool { return text[0] == '-' || isDigit(text[0]) }

// decimal is a number, exactly: digits without zeros at either end, times ten to the
// exponent. Zero has no digits and is not negative.
type decimal struct {
	negative bool
	digits   string
	exponent int64
	beyond   string // the text of an exponent that is too large to reckon with
}

func decimalOf(text []byte) (d decimal) {
	mantissa, exponent := text, ""
	if i := bytes.IndexAny(text, "eE"); i >= 0 {
		mantissa, exponent = text[:i], string(text[i+1:])
	}
	if d.negative = mantissa[0] == '-'; d.negative {
		mantissa = mantissa[1:]
	}
	whole, fraction, _ := bytes.Cut(mantissa, []byte("."))
	digits := bytes.TrimLeft(append(bytes.Clone(whole), fraction...), "0")
	if len(digits) == 0 {
		return decimal{}
	}
	shift := -len(fraction)
	trimmed := bytes.TrimRight(digits, "0")
	d.digits, shift = string(trimmed), shift+len(digits)-len(trimmed)
	if exponent != "" {
		e, err := strconv.ParseInt(exponent, 10, 63) // so that the sum does not overflow
		if err != nil {
			d.beyond = exponent
		}
		d.exponent = e
	}
	d.exponent += int64(shift)
	return d
}

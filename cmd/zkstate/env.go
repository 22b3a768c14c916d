package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/zkstate/zkstate/diff"
)

// toEnv writes a good JSON document as NAME=value lines that sh and systemd read. The name is
// the path with _ between its steps, in capitals; every character that a name cannot have
// becomes _. A list's elements are numbered from 0, null is empty, and what is empty has no
// line. Two values of one name, a name that would begin with a digit, a NUL, and a document
// that is one value alone are refused. Errors match errForm.
func toEnv(doc []byte) ([]byte, error) {
	tokens := json.NewDecoder(bytes.NewReader(doc))
	tokens.UseNumber()
	w := envWriter{names: make(map[string]diff.Path)}
	if err := w.value(tokens, nil); err != nil {
		return nil, err
	}
	return w.out.Bytes(), nil
}

type envWriter struct {
	out   bytes.Buffer
	names map[string]diff.Path // that are used, and for what
}

// value writes the lines of the next value.
func (w *envWriter) value(tokens *json.Decoder, at diff.Path) error {
	token, err := tokens.Token()
	if err != nil {
		return err
	}
	opening, ok := token.(json.Delim)
	if !ok {
		return w.line(token, at)
	}
	for i := 0; tokens.More(); i++ {
		step := diff.Index(i)
		if opening == '{' {
			key, err := tokens.Token()
			if err != nil {
				return err
			}
			step = diff.Key(key.(string))
		}
		if err := w.value(tokens, append(at[:len(at):len(at)], step)); err != nil {
			return err
		}
	}
	_, err = tokens.Token() // the closing one
	return err
}

var (
	notInName = regexp.MustCompile(`[^A-Z0-9_]`)
	plainEnv  = regexp.MustCompile(`^[A-Za-z0-9_./:@%+,=-]*$`)
	// escapeEnv is what a backslash stands before in double quotes, to sh and to systemd.
	escapeEnv = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`")
)

func (w *envWriter) line(value json.Token, at diff.Path) error {
	var steps []string
	for _, step := range at {
		if step.IsIndex() {
			steps = append(steps, strconv.Itoa(step.Index()))
		} else {
			steps = append(steps, step.Key())
		}
	}
	name := notInName.ReplaceAllString(strings.ToUpper(strings.Join(steps, "_")), "_")
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		return fmt.Errorf("%w: %q gives no name for a variable", errForm, at)
	}
	if other, taken := w.names[name]; taken {
		return fmt.Errorf("%w: %s and %s have the same name %s as variables", errForm, other, at, name)
	}
	w.names[name] = at
	text := ""
	if value != nil {
		text = fmt.Sprint(value)
	}
	switch {
	case strings.ContainsRune(text, 0):
		return fmt.Errorf("%w: the text at %s has a NUL, which no variable can hold", errForm, at)
	case !plainEnv.MatchString(text):
		text = `"` + escapeEnv.Replace(text) + `"`
	}
	fmt.Fprintf(&w.out, "%s=%s\n", name, text)
	return nil
}

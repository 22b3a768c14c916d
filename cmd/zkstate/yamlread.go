package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/store"
)

// errYAML is matched by what is wrong with a YAML text.
var errYAML = errors.New("not good YAML")

// maxYAML bounds the text in bytes: a document with comments, and no more memory than
// the parser may take for it.
const maxYAML = 4 * store.MaxCommit

// fromYAML reads one YAML 1.2 document (core schema) as JSON. Numbers keep their digits,
// what looks like a date is a string, and yes and no are strings. What JSON cannot hold is
// refused: keys that are not strings, keys that are there twice, infinite numbers, tags.
// Aliases are written out, within the size of a document. Errors match errYAML and name the
// line, but never a value.
func fromYAML(text []byte) (json.RawMessage, error) {
	if len(text) > maxYAML {
		return nil, fmt.Errorf("YAML of %d bytes, the limit is %d: %w", len(text), maxYAML, store.ErrTooLarge)
	}
	var root yaml.Node
	if err := yaml.Load(text, &root); err != nil {
		return nil, yamlSyntax(err)
	}
	var r yamlReader
	if err := r.value(root.Content[0], 0); err != nil {
		return nil, err
	}
	return r.out.Bytes(), nil
}

// yamlSyntax says in our words where the library stopped.
func yamlSyntax(err error) error {
	var at *yaml.LoadError
	if errors.As(err, &at) && at.Mark.Line > 0 {
		return fmt.Errorf("%w: line %d: %s", errYAML, at.Mark.Line, at.Message)
	}
	if errors.As(err, &at) {
		return fmt.Errorf("%w: %s", errYAML, yamlPhrases.Replace(at.Message))
	}
	return fmt.Errorf("%w: %w", errYAML, err)
}

// yamlPhrases are what the library says of a whole text.
var yamlPhrases = strings.NewReplacer(
	"yaml: ", "",
	"no documents in stream", "there is no document in it",
	"expected single document, found multiple", "there is more than one document in it",
)

// yamlReader writes nodes as JSON.
type yamlReader struct{ out bytes.Buffer }

func refuseYAML(n *yaml.Node, why string) error {
	return fmt.Errorf("%w: line %d: %s", errYAML, n.Line, why)
}

func (r *yamlReader) value(n *yaml.Node, depth int) error {
	switch {
	case depth > diff.MaxDepth:
		return refuseYAML(n, fmt.Sprintf("it is nested deeper than %d levels, or contains itself", diff.MaxDepth))
	case r.out.Len() > store.MaxCommit:
		return fmt.Errorf("line %d: YAML whose aliases are written out has more than %d bytes: %w", n.Line, store.MaxCommit, store.ErrTooLarge)
	}
	switch n.Kind {
	case yaml.AliasNode:
		return r.value(n.Alias, depth)
	case yaml.SequenceNode:
		return r.sequence(n, depth)
	case yaml.MappingNode:
		return r.mapping(n, depth)
	}
	text, err := yamlScalar(n)
	r.out.WriteString(text)
	return err
}

func (r *yamlReader) sequence(n *yaml.Node, depth int) error {
	if n.Tag != "!!seq" && n.Tag != "!" {
		return refuseYAML(n, "JSON has no such tag for a list")
	}
	r.out.WriteByte('[')
	for i, element := range n.Content {
		if i > 0 {
			r.out.WriteByte(',')
		}
		if err := r.value(element, depth+1); err != nil {
			return err
		}
	}
	r.out.WriteByte(']')
	return nil
}

func (r *yamlReader) mapping(n *yaml.Node, depth int) error {
	if n.Tag != "!!map" && n.Tag != "!" {
		return refuseYAML(n, "JSON has no such tag for an object")
	}
	r.out.WriteByte('{')
	seen := make(map[string]bool, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, err := yamlKey(n.Content[i])
		if err != nil {
			return err
		}
		if seen[key] {
			return refuseYAML(n.Content[i], "the key is there twice")
		}
		seen[key] = true
		if i > 0 {
			r.out.WriteByte(',')
		}
		r.out.WriteString(key + ":")
		if err := r.value(n.Content[i+1], depth+1); err != nil {
			return err
		}
	}
	r.out.WriteByte('}')
	return nil
}

// yamlKey returns a key as a JSON string.
func yamlKey(n *yaml.Node) (string, error) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.ScalarNode {
		return "", refuseYAML(n, "a key must be a string, not a list or an object")
	}
	if n.Tag == "!!merge" {
		return "", refuseYAML(n, "merge keys (<<) are not YAML 1.2: write the members out")
	}
	key, err := yamlScalar(n)
	if err == nil && key[0] != '"' {
		err = refuseYAML(n, "a key must be a string: put it into quotes")
	}
	return key, err
}

// The plain scalars of YAML 1.2's core schema, see its section 10.3.2.
var (
	yamlNull     = regexp.MustCompile(`^(?:|~|null|Null|NULL)$`)
	yamlBool     = regexp.MustCompile(`^(?:true|True|TRUE|false|False|FALSE)$`)
	yamlOctHex   = regexp.MustCompile(`^0(?:o[0-7]+|x[0-9a-fA-F]+)$`)
	yamlNumber   = regexp.MustCompile(`^([-+]?)([0-9]*)(?:\.([0-9]*))?([eE][-+]?[0-9]+)?$`)
	yamlInfinite = regexp.MustCompile(`^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)
)

// yamlScalar returns the JSON of a scalar.
func yamlScalar(n *yaml.Node) (string, error) {
	const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	tagged := n.Style&yaml.TaggedStyle != 0
	if n.Tag == "!" || tagged && n.Tag == "!!str" || !tagged && n.Style&quoted != 0 {
		return jsonString(n.Value), nil
	}
	text, tag := yamlPlainValue(n.Value)
	switch {
	case tag == "":
		return "", refuseYAML(n, "JSON has no infinite numbers and no NaN")
	case tagged && n.Tag != tag && !(n.Tag == "!!float" && tag == "!!int"):
		return "", refuseYAML(n, "the value is not of its tag, or JSON has no such tag")
	}
	return text, nil
}

// yamlPlainValue returns the JSON of a plain scalar and the tag that it has, "" if JSON
// cannot hold it.
func yamlPlainValue(s string) (text, tag string) {
	switch {
	case yamlNull.MatchString(s):
		return "null", "!!null"
	case yamlBool.MatchString(s):
		return strings.ToLower(s), "!!bool"
	case yamlOctHex.MatchString(s):
		n, _ := new(big.Int).SetString(s, 0)
		return n.String(), "!!int"
	case yamlInfinite.MatchString(s):
		return "", ""
	}
	parts := yamlNumber.FindStringSubmatch(s)
	if parts == nil || parts[2]+parts[3] == "" {
		return jsonString(s), "!!str"
	}
	sign, whole, fraction, exponent := strings.TrimPrefix(parts[1], "+"), strings.TrimLeft(parts[2], "0"), parts[3], parts[4]
	if whole == "" {
		whole = "0"
	}
	switch {
	case !strings.Contains(s, ".") && exponent == "":
		return sign + whole, "!!int"
	case !strings.Contains(s, "."):
		return sign + whole + exponent, "!!float"
	case fraction == "":
		fraction = "0"
	}
	return sign + whole + "." + fraction + exponent, "!!float"
}

func jsonString(s string) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(s) // a string can always be encoded
	return strings.TrimSuffix(out.String(), "\n")
}

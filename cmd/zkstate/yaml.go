package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// toYAML writes a good JSON document as YAML. Numbers and the order of members stay as
// they are; strings that a reader could take for something else are quoted.
func toYAML(doc []byte) ([]byte, error) {
	tokens := json.NewDecoder(bytes.NewReader(doc))
	tokens.UseNumber()
	node, err := yamlNode(tokens)
	if err != nil {
		return nil, err
	}
	return yaml.Dump(node, yaml.WithLineWidth(-1))
}

// yamlNode makes the node of the next value.
func yamlNode(tokens *json.Decoder) (*yaml.Node, error) {
	token, err := tokens.Token()
	if err != nil {
		return nil, err
	}
	switch token := token.(type) {
	case json.Delim:
		return yamlCollection(tokens, token)
	case string:
		return yamlString(token), nil
	case json.Number:
		return yamlPlain(token.String()), nil
	case nil:
		return yamlPlain("null"), nil
	default:
		return yamlPlain(fmt.Sprint(token)), nil // true or false
	}
}

func yamlCollection(tokens *json.Decoder, opening json.Delim) (*yaml.Node, error) {
	node := &yaml.Node{Kind: yaml.SequenceNode}
	if opening == '{' {
		node.Kind = yaml.MappingNode
	}
	for tokens.More() {
		child, err := yamlNode(tokens) // the keys of an object are values to the decoder
		if err != nil {
			return nil, err
		}
		node.Content = append(node.Content, child)
	}
	_, err := tokens.Token() // the closing one
	return node, err
}

func yamlPlain(text string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: text} }

// otherwiseRead are strings that the library leaves plain, and that readers of YAML 1.1
// take for booleans, numbers to the base of 60, and a default value.
var otherwiseRead = regexp.MustCompile(`^(?i:y|n|yes|no|on|off|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?|=)$`)

func yamlString(s string) *yaml.Node {
	node := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	if otherwiseRead.MatchString(s) || strings.Contains(s, "\n") && strings.TrimSpace(s) == "" {
		node.Style = yaml.DoubleQuotedStyle
	}
	return node
}

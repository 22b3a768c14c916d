package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/zkstate/zkstate/diff"
)

// toTOML writes a good JSON document, which must be an object, as TOML 1.0. Members are
// ordered by name. TOML has no null, its integers have 64 bits and its floats are those of
// IEEE 754: what does not fit is refused. Errors match errForm.
func toTOML(doc []byte) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(doc))
	decoder.UseNumber()
	var root any
	if err := decoder.Decode(&root); err != nil {
		return nil, err
	}
	table, ok := root.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%w: TOML holds an object only", errForm)
	}
	if _, err := tomlValue(table, nil); err != nil {
		return nil, err
	}
	return toml.Marshal(table)
}

// tomlValue makes numbers of a tree, in place, what the encoder takes.
func tomlValue(v any, at diff.Path) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		for key, member := range v {
			converted, err := tomlValue(member, append(at[:len(at):len(at)], diff.Key(key)))
			if err != nil {
				return nil, err
			}
			v[key] = converted
		}
	case []any:
		for i, element := range v {
			converted, err := tomlValue(element, append(at[:len(at):len(at)], diff.Index(i)))
			if err != nil {
				return nil, err
			}
			v[i] = converted
		}
	case json.Number:
		return tomlNumber(v, at)
	case nil:
		return nil, fmt.Errorf("%w: %s is null, which TOML does not have", errForm, at)
	}
	return v, nil
}

func tomlNumber(n json.Number, at diff.Path) (any, error) {
	if !strings.ContainsAny(n.String(), ".eE") {
		integer, err := n.Int64()
		if err != nil {
			return nil, fmt.Errorf("%w: the integer at %s has more than the 64 bits of TOML", errForm, at)
		}
		return integer, nil
	}
	float, err := n.Float64()
	if err != nil || math.IsInf(float, 0) {
		return nil, fmt.Errorf("%w: the number at %s is too large for TOML", errForm, at)
	}
	return float, nil
}

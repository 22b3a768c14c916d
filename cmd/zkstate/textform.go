package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/zkstate/zkstate/diff"
)

// errForm is matched by a document that a form of text cannot hold.
var errForm = errors.New("cannot be written in this form")

// textForms are the forms in which a document can be written to a file.
var textForms = map[string]func(doc []byte) ([]byte, error){
	"json": indented,
	"yaml": toYAML,
	"toml": toTOML,
	"env":  toEnv,
}

// formOf returns the form that a file's name says, "" if it says none.
func formOf(file string) string {
	extension := strings.TrimPrefix(strings.ToLower(filepath.Ext(file)), ".")
	if extension == "yml" {
		return "yaml"
	}
	if textForms[extension] == nil {
		return ""
	}
	return extension
}

// indented keeps numbers and the order of members as they are.
func indented(doc []byte) ([]byte, error) {
	var out bytes.Buffer
	if err := json.Indent(&out, bytes.TrimSpace(doc), "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// parseText reads a text of the form json or yaml; errors call it by its name, if it has one.
func parseText(text []byte, name, form string) (doc json.RawMessage, err error) {
	doc = text
	if form == "yaml" {
		doc, err = fromYAML(text)
	}
	if err == nil {
		err = diff.Check(doc)
	}
	if err != nil && name != "" {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return doc, err
}

package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// document is what all States follow. It has about 1 KB.
type document struct {
	N       int64  `json:"n"`
	Padding string `json:"padding"`
}

var padding = strings.Repeat("0123456789abcdef", 62)

// encoded is a document as it is stored.
func encoded(n int64) []byte {
	data, err := json.Marshal(document{n, padding})
	if err != nil {
		panic(err) // a number and a text can be encoded
	}
	return data
}

func decoded(data []byte) (int64, error) {
	var doc document
	err := json.Unmarshal(data, &doc)
	return doc.N, err
}

// paths are those of n documents.
func paths(prefix string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("%s/doc-%05d", prefix, i)
	}
	return all
}

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// documentSize is how many bytes the document has while its counter is 0.
const documentSize = 1024

// document is what all count in. The counter comes first, where programs that do
// not decode the document find it.
type document struct {
	Counter   int64    `json:"counter"`
	Interval  int      `json:"interval"`
	Processes []string `json:"processes"`
	Note      string   `json:"note"`
}

// newDocument has its counter at 0.
func newDocument() document {
	d := document{Interval: 5}
	for i := range 16 {
		d.Processes = append(d.Processes, fmt.Sprintf("/usr/lib/agents/worker-%02d*", i))
	}
	d.Note = strings.Repeat("x", documentSize-len(d.encode()))
	return d
}

func (d document) encode() []byte {
	encoded, err := json.Marshal(d)
	if err != nil {
		panic(err) // numbers and strings
	}
	return encoded
}

// counterOf decodes a document for its counter.
func counterOf(doc []byte) (int64, error) {
	var d document
	if err := json.Unmarshal(doc, &d); err != nil {
		return 0, fmt.Errorf("decode the document: %w", err)
	}
	return d.Counter, nil
}

const counterPrefix = `{"counter":`

// bump returns doc with its counter one higher. It is the least that a client can
// do: it looks at nothing behind the counter.
func bump(doc []byte) ([]byte, error) {
	rest, ok := bytes.CutPrefix(doc, []byte(counterPrefix))
	end := bytes.IndexByte(rest, ',')
	if !ok || end < 0 {
		return nil, fmt.Errorf("the document begins %.40q", doc)
	}
	n, err := strconv.ParseInt(string(rest[:end]), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("the counter: %w", err)
	}
	next := make([]byte, 0, len(doc)+1)
	next = strconv.AppendInt(append(next, counterPrefix...), n+1, 10)
	return append(next, rest[end:]...), nil
}

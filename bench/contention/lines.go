package main

import (
	"bytes"
	"sync"
)

// lineWriter keeps what is written, and tells of the first whole line.
type lineWriter struct {
	first chan struct{} // closed by the first newline

	mu   sync.Mutex // guards all below
	kept []byte
	told bool
}

func newLineWriter() *lineWriter { return &lineWriter{first: make(chan struct{})} }

// Write implements io.Writer.
func (l *lineWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept = append(l.kept, p...)
	if !l.told && bytes.IndexByte(p, '\n') >= 0 {
		l.told = true
		close(l.first)
	}
	return len(p), nil
}

// text is all that was written.
func (l *lineWriter) text() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.kept)
}

package history

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/store"
)

const (
	// packFrom is the size in bytes from which a document and its changes are
	// compressed.
	packFrom = 4 << 10
	// maxChanges bounds the changes of an entry, in bytes of their JSON.
	maxChanges = 4 << 20
	// maxDocument bounds the document of an entry, in bytes. No commit has a larger one.
	maxDocument = store.MaxCommit
)

// errLarge means that packed changes or a packed document are beyond their bound.
var errLarge = errors.New("more than is unpacked at once")

// pack compresses changes as one line of JSON, and the document behind it.
func pack(changes, document []byte) ([]byte, error) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	for _, part := range [][]byte{changes, []byte("\n"), document} {
		if _, err := w.Write(part); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return packed.Bytes(), err
}

// unpackChanges reads the first part of what pack wrote, if it has at most limit bytes.
// It returns how many bytes it unpacked, whether that came to something or not.
func unpackChanges(packed []byte, limit int) (changes []diff.Change, size int, err error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, 0, err
	}
	line, err := bufio.NewReader(io.LimitReader(r, int64(limit)+1)).ReadBytes('\n')
	switch {
	case err == io.EOF && len(line) > limit:
		return nil, len(line), errLarge
	case err == io.EOF:
		return nil, len(line), errors.New("it is incomplete")
	case err != nil:
		return nil, len(line), err
	}
	return changes, len(line), json.Unmarshal(line, &changes)
}

// unpackDocument reads the second part of what pack wrote, nil if it is empty. What it
// unpacks on the way there is bounded too, and not kept.
func unpackDocument(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	lines := bufio.NewReader(io.LimitReader(r, maxChanges+maxDocument+1))
	for {
		switch _, err := lines.ReadSlice('\n'); {
		case err == nil:
			return readDocument(lines)
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, fmt.Errorf("it is incomplete: %w", err)
		}
	}
}

func readDocument(r io.Reader) ([]byte, error) {
	var document bytes.Buffer
	_, err := document.ReadFrom(io.LimitReader(r, maxDocument+1))
	switch {
	case err != nil:
		return nil, err
	case document.Len() > maxDocument:
		return nil, errLarge
	case document.Len() == 0:
		return nil, nil
	}
	return document.Bytes(), nil
}

package server

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
)

//go:embed openapi.yaml
var openAPI []byte

// static is a file that the server has in memory.
type static struct {
	body []byte
	kind string
	tag  string
}

func newStatic(name string, body []byte) static {
	sum := sha256.Sum256(body)
	kind := mime.TypeByExtension(path.Ext(name))
	switch path.Ext(name) { // whatever this machine says
	case ".yaml":
		kind = "application/yaml"
	case ".js":
		kind = "text/javascript; charset=utf-8"
	}
	return static{body, kind, hex.EncodeToString(sum[:12])}
}

// loadPage reads the files of a page, by their URL's path.
func loadPage(files fs.FS) (map[string]static, error) {
	page := map[string]static{"/openapi.yaml": newStatic("openapi.yaml", openAPI)}
	if files == nil {
		return page, nil
	}
	found, err := fs.ReadDir(files, ".")
	if err != nil {
		return nil, err
	}
	for _, entry := range found {
		if entry.IsDir() {
			continue
		}
		body, err := fs.ReadFile(files, entry.Name())
		if err != nil {
			return nil, err
		}
		page["/"+entry.Name()] = newStatic(entry.Name(), body)
	}
	if index, ok := page["/index.html"]; ok {
		page["/"] = index
	}
	return page, nil
}

// serve answers with a file.
func (f static) serve(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("ETag", quote(f.tag))
	header.Set("Cache-Control", "no-cache")
	if slices.Contains(noneMatch(r), f.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	header.Set("Content-Type", f.kind)
	_, _ = w.Write(f.body) // a client that is gone needs no answer
}

// Package page is the page that zkstate serve shows in a browser: plain modules
// and a style sheet, inside the binary.
package page

import (
	"embed"
	"io/fs"
)

//go:embed index.html *.js *.css *.svg
var files embed.FS

// Files returns the page's files, index.html and what it loads, all in one folder.
func Files() fs.FS { return files }

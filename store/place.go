package store

import "time"

// Place describes a path in a store without its content: a document, a folder
// that leads to documents, or both.
type Place struct {
	Path      string
	Version   Version   // of the document, zero if there is none at this path
	Size      int64     // of the document, in bytes
	Created   time.Time // when the document was created; zero if the backend does not record it
	Modified  time.Time // when Version was committed, by the backend's clock
	Listeners int       // how many listener records the document has
	Folder    bool      // there are paths below this one, where documents may be; Stat leaves it false

	// Err says why this place could not be read, nil if it was. What is known
	// without reading it is filled in all the same.
	Err error
}

// Pong is the answer to [Store.Ping].
type Pong struct {
	Server  string        // which server or file answered
	Version string        // the server's software and its version, "" if it does not tell
	Latency time.Duration // from sending the request to receiving the answer
}

// CheckFolder refuses what cannot be listed: all that [CheckPath] refuses, except
// the root "/".
func CheckFolder(path string) error {
	if path == "/" {
		return nil
	}
	return CheckPath(path)
}

// Child returns the path of what is called name in a folder.
func Child(folder, name string) string {
	if folder == "/" {
		return "/" + name
	}
	return folder + "/" + name
}

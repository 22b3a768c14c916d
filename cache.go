package zkstate

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/zkstate/zkstate/internal/atomicfile"
	"github.com/zkstate/zkstate/store"
)

// cachePause is the least time between two writes of one cache file.
const cachePause = time.Second

// cacheMagic begins a cache file of this format. The rest of the first line is the
// SHA-256 of all that follows it; the second line is the document's path, the third
// its version, and then comes the document.
const cacheMagic = "zkstate-cache-1 "

// maxCache bounds a cache file, in bytes. It holds one document.
const maxCache = 64 << 20

// checkCache refuses what cannot be a cache file. To open a pipe could take for ever.
func checkCache(file string) error {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("cache: %w", err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("cache %s is not a regular file: name one that is, or none that exists", file)
	case info.Size() > maxCache:
		return fmt.Errorf("cache %s has %d bytes, so it is none: name another file", file, info.Size())
	}
	return nil
}

// readCache returns the document that was verified last by a State of this path, if
// the file is whole. A file that does not exist is no error.
func readCache(file, path string) (store.Record, bool, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return store.Record{}, false, nil
	}
	if err != nil {
		return store.Record{}, false, err
	}
	sum, rest, ok := bytes.Cut(text, []byte("\n"))
	if !ok || string(sum) != checksum(rest) {
		return store.Record{}, false, fmt.Errorf("%s is not a whole cache file", file)
	}
	fields := bytes.SplitN(rest, []byte("\n"), 3)
	if len(fields) != 3 || string(fields[0]) != path {
		return store.Record{}, false, fmt.Errorf("%s is the cache of another document", file)
	}
	version, err := store.ParseVersion(string(fields[1]))
	if err != nil {
		return store.Record{}, false, fmt.Errorf("%s: %w", file, err)
	}
	return store.Record{Version: version, Data: fields[2]}, true, nil
}

func checksum(rest []byte) string {
	return fmt.Sprintf("%s%x", cacheMagic, sha256.Sum256(rest))
}

// writeCache replaces the file as a whole. Only the user can read it.
func writeCache(file, path string, version Version, doc []byte) error {
	rest := fmt.Appendf(nil, "%s\n%v\n%s", path, version, doc)
	return atomicfile.Write(file, 0o600, fmt.Appendf(nil, "%s\n%s", checksum(rest), rest))
}

// startFromCache publishes the cached copy, unverified, and reports whether there is
// one. A cache that is no good is as good as none.
//
// The cached version does not count as seen: the store may have been restored to an
// older state, and is believed.
func (o *opening[T]) startFromCache() bool {
	if o.how.cache == "" {
		return false
	}
	rec, found, err := readCache(o.how.cache, o.path)
	if err != nil {
		o.cfg.logger.Warn("zkstate: cache not used", "path", o.path, "file", o.how.cache, "error", err)
	}
	if !found {
		return false
	}
	value, rejected := decode[T](o.path, rec.Version, rec.Data)
	if rejected != nil {
		o.cfg.logger.Warn("zkstate: cache not used", "path", o.path, "file", o.how.cache, "error", rejected)
		return false
	}
	o.current.Store(&published[T]{snapshot: &snapshot[T]{value: value, doc: rec.Data, version: rec.Version}})
	o.follower.wake(isAsked)
	return true
}

// keepCache writes the copy to the file when it was verified and changed, at
// once and then at most once a second, and once more at the end.
func (st *State[T]) keepCache(file string) {
	wake, release := st.changed.subscribe()
	defer release()
	var written *snapshot[T]
	save := func() {
		cur := st.current.Load()
		if cur.snapshot == written || cur.verified.IsZero() {
			return
		}
		if err := writeCache(file, st.path, cur.version, cur.doc); err != nil {
			st.cfg.logger.Warn("zkstate: cache not written", "path", st.path, "file", file, "error", err)
			return
		}
		written = cur.snapshot
	}
	for {
		save()
		select {
		case <-time.After(jitter(cachePause)):
		case <-st.ctx.Done():
			save()
			return
		}
		select {
		case <-wake:
		case <-st.ctx.Done():
			save()
			return
		}
	}
}

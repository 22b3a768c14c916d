package server

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/exitcode"
	"github.com/zkstate/zkstate/store"
)

// followers are the documents that somebody asks of, or did a short time ago.
type followers struct {
	store  store.Store
	logger *slog.Logger
	linger time.Duration // how long one without users stays open
	most   int

	mu     sync.Mutex // guards all below
	open   map[string]*follower
	closed bool
	ending sync.WaitGroup
}

var errClosing = refuse(http.StatusServiceUnavailable, exitcode.Unreachable, "the server shuts down")

// acquire returns the follower of a document, which the caller releases.
func (fs *followers) acquire(ctx context.Context, path string) (*follower, error) {
	f, err := fs.use(path)
	if err != nil {
		return nil, err
	}
	select {
	case <-f.opened:
		err = f.err
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		fs.release(f)
		return nil, err
	}
	return f, nil
}

func (fs *followers) use(path string) (*follower, error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.closed {
		return nil, errClosing
	}
	f := fs.open[path]
	if f == nil {
		if len(fs.open) >= fs.most {
			return nil, refuse(http.StatusTooManyRequests, exitcode.Busy, "too many documents are followed at once: try again later")
		}
		f = &follower{store: fs.store, path: path, opened: make(chan struct{}), changed: make(chan struct{})}
		f.ctx, f.stop = context.WithCancel(context.Background())
		fs.open[path] = f
		fs.ending.Go(func() { fs.follow(f) })
	}
	f.users++
	if f.idle != nil {
		f.idle.Stop()
		f.idle = nil
	}
	return f, nil
}

// follow is the life of a follower.
func (fs *followers) follow(f *follower) {
	opening, cancel := context.WithTimeout(f.ctx, defaultTimeout)
	f.state, f.err = zkstate.Open(opening, fs.store, f.path, json.RawMessage(nil),
		zkstate.Observer(), zkstate.TolerateRejected(), zkstate.WithApp(appName), zkstate.WithLogger(fs.logger))
	cancel()
	opened := sync.OnceFunc(func() { close(f.opened) })
	defer opened()
	if f.err != nil {
		fs.forget(f)
		return
	}
	f.run(opened)
	f.mu.Lock()
	f.ended = true
	f.mu.Unlock()
	f.tasks.Wait()
	if err := f.state.Close(); err != nil {
		fs.logger.Warn("zkstate: close a document", "path", f.path, "error", err)
	}
}

func (fs *followers) forget(f *follower) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.open[f.path] == f {
		delete(fs.open, f.path)
	}
	f.stop()
}

// release ends the use of a follower. One that nobody uses is closed after a while.
func (fs *followers) release(f *follower) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f.users--
	if f.users > 0 || fs.open[f.path] != f {
		return
	}
	f.idle = time.AfterFunc(fs.linger, func() { fs.closeIdle(f) })
}

func (fs *followers) closeIdle(f *follower) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f.users == 0 && fs.open[f.path] == f {
		delete(fs.open, f.path)
		f.stop()
	}
}

// close ends all, and returns when they are closed.
func (fs *followers) close() {
	fs.mu.Lock()
	fs.closed = true
	for path, f := range fs.open {
		if f.idle != nil {
			f.idle.Stop()
		}
		f.stop()
		delete(fs.open, path)
	}
	fs.mu.Unlock()
	fs.ending.Wait()
}

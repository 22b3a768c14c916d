package server

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/exitcode"
	"github.com/zkstate/zkstate/store"
)

// heartbeat is how often a stream says that it lives.
const heartbeat = 15 * time.Second

// getEvents streams what becomes of a document, until the client goes or the server ends.
func (s *Server) getEvents(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet { // HEAD would wait for nothing
		return notAllowed([]string{http.MethodGet})(w, r)
	}
	p := parseQuery(r, "listeners", "last_event_id")
	at := position{follows: p.flag("listeners"), cause: causeStart}
	path, err := documentPath(r)
	if err == nil {
		err = p.err
	}
	if err != nil {
		return err
	}
	last := r.Header.Get("Last-Event-ID")
	if last == "" {
		last = p.text("last_event_id")
	}
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		return refuse(http.StatusTooManyRequests, exitcode.Busy, "too many streams are open: try again later")
	}
	opening, cancel := context.WithTimeout(r.Context(), defaultTimeout)
	defer cancel()
	f, err := s.followers.acquire(opening, path)
	if err != nil {
		return err
	}
	defer s.followers.release(f)
	if f.gone() {
		return fmt.Errorf("follow %s: %w", path, zkstate.ErrDeleted)
	}
	if last != "" {
		at.cause = causeUnknown
		if version, err := store.ParseVersion(last); err == nil {
			at.version, at.known = version, true
			f.resume(opening, version)
		}
	}
	if at.follows {
		f.watchListeners()
		defer f.unwatchListeners()
	}
	s.stream(w, r, f, at)
	return nil
}

// stream writes until somebody ends it. A client that does not read is not waited for longer
// than the server's write timeout; meanwhile nothing queues for it.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, f *follower, at position) {
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // nginx would hold events back
	out := &streamWriter{w, http.NewResponseController(w), s.cfg.WriteTimeout}
	if out.write([]byte("retry: 1000\n\n")) != nil {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		frames, wake := f.next(&at)
		if len(frames) > 0 {
			if out.write(frames...) != nil {
				return
			}
			continue
		}
		select {
		case <-wake:
		case <-beat.C:
			if out.write([]byte(":\n\n")) != nil {
				return
			}
		case <-s.stopping:
			_ = out.write(frame("end", "", endEvent{"the server shuts down"}))
			return
		case <-f.ctx.Done():
			return
		case <-r.Context().Done():
			return
		}
	}
}

// streamWriter writes to a client that must read within a time.
type streamWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
}

func (o *streamWriter) write(frames ...[]byte) error {
	if err := o.control.SetWriteDeadline(time.Now().Add(o.timeout)); err != nil {
		return err
	}
	for _, frame := range frames {
		if _, err := o.w.Write(frame); err != nil {
			return err
		}
	}
	return o.control.Flush()
}

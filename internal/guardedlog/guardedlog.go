// Package guardedlog keeps a log handler that panics from ending what logs: handlers are the user's own code, and run on
// goroutines that the user does not know of.
package guardedlog

import (
	"context"
	"errors"
	"log/slog"
)

// Of returns a logger that writes what l writes. A record on which l's handler panics is lost. If l is nil, all are.
func Of(l *slog.Logger) *slog.Logger {
	if l == nil {
		return discard
	}
	if _, done := l.Handler().(handler); done || l == discard {
		return l
	}
	return slog.New(handler{l.Handler()})
}

var discard = slog.New(slog.DiscardHandler)

type handler struct{ slog.Handler }

var errPanicked = errors.New("the log handler panicked")

func (h handler) Enabled(ctx context.Context, level slog.Level) (enabled bool) {
	defer func() {
		if recover() != nil {
			enabled = false
		}
	}()
	return h.Handler.Enabled(ctx, level)
}

func (h handler) Handle(ctx context.Context, r slog.Record) (err error) {
	defer func() {
		if recover() != nil {
			err = errPanicked
		}
	}()
	return h.Handler.Handle(ctx, r)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs)}
}

func (h handler) WithGroup(name string) slog.Handler { return handler{h.Handler.WithGroup(name)} }

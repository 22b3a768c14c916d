package guardedlog_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/zkstate/zkstate/internal/guardedlog"
)

// explosive panics in the method of that name.
type explosive struct {
	slog.Handler
	in string
}

func (h explosive) Enabled(ctx context.Context, level slog.Level) bool {
	if h.in == "Enabled" {
		panic("no")
	}
	return h.Handler.Enabled(ctx, level)
}

func (h explosive) Handle(ctx context.Context, r slog.Record) error {
	if h.in == "Handle" {
		panic("no")
	}
	return h.Handler.Handle(ctx, r)
}

func TestPanicsAreContained(t *testing.T) {
	for _, in := range []string{"Enabled", "Handle"} {
		l := guardedlog.Of(slog.New(explosive{slog.NewTextHandler(t.Output(), nil), in}))
		l.Error("lost")
		l.With("a", 1).WithGroup("g").Error("lost too")
	}
	guardedlog.Of(nil).Error("discarded")
}

func TestRecordsArrive(t *testing.T) {
	var out bytes.Buffer
	l := guardedlog.Of(slog.New(slog.NewTextHandler(&out, nil)))
	if guardedlog.Of(l) != l {
		t.Error("a guarded logger was guarded once more")
	}
	l.With("a", 1).WithGroup("g").Warn("seen", "b", 2)
	if !strings.Contains(out.String(), `msg=seen a=1 g.b=2`) {
		t.Error(out.String())
	}
	if l.Enabled(t.Context(), slog.LevelDebug) {
		t.Error("it does not ask the handler what is enabled")
	}
}

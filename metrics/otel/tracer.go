package otel

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/zkstate/zkstate"
)

// NewTracer returns what zkstate.WithTracer wants: it makes a span of each call of Update,
// Delete and Rollback, as a child of the one in the call's context. Spans have no values of
// the document: of the errors of an update's own function they say only that there was one.
func NewTracer(provider trace.TracerProvider) zkstate.Tracer {
	return tracer{provider.Tracer(scope)}
}

type tracer struct{ of trace.Tracer }

// StartUpdate implements [zkstate.Tracer].
func (t tracer) StartUpdate(ctx context.Context, call zkstate.TracedUpdate) zkstate.UpdateSpan {
	_, s := t.of.Start(ctx, "zkstate."+call.Verb, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("zkstate.path", call.Path),
		attribute.String("zkstate.listener", call.Listener),
	))
	return span{s}
}

// span is a [zkstate.UpdateSpan].
type span struct{ of trace.Span }

// Event implements [zkstate.UpdateSpan].
func (s span) Event(e zkstate.TraceEvent) {
	var with []attribute.KeyValue
	switch e.Kind {
	case zkstate.TraceTurn:
		with = append(with, attribute.Float64("zkstate.waited_seconds", e.Waited.Seconds()))
	case zkstate.TraceCommit:
		with = append(with, attribute.String("zkstate.base", e.Version.String()), attribute.Int("zkstate.updates", e.Updates))
	case zkstate.TraceConflict:
		with = append(with, attribute.String("zkstate.newest", e.Version.String()))
	case zkstate.TraceResolve:
		with = append(with, attribute.String("zkstate.outcome", string(e.Outcome)))
	}
	s.of.AddEvent(string(e.Kind), trace.WithAttributes(with...))
}

// End implements [zkstate.UpdateSpan].
func (s span) End(result zkstate.UpdateResult, version zkstate.Version, err error) {
	s.of.SetAttributes(attribute.String("zkstate.result", string(result)))
	if !version.IsZero() {
		s.of.SetAttributes(attribute.String("zkstate.version", version.String()))
	}
	switch {
	case err != nil && result == zkstate.UpdateFailed:
		s.of.SetStatus(codes.Error, "the update's function, or Validate, failed")
	case errors.Is(err, zkstate.ErrRejected): // which may quote what Validate says of it
		s.of.SetStatus(codes.Error, "the stored document is rejected")
	case err != nil:
		s.of.SetStatus(codes.Error, err.Error())
	case result == zkstate.UpdateFailed: // it panicked
		s.of.SetStatus(codes.Error, "the update's function panicked")
	}
	s.of.End()
}

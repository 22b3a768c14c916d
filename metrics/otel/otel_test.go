package otel_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/metrics/internal/observing"
	"github.com/zkstate/zkstate/metrics/internal/scenario"
	"github.com/zkstate/zkstate/metrics/otel"
)

// TestObserving: after everything has gone wrong, there are the metrics, spans, attributes
// and events that the page names, and no others; and no value of the document is seen.
func TestObserving(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	tracers := trace.NewTracerProvider(trace.WithSyncer(spans))
	reader := metric.NewManualReader()
	meters := metric.NewMeterProvider(metric.WithReader(reader))
	page := observing.Page(t, "../../docs/OBSERVING.md")

	set := scenario.Run(t, zkstate.WithTracer(otel.NewTracer(tracers)))
	registration, err := otel.Observe(meters, set)
	if err != nil {
		t.Fatal(err)
	}
	var found metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &found); err != nil {
		t.Fatal(err)
	}
	checkMetrics(t, page, found)
	checkSpans(t, page, spans.GetSpans())
	for _, seen := range []any{found, spans.GetSpans()} {
		text := fmt.Sprintf("%+v", seen)
		if strings.Contains(text, scenario.Secret) || !strings.Contains(text, scenario.Path) {
			t.Errorf("a value of the document, or no path, is seen in a %T", seen)
		}
	}
	if err := registration.Unregister(); err != nil {
		t.Error(err)
	}
}

func checkMetrics(t *testing.T, page observing.Doc, found metricdata.ResourceMetrics) {
	figures := make(map[string]observing.Figure)
	for _, f := range page.Figures() {
		figures[f.Name] = f
	}
	for _, scope := range found.ScopeMetrics {
		for _, m := range scope.Metrics {
			figure, documented := figures[m.Name]
			if !documented {
				t.Errorf("%s is not on the page", m.Name)
			}
			delete(figures, m.Name)
			sum, isSum := m.Data.(metricdata.Sum[float64])
			gauge, isGauge := m.Data.(metricdata.Gauge[float64])
			if isSum != figure.Counter || isGauge == figure.Counter || isSum && !sum.IsMonotonic {
				t.Errorf("%s is a %T", m.Name, m.Data)
			}
			for _, point := range append(sum.DataPoints, gauge.DataPoints...) {
				var labels []string
				for _, a := range point.Attributes.ToSlice() {
					labels = append(labels, string(a.Key))
				}
				if want := slices.Sorted(slices.Values(figure.Labels)); !slices.Equal(labels, want) {
					t.Errorf("%s has the attributes %v, and should have %v", m.Name, labels, want)
				}
			}
		}
	}
	for name := range figures {
		t.Errorf("%s is not there", name)
	}
}

// checkSpans holds the names of spans, and of attributes and events, to the page's tables.
func checkSpans(t *testing.T, page observing.Doc, spans tracetest.SpanStubs) {
	names, attributes, events := make(map[string]bool), make(map[string]bool), make(map[string]string)
	results := make(map[string]bool)
	for _, s := range spans {
		names[s.Name] = true
		for _, a := range s.Attributes {
			attributes[string(a.Key)] = true
			if a.Key == "zkstate.result" {
				results[a.Value.AsString()] = true
			}
		}
		for _, e := range s.Events {
			events[e.Name] = keys(e.Attributes)
		}
	}
	same(t, "spans", names, column(page, "span", "of"))
	same(t, "attributes", attributes, column(page, "attribute of a span", "value"))
	wanted := make(map[string]string)
	for _, row := range page.Table("event", "attributes", "when") {
		wanted[observing.Code(row[0])] = strings.ReplaceAll(row[1], "`", "")
	}
	if !maps.Equal(events, wanted) {
		t.Errorf("the events are %v, and should be %v", events, wanted)
	}
	for _, f := range page.Figures() {
		if f.Name == "zkstate_updates_total" {
			same(t, "results", results, f.Values["result"])
		}
	}
}

func column(page observing.Doc, heading ...string) (names []string) {
	for _, row := range page.Table(heading...) {
		names = append(names, observing.Code(row[0]))
	}
	return names
}

func same(t *testing.T, what string, got map[string]bool, want []string) {
	t.Helper()
	if got := slices.Sorted(maps.Keys(got)); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("the %s are %v, and should be %v", what, got, want)
	}
}

func keys(attributes []attribute.KeyValue) string {
	var names []string
	for _, a := range attributes {
		names = append(names, string(a.Key))
	}
	return strings.Join(names, ", ")
}

// Package otel shows the figures of a [metrics.Set] to OpenTelemetry, under the names that
// they have in Prometheus, and makes spans of updates.
package otel

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/zkstate/zkstate/metrics"
)

// scope is the name of the instrumentation.
const scope = "github.com/zkstate/zkstate/metrics/otel"

// Observe has the provider's readers observe a store's figures, until the registration
// that it returns is ended. States and handles may be added to the Set at any time.
func Observe(provider metric.MeterProvider, set *metrics.Set) (metric.Registration, error) {
	meter := provider.Meter(scope)
	instruments := make(map[string]metric.Float64Observable)
	var all []metric.Observable
	for _, m := range metrics.All() {
		instrument, err := observable(meter, m)
		if err != nil {
			return nil, err
		}
		instruments[m.Name] = instrument
		all = append(all, instrument)
	}
	return meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for _, s := range set.Gather() {
			attributes := make([]attribute.KeyValue, len(s.Labels))
			for i, value := range s.Labels {
				attributes[i] = attribute.String(s.Metric.Labels[i], value)
			}
			o.ObserveFloat64(instruments[s.Metric.Name], s.Value, metric.WithAttributes(attributes...))
		}
		return nil
	}, all...)
}

func observable(meter metric.Meter, m *metrics.Metric) (metric.Float64Observable, error) {
	if m.Counter {
		return meter.Float64ObservableCounter(m.Name, metric.WithDescription(m.Help))
	}
	return meter.Float64ObservableGauge(m.Name, metric.WithDescription(m.Help))
}

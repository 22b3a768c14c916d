package otel_test

import (
	"context"
	"log"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/metrics"
	"github.com/zkstate/zkstate/metrics/otel"
	"github.com/zkstate/zkstate/store/zkstore"
)

// A program whose updates are traced, and whose figures are observed. A program has
// exporters in its providers.
func Example() {
	meters, tracers := sdkmetric.NewMeterProvider(), sdktrace.NewTracerProvider()
	ctx := context.Background()
	handle, err := zkstore.Open(zkstore.Config{Servers: []string{"zk1", "zk2", "zk3"}})
	if err != nil {
		log.Fatal(err)
	}
	defer handle.Close()
	st, err := zkstate.Open(ctx, handle, "/app/config", struct{ Interval int }{5}, zkstate.WithTracer(otel.NewTracer(tracers)))
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()

	set := metrics.NewSet("main")
	set.AddStore(handle)
	set.Add(st)
	registration, err := otel.Observe(meters, set)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = registration.Unregister() }()
}

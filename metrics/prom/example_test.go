package prom_test

import (
	"context"
	"log"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/health"
	"github.com/zkstate/zkstate/metrics"
	"github.com/zkstate/zkstate/metrics/prom"
	"github.com/zkstate/zkstate/store/zkstore"
)

// A program that serves its metrics and says whether it is ready.
func ExampleNewCollector() {
	ctx := context.Background()
	handle, err := zkstore.Open(zkstore.Config{Servers: []string{"zk1", "zk2", "zk3"}})
	if err != nil {
		log.Fatal(err)
	}
	defer handle.Close()
	st, err := zkstate.Open(ctx, handle, "/app/config", struct{ Interval int }{5})
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()

	set := metrics.NewSet("main")
	set.AddStore(handle)
	set.Add(st)
	prometheus.MustRegister(prom.NewCollector(set))

	http.Handle("/metrics", promhttp.Handler())
	http.Handle("/readyz", health.Handler(st))
	log.Fatal(http.ListenAndServe(":8080", nil))
}

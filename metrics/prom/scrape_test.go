package prom_test

import (
	"io"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/zkstate/zkstate/metrics/internal/scenario"
	"github.com/zkstate/zkstate/metrics/prom"
)

func TestScrape(t *testing.T) {
	set := scenario.Run(t)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(prom.NewCollector(set))
	server := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	defer server.Close()
	answer, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	t.Log(string(text), err)
}

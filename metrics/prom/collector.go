// Package prom shows the figures of a [metrics.Set] to Prometheus. alerts.yml beside it
// has alert rules for them.
package prom

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/zkstate/zkstate/metrics"
)

// Collector is a [prometheus.Collector]. States and handles are added to its Set.
type Collector struct {
	*metrics.Set
	descs map[string]*prometheus.Desc // by the metric's name
}

var _ prometheus.Collector = (*Collector)(nil)

// NewCollector returns a Collector of a store's figures, to be registered. Several can be
// registered together if their Sets have different names.
func NewCollector(set *metrics.Set) *Collector {
	c := &Collector{Set: set, descs: make(map[string]*prometheus.Desc)}
	for _, m := range metrics.All() {
		c.descs[m.Name] = prometheus.NewDesc(m.Name, m.Help, m.Labels[1:], prometheus.Labels{m.Labels[0]: set.Store()})
	}
	return c
}

// Describe implements [prometheus.Collector].
func (c *Collector) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		descs <- d
	}
}

// Collect implements [prometheus.Collector].
func (c *Collector) Collect(found chan<- prometheus.Metric) {
	for _, s := range c.Gather() {
		kind := prometheus.GaugeValue
		if s.Metric.Counter {
			kind = prometheus.CounterValue
		}
		found <- prometheus.MustNewConstMetric(c.descs[s.Metric.Name], kind, s.Value, s.Labels[1:]...)
	}
}

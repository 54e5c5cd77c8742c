package main

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// newRegistry makes the registry behind /metrics, with what Go and the system tell of the process.
func newRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	// In OpenMetrics the counter go_memstats_alloc_bytes_total and the gauge go_memstats_alloc_bytes
	// are two families of one name, for which a strict scraper refuses the whole page.
	registry.MustRegister(
		without{collectors.NewGoCollector(), "go_memstats_alloc_bytes_total"},
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}

// without collects all of a collector's metrics but one.
type without struct {
	prometheus.Collector
	name string
}

// Describe implements prometheus.Collector.
func (w without) Describe(out chan<- *prometheus.Desc) {
	all := make(chan *prometheus.Desc)
	go func() { w.Collector.Describe(all); close(all) }()
	for d := range all {
		if !w.leavesOut(d) {
			out <- d
		}
	}
}

// Collect implements prometheus.Collector.
func (w without) Collect(out chan<- prometheus.Metric) {
	all := make(chan prometheus.Metric)
	go func() { w.Collector.Collect(all); close(all) }()
	for m := range all {
		if !w.leavesOut(m.Desc()) {
			out <- m
		}
	}
}

// leavesOut compares names as a description prints them: it has no other way to tell its own.
func (w without) leavesOut(d *prometheus.Desc) bool {
	return strings.Contains(d.String(), `fqName: "`+w.name+`"`)
}

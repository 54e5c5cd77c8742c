package ingest

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// meters are the doors' own metrics, all named plait_ingest_….
type meters struct {
	requests *prometheus.CounterVec   // by door, answer
	seconds  *prometheus.HistogramVec // by door
	bytes    *prometheus.CounterVec   // by door
	records  *prometheus.CounterVec   // by signal
	refused  *prometheus.CounterVec   // by signal, reason
	repaired *prometheus.CounterVec   // by signal, reason
	sampled  *prometheus.CounterVec   // by signal, reason
	traceIDs prometheus.Counter
	panics   prometheus.Counter
}

// newMeters makes the metrics and registers them.
func newMeters(r prometheus.Registerer, b *budget, limits map[string]*limiter) (*meters, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "plait_ingest_" + name, Help: help}, labels)
	}
	m := &meters{
		requests: counter("requests_total", "Requests by door and by what was answered.", "door", "answer"),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "plait_ingest_request_seconds", Help: "Time from a request's head to its answer, the commit included.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14), NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100,
		}, []string{"door"}),
		bytes:    counter("bytes_total", "Bytes of bodies, decompressed.", "door"),
		records:  counter("records_total", "Spans, log records and samples that were committed.", "signal"),
		refused:  counter("refused_total", "Records that were refused, by reason.", "signal", "reason"),
		repaired: counter("repaired_total", "Records that were stored with a repair or in spite of a flaw, by reason.", "signal", "reason"),
		sampled:  counter("sampled_total", "Records that were left out because more came in than a limit lets through, by whether it was that of their service and whether they had priority.", "signal", "reason"),
		traceIDs: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "plait_ingest_trace_ids_found_total", Help: "Log records without a trace id in which one was found, in attributes or body.",
		}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{Name: "plait_ingest_panics_total", Help: "Requests that ended in a panic."}),
	}
	inFlight := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "plait_ingest_in_flight_bytes", Help: "Memory held by requests that are not yet answered.",
	}, func() float64 { return float64(b.inUse()) })
	limit := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "plait_ingest_in_flight_limit_bytes", Help: "Memory that requests may hold together.",
	}, func() float64 { return float64(b.max) })
	collectors := []prometheus.Collector{m.requests, m.seconds, m.bytes, m.records, m.refused, m.repaired, m.sampled, m.traceIDs, m.panics, inFlight, limit}
	for signal, l := range limits {
		collectors = append(collectors, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "plait_ingest_kept_share", ConstLabels: prometheus.Labels{"signal": signal},
			Help: "Share of the records without priority that is kept: below 1 while more come in than a limit lets through.",
		}, l.share))
		for service, share := range l.serviceShares() {
			collectors = append(collectors, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Name: "plait_ingest_service_kept_share", ConstLabels: prometheus.Labels{"signal": signal, "service": service},
				Help: "Share of the records without priority of a service that its own limit keeps, of each service that the limits name.",
			}, share))
		}
	}
	for _, c := range collectors {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return m, nil
}

package commit

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/plaithq/plait"
)

// Instruments are the metrics of all committers.
type Instruments struct {
	records      *prometheus.CounterVec
	duplicates   *prometheus.CounterVec
	failures     *prometheus.CounterVec
	seconds      *prometheus.HistogramVec
	groupRecords *prometheus.HistogramVec
	waiting      *prometheus.GaugeVec
}

// NewInstruments makes and registers them.
func NewInstruments(registerer prometheus.Registerer) *Instruments {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	in := &Instruments{
		records:    counter("plait_store_records_total", "Records committed, by signal.", "signal"),
		duplicates: counter("plait_store_duplicate_requests_total", "Requests that were committed before.", "signal"),
		failures:   counter("plait_store_failed_requests_total", "Requests that were not committed, by reason.", "signal", "reason"),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "plait_store_commit_seconds",
			Help:    "Time from the start of a group to its commit.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14),
		}, []string{"signal"}),
		groupRecords: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "plait_store_commit_records",
			Help:    "Records that shared a commit.",
			Buckets: prometheus.ExponentialBuckets(1, 4, 9),
		}, []string{"signal"}),
		waiting: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "plait_store_waiting_records", Help: "Records that wait for their commit."}, []string{"signal"}),
	}
	registerer.MustRegister(in.records, in.duplicates, in.failures, in.seconds, in.groupRecords, in.waiting)
	return in
}

// signalInstruments are the metrics of one committer.
type signalInstruments struct {
	records      prometheus.Counter
	duplicates   prometheus.Counter
	failures     *prometheus.CounterVec // by reason
	seconds      prometheus.Observer
	groupRecords prometheus.Observer
	waiting      prometheus.Gauge
}

func (in *Instruments) of(signal string) *signalInstruments {
	return &signalInstruments{
		records:      in.records.WithLabelValues(signal),
		duplicates:   in.duplicates.WithLabelValues(signal),
		failures:     in.failures.MustCurryWith(prometheus.Labels{"signal": signal}),
		seconds:      in.seconds.WithLabelValues(signal),
		groupRecords: in.groupRecords.WithLabelValues(signal),
		waiting:      in.waiting.WithLabelValues(signal),
	}
}

// failed counts requests that were not committed.
func (m *signalInstruments) failed(err error, requests int) {
	reason := "other"
	switch {
	case errors.Is(err, plait.ErrInvalid):
		reason = "invalid"
	case errors.Is(err, plait.ErrUnavailable):
		reason = "unavailable"
	}
	m.failures.WithLabelValues(reason).Add(float64(requests))
}

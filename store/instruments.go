package store

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/plaithq/plait"
)

// instruments are the store's own metrics.
type instruments struct {
	records      *prometheus.CounterVec
	duplicates   *prometheus.CounterVec
	failures     *prometheus.CounterVec
	seconds      *prometheus.HistogramVec
	groupRecords *prometheus.HistogramVec
	waiting      *prometheus.GaugeVec
	entries      *prometheus.CounterVec
	collisions   *prometheus.CounterVec
	inline       *prometheus.CounterVec
	outside      *prometheus.CounterVec
	partitions   *prometheus.GaugeVec
	dropped      *prometheus.CounterVec
	swept        *prometheus.CounterVec
	pinned       *prometheus.CounterVec
	unpinned     prometheus.Counter
	upkeep       *prometheus.CounterVec
	clockAhead   prometheus.Gauge

	inlineNames   prometheus.Counter
	inlineClasses prometheus.Counter
}

func newInstruments(registerer prometheus.Registerer) *instruments {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	in := &instruments{
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
		entries:    counter("plait_store_dictionary_entries_total", "Dictionary entries written by this gateway.", "dictionary"),
		collisions: counter("plait_store_dictionary_collisions_total", "Contents that got another id because theirs stands for another content.", "dictionary"),
		inline:     counter("plait_store_inline_total", "Records that keep inline what is usually in a dictionary, because it is new too often.", "what"),
		outside:    counter("plait_store_outside_total", "Records whose time lies outside the days that have partitions.", "signal"),
		partitions: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "plait_store_partitions", Help: "Partitions that exist, by table."}, []string{"table"}),
		dropped: counter("plait_store_dropped_partitions_total", "Partitions dropped by retention.", "table"),
		swept:   counter("plait_store_swept_entries_total", "Dictionary entries removed because nothing can refer to them.", "dictionary"),
		pinned:  counter("plait_store_pinned_rows_total", "Rows of expired partitions kept because an exemplar points to their trace.", "table"),
		unpinned: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "plait_store_unpinned_exemplars_total", Help: "Exemplars removed because their traces were too many to keep."}),
		upkeep: counter("plait_store_upkeep_failures_total", "Rounds of upkeep that failed, by task.", "task"),
		clockAhead: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "plait_store_clock_ahead_seconds", Help: "How far this gateway's clock is ahead of the database's."}),
	}
	in.inlineNames = in.inline.WithLabelValues("span_name")
	in.inlineClasses = in.inline.WithLabelValues("log_class")
	registerer.MustRegister(in.records, in.duplicates, in.failures, in.seconds, in.groupRecords, in.waiting,
		in.entries, in.collisions, in.inline, in.outside, in.partitions, in.dropped, in.swept, in.pinned, in.unpinned, in.upkeep, in.clockAhead)
	return in
}

// signalMeters are the instruments of one committer.
type signalMeters struct {
	records      prometheus.Counter
	duplicates   prometheus.Counter
	failures     *prometheus.CounterVec // by reason
	seconds      prometheus.Observer
	groupRecords prometheus.Observer
	waiting      prometheus.Gauge
}

func (in *instruments) of(signal string) *signalMeters {
	return &signalMeters{
		records:      in.records.WithLabelValues(signal),
		duplicates:   in.duplicates.WithLabelValues(signal),
		failures:     in.failures.MustCurryWith(prometheus.Labels{"signal": signal}),
		seconds:      in.seconds.WithLabelValues(signal),
		groupRecords: in.groupRecords.WithLabelValues(signal),
		waiting:      in.waiting.WithLabelValues(signal),
	}
}

// failed counts requests that were not committed.
func (m *signalMeters) failed(err error, requests int) {
	reason := "other"
	switch {
	case errors.Is(err, plait.ErrInvalid):
		reason = "invalid"
	case errors.Is(err, plait.ErrUnavailable):
		reason = "unavailable"
	}
	m.failures.WithLabelValues(reason).Add(float64(requests))
}

// enter takes what is committed into the dictionaries' memory, and counts it.
func (in *instruments) enter(dictionaries []*dictionaryWriter) {
	for _, d := range dictionaries {
		if n := len(d.pending); n > 0 {
			in.entries.WithLabelValues(d.name).Add(float64(n))
			d.committed()
		}
	}
}

// countPartitions shows how many partitions each table has.
func (in *instruments) countPartitions(found map[partitionID]struct{}) {
	count := make(map[string]int)
	for id := range found {
		count[id.table]++
	}
	in.partitions.Reset()
	for table, n := range count {
		in.partitions.WithLabelValues(table).Set(float64(n))
	}
}

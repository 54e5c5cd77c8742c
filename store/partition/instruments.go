package partition

import "github.com/prometheus/client_golang/prometheus"

// Instruments are the metrics of the partitions and of their upkeep.
type Instruments struct {
	outside    *prometheus.CounterVec
	partitions *prometheus.GaugeVec
	dropped    *prometheus.CounterVec
	pinned     *prometheus.CounterVec
	unpinned   prometheus.Counter
	upkeep     *prometheus.CounterVec
	clockAhead prometheus.Gauge
}

// NewInstruments makes and registers them.
func NewInstruments(registerer prometheus.Registerer) *Instruments {
	counter := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
	}
	in := &Instruments{
		outside: counter("plait_store_outside_total", "Records whose time lies outside the days that have partitions.", "signal"),
		partitions: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "plait_store_partitions", Help: "Partitions that exist, by table."}, []string{"table"}),
		dropped: counter("plait_store_dropped_partitions_total", "Partitions dropped by retention.", "table"),
		pinned:  counter("plait_store_pinned_rows_total", "Rows of expired partitions kept because an exemplar points to their trace.", "table"),
		unpinned: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "plait_store_unpinned_exemplars_total", Help: "Exemplars removed because their traces were too many to keep."}),
		upkeep: counter("plait_store_upkeep_failures_total", "Rounds of upkeep that failed, by task.", "task"),
		clockAhead: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "plait_store_clock_ahead_seconds", Help: "How far this gateway's clock is ahead of the database's."}),
	}
	registerer.MustRegister(in.outside, in.partitions, in.dropped, in.pinned, in.unpinned, in.upkeep, in.clockAhead)
	return in
}

// countPartitions shows how many partitions each table has.
func (in *Instruments) countPartitions(found map[id]struct{}) {
	count := make(map[string]int)
	for id := range found {
		count[id.table]++
	}
	in.partitions.Reset()
	for table, n := range count {
		in.partitions.WithLabelValues(table).Set(float64(n))
	}
}

// Outsiders counts the records of a signal whose day has no partition.
func (s *Keeper) Outsiders(signal string) prometheus.Counter {
	return s.instruments.outside.WithLabelValues(signal)
}

package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// counters are the package's own metrics.
type counters struct {
	samples    prometheus.Counter
	exemplars  prometheus.Counter
	compaction prometheus.Counter
	collisions prometheus.Counter
	seconds    prometheus.Counter
}

func (c *counters) register(r prometheus.Registerer, db *DB) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	c.samples = counter("plait_store_samples_total", "Samples committed.")
	c.exemplars = counter("plait_store_exemplars_total", "Exemplars committed.")
	c.compaction = counter("plait_store_samples_compacted_total", "Samples rewritten as chunks by this gateway.")
	c.collisions = counter("plait_store_series_collisions_total", "Series that got another id because theirs stands for another one.")
	c.seconds = counter("plait_store_compaction_seconds_total", "Time spent on rewriting samples as chunks.")
	if r == nil {
		return
	}
	r.MustRegister(c.samples, c.exemplars, c.compaction, c.collisions, c.seconds,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "plait_store_head_samples", Help: "Samples that are not in chunks yet."},
			func() float64 { samples, _ := db.head.size(); return float64(samples) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "plait_store_head_bytes", Help: "Memory used by samples that are not in chunks yet."},
			func() float64 { _, bytes := db.head.size(); return float64(bytes) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "plait_store_chunk_cache_bytes", Help: "Memory used by chunks that were read lately."},
			func() float64 { return float64(db.chunks.size()) }))
}

func (c *counters) wrote(g *Group) {
	for _, r := range g.rows {
		c.samples.Add(float64(len(r.series)))
	}
	c.exemplars.Add(float64(g.exemplars))
}

func (c *counters) compacted(samples int, took time.Duration) {
	c.compaction.Add(float64(samples))
	c.seconds.Add(took.Seconds())
}

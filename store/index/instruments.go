package index

import "github.com/prometheus/client_golang/prometheus"

// Instruments are the metrics of all indexes.
type Instruments struct {
	merges   *prometheus.CounterVec
	heads    *prometheus.GaugeVec
	segments *prometheus.GaugeVec
	bytes    *prometheus.GaugeVec
}

// NewInstruments makes and registers them.
func NewInstruments(registerer prometheus.Registerer) *Instruments {
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, []string{"signal"})
	}
	in := &Instruments{
		merges: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "plait_store_index_merges_total",
			Help: "Merges of the term index by this gateway: of heads, or of segments."}, []string{"signal", "of"}),
		heads:    gauge("plait_store_index_heads", "Commits whose terms wait for a merge, as the merger last saw it."),
		segments: gauge("plait_store_index_segments", "Segments of the term index, as the merger last saw it."),
		bytes:    gauge("plait_store_index_segment_bytes", "Bytes in the bodies of segments of the term index."),
	}
	registerer.MustRegister(in.merges, in.heads, in.segments, in.bytes)
	return in
}

// signalInstruments are the metrics of one index.
type signalInstruments struct {
	mergedHeads, mergedSegments prometheus.Counter
	heads, segments, bytes      prometheus.Gauge
}

func (in *Instruments) of(signal Signal) *signalInstruments {
	s := signal.String()
	return &signalInstruments{
		mergedHeads:    in.merges.WithLabelValues(s, "heads"),
		mergedSegments: in.merges.WithLabelValues(s, "segments"),
		heads:          in.heads.WithLabelValues(s),
		segments:       in.segments.WithLabelValues(s),
		bytes:          in.bytes.WithLabelValues(s),
	}
}

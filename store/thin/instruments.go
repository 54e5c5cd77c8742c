package thin

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/plaithq/plait/store/partition"
)

// Instruments are the metrics of thinning.
type Instruments struct {
	traces *prometheus.CounterVec
	freed  prometheus.Counter

	unnoted prometheus.Counter
}

// NewInstruments makes and registers them.
func NewInstruments(registerer prometheus.Registerer) *Instruments {
	in := &Instruments{
		traces: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "plait_thin_traces_total",
			Help: "Traces of days that this gateway thinned, by why they were kept: error, exemplar, opened, several days, slow, rare, chance; or gone."}, []string{"verdict"}),
		freed: prometheus.NewCounter(prometheus.CounterOpts{Name: "plait_thin_freed_bytes_total",
			Help: "By how many bytes the partitions of days that this gateway thinned are smaller."}),
		unnoted: prometheus.NewCounter(prometheus.CounterOpts{Name: "plait_thin_unnoted_openings_total",
			Help: "How often a trace was opened by its id and that was not noted, so that thinning may not keep it: there were too many in the hour."}),
	}
	registerer.MustRegister(in.traces, in.freed, in.unnoted)
	return in
}

func (in *Instruments) count(v *verdicts, bytes partition.Rewritten) {
	for reason, n := range v.traces {
		in.traces.WithLabelValues(reason).Add(float64(n))
	}
	in.freed.Add(float64(max(bytes.Freed(), 0)))
}

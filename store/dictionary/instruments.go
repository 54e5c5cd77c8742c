package dictionary

import "github.com/prometheus/client_golang/prometheus"

// Instruments are the metrics of all dictionaries.
type Instruments struct {
	entries    *prometheus.CounterVec
	collisions *prometheus.CounterVec
	inline     *prometheus.CounterVec
	swept      *prometheus.CounterVec
}

// NewInstruments makes and registers them.
func NewInstruments(registerer prometheus.Registerer) *Instruments {
	counter := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
	}
	in := &Instruments{
		entries:    counter("plait_store_dictionary_entries_total", "Dictionary entries written by this gateway.", "dictionary"),
		collisions: counter("plait_store_dictionary_collisions_total", "Contents that got another id because theirs stands for another content.", "dictionary"),
		inline:     counter("plait_store_inline_total", "Records that keep inline what is usually in a dictionary, because it is new too often.", "what"),
		swept:      counter("plait_store_swept_entries_total", "Dictionary entries removed because nothing can refer to them.", "dictionary"),
	}
	registerer.MustRegister(in.entries, in.collisions, in.inline, in.swept)
	return in
}

// Inlined is the counter of records that keep something inline.
func (in *Instruments) Inlined(what string) prometheus.Counter {
	return in.inline.WithLabelValues(what)
}

// Enter takes what is committed into the dictionaries' memory, and counts it.
func (in *Instruments) Enter(dictionaries []*Writer) {
	for _, d := range dictionaries {
		if n := len(d.pending); n > 0 {
			in.entries.WithLabelValues(d.name).Add(float64(n))
			d.committed()
		}
	}
}

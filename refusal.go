package plait

// Refusal says that records of an otherwise good request were left out, and why.
type Refusal struct {
	Count  int    // of spans, log records, or samples and native histograms
	Reason string // for the sender: what is wrong and where
	// Of metrics: how many of Count are native histograms, and how many exemplars went with them.
	Histograms, Exemplars int
}

// Repair says that a decoder changed something so that records could be kept.
type Repair struct {
	Count  int
	Reason string // one of few, fit for a metric's label: "too_deep", "bad_id"
}

package plait

// Refusal says that records of an otherwise good request were left out, and why.
type Refusal struct {
	Count  int    // of spans, log records or metric data points
	Reason string // for the sender: what is wrong and where
}

// Repair says that a decoder changed something so that records could be kept.
type Repair struct {
	Count  int
	Reason string // one of few, fit for a metric's label: "too_deep", "bad_id"
}

package plait

import "time"

// IntakeReport is what became of the requests that came in by one door since the gateway started.
type IntakeReport struct {
	Door     string // as in the labels of Plait's metrics: "otlp_http"
	Requests int64
	Stored   int64 // records of them that were committed
	Refused  int64 // records of them, and requests of which no record could be told
	Sampled  int64 // records of them that a limit left out
	// P95 is the time from a request's head to its answer, of the last few hundred requests, the commit included.
	P95 time.Duration
	// LastRefusal is nil where nothing was refused.
	LastRefusal *Refused
}

// Refused is a request that was refused, in whole or in part.
type Refused struct {
	Time   time.Time
	Sender string // its address, without the port
	Answer string // as in the labels of Plait's metrics: "invalid", "partial"
	Reason string // what its sender was told
}

// Limited is a time, in whole minutes, in which more records of a signal came than a limit lets through.
type Limited struct {
	Signal           string // "traces", "logs"
	Service          string // whose limit it was; empty: that of all together
	From, To         time.Time
	Came, SampledOut int64 // records
	// LeastShare is the smallest share that was kept of what has no priority.
	LeastShare float64
}

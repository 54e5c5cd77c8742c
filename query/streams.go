package query

import (
	"time"

	"github.com/plaithq/plait"
)

// LogStreams asks how many log records resources have. The range needs both ends.
type LogStreams struct {
	Range plait.TimeRange
	Step  time.Duration // counted apart; 0 is all in one
}

// LogStream is what the records of a resource come to.
type LogStream struct {
	Resource *plait.Resource // read-only
	Steps    []LogStep       // those that have some, in order
}

// LogStep is how many records are in a step.
type LogStep struct {
	Index int // from 0, the first begins with the range
	Count int64
	Bytes int64 // of the bodies
}

package query

import (
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
)

// LogStreams asks how many log records resources have. The range needs both ends.
type LogStreams struct {
	Range plait.TimeRange
	Step  time.Duration // counted apart, from a multiple of it to the next; 0 is all in one
}

// LogStream is what the records of a resource come to.
type LogStream struct {
	Resource *plait.Resource // read-only
	Steps    []LogStep       // those that have some, in order
}

// LogStep is how many records are in a step.
type LogStep struct {
	Index int // from 0, the first is that of the begin of the range
	Count int64
	Bytes int64 // of the bodies
}

// LogGroups asks how many log records there are in steps, by what tells some labels apart. Steps are what lies
// after one time and not after the next, in nanoseconds since 1970.
type LogGroups struct {
	Condition   condition.Node // on resources: others need not be counted
	After, UpTo int64          // whole microseconds, as is Step
	Step        int64
	Attributes  []string // keys whose values are told apart: of records and scopes
	Severity    bool     // severities are told apart
	// Like says by its text which resources are not told apart: those of which it is the same.
	Like func(*plait.Resource) string
}

// LogGroup is what some records of a step have in common: severity and attributes as they are told apart, and a resource like
// theirs.
type LogGroup struct {
	Step   int // from 0
	Count  int64
	Record plait.LogRecord // without a time and a body
}

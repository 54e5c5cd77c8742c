package query

import (
	"time"

	"github.com/plaithq/plait"
)

// LogPatterns asks what log records have in common, and how many there are of each kind.
type LogPatterns struct {
	Range plait.TimeRange // both ends are needed; it is made longer to whole minutes
	// Step is how long what is counted apart lasts, made longer to whole minutes. 0 is all in one.
	Step time.Duration
	Of   func(*plait.Resource) bool // says whose records are meant; nil is all
}

// LogPattern is what the bodies of log records of a service have in common.
type LogPattern struct {
	Service string
	// Pattern is one of LogQL's |>, with <_> for what varies. It is empty for all records whose bodies have too little in common
	// with others.
	Pattern string
	Level   string // as condition.Level names it
	Count   int64
	// FirstSeen is when the database first had such a record, from any service; zero: before it wrote that down.
	FirstSeen time.Time
	Steps     []PatternStep // those that have some, in order
}

// PatternStep is how many records are in a step.
type PatternStep struct {
	Start time.Time // a multiple of the step since 1970
	Count int64
}

package query

import (
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
)

// Heatmap asks how many spans start, by time and by what they took.
type Heatmap struct {
	Condition condition.Node  // on spans; nil is any
	Range     plait.TimeRange // both ends are needed
	Columns   int             // at most so many steps of time, from 2 on
	// InTrace asks how many of the spans are of traces in which any span fits; nil asks nothing.
	InTrace condition.Node
}

// HeatmapCounts answer a Heatmap.
type HeatmapCounts struct {
	Start   time.Time     // of the first column: the range's, or up to a step before it
	Step    time.Duration // of a column
	Columns int
	Cells   []HeatmapCell // those that have spans, by column, then by duration
	// Before is the time before the first column, in columns of BeforeStep, the earliest first: for what is usual. It is
	// empty where that is not counted.
	Before     []HeatmapCell
	BeforeStep time.Duration
	// CutShort says that there was no time to look at all spans.
	CutShort bool
}

// HeatmapCell is the spans of a column that took longer than one duration and at most another.
type HeatmapCell struct {
	Column int
	DurationCount
	Failed int64
	// Holding is how many are of traces that have a span of Heatmap.InTrace, about as many where there are very many spans.
	Holding int64
	// TraceID is that of one of the spans, zero where none is known, and Nanos is what that one took.
	TraceID plait.TraceID
	Nanos   int64
}

package plait

import "time"

// TraceSummary is a trace in one line.
type TraceSummary struct {
	TraceID       TraceID
	RootService   string // empty when the root span is not here
	RootName      string
	StartNanos    int64
	DurationNanos int64
	SpanCount     int
	ErrorCount    int
	Services      []string // sorted
}

// ThinnedTrace is a trace that went when its day was thinned.
type ThinnedTrace struct {
	Day time.Time // on which it began, in UTC
	At  time.Time // when it went
	// KeptProbability is with which probability chance would have kept it.
	KeptProbability float64
}

// Trace is every stored span of one trace, in order of start. Spans that were sent more than
// once are in it once.
type Trace struct {
	TraceID TraceID
	Spans   []Span
	// Truncated says that the trace has more spans than a reader asked for.
	Truncated bool
}

// ServiceSeen is a service whose spans or log records are kept, and between which times these lie.
type ServiceSeen struct {
	Service     string
	First, Last time.Time
}

// Operation is what spans of a service with one name and one kind do.
type Operation struct {
	Name string
	Kind SpanKind
}

// TimeRange is half open: From <= t < To. A zero end does not bound.
type TimeRange struct {
	From, To time.Time
}

// MatchOp is how a Matcher compares, spelled as in PromQL.
type MatchOp string

// The ways to compare.
const (
	MatchEqual     MatchOp = "="
	MatchNotEqual  MatchOp = "!="
	MatchRegexp    MatchOp = "=~" // anchored at both ends
	MatchNotRegexp MatchOp = "!~"
)

// Matcher restricts a label, as PromQL's do. An absent label has the empty value.
type Matcher struct {
	Name  string
	Op    MatchOp
	Value string
}

// UnusualSpan is a span with what is usual for its operation: its service, name and kind.
type UnusualSpan struct {
	Span
	// TypicalNanos is about the median duration of the operation before the window, or in the window
	// where that has many of them and the last spans before it were of others. It is 0 when unknown.
	TypicalNanos int64
	Grade        int
}

// ExcessNanos is by how much the span took longer than usual.
func (u *UnusualSpan) ExcessNanos() int64 { return u.DurationNanos() - u.TypicalNanos }

// UnusualSpans are spans, those that most exceed the usual first.
type UnusualSpans struct {
	Spans []UnusualSpan
	// CutShort says that not all spans of the window were read: time or memory was up.
	CutShort bool
}

// SeriesExemplar is a stored exemplar with the labels of its series.
type SeriesExemplar struct {
	Series Labels
	Exemplar
}

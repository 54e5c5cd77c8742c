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

// TimeRange is half open: From <= t < To. A zero end does not bound.
type TimeRange struct {
	From, To time.Time
}

// TraceQuery asks for traces, newest first. Zero fields do not restrict. All conditions hold
// for one and the same span.
type TraceQuery struct {
	Service     string
	Name        string // of a span
	MinDuration time.Duration
	MaxDuration time.Duration
	Status      *StatusCode
	Kind        *SpanKind
	// Attributes holds what users type as values by key; a span's own or its resource's.
	Attributes []Attribute
	Range      TimeRange
	Limit      int
	Cursor     string // opaque, from the previous page
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

// SpanOrder is the order in which SpanQuery wants spans.
type SpanOrder uint8

// The orders.
const (
	SpansSlowestFirst SpanOrder = iota
	SpansNewestFirst
)

// SpanQuery asks for single spans by the labels that span-derived metrics give them.
type SpanQuery struct {
	// Matchers restrict the labels service, span_name, span_kind (SPAN_KIND_SERVER…) and
	// status_code (STATUS_CODE_UNSET, STATUS_CODE_OK, STATUS_CODE_ERROR).
	Matchers []Matcher
	// Resource restricts resource attributes by exact text, for metrics whose labels name an
	// instance, a pod or a host. Names are attribute keys.
	Resource []Matcher
	// AnyAttribute asks for spans with an attribute of their own that fits one of these, unless it
	// is empty. An absent attribute fits nothing.
	AnyAttribute []Matcher
	Range        TimeRange // of the span's start
	Min, Max     time.Duration
	Order        SpanOrder
	Limit        int
}

// UnusualQuery asks for the spans of a window that took longest beyond what their operation usually
// takes. The window is the query's Range: a span is in it that began before its end and ended in it
// or later, however long before it began. Order is not used.
type UnusualQuery struct {
	SpanQuery
	// Grade compares what the query's matchers cannot say; nil is 1 for every span. Spans of grade
	// 0 are left out, and a higher grade goes before a lower. It may keep nothing of the span.
	Grade func(*Span) int
	// BestGrade is the highest that Grade gives, 0 where that is not known. With it not all spans need be
	// compared where many are of it.
	BestGrade int
	// FailedFirst puts failed spans before others of their grade, whatever they took.
	FailedFirst bool
	// OfEachTrace asks for the first span of each trace only.
	OfEachTrace bool
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

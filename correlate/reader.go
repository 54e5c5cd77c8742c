// Package correlate joins the three signals: it answers pivots from a metric to traces, from
// a trace to its logs and metrics, and from a log line to its trace. What is told by one trace alone
// is told by package tracetree. It reads through the interfaces in
// this file and knows neither SQL nor HTTP.
package correlate

import (
	"context"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/spanmetrics"
)

// TraceReader reads spans and traces.
type TraceReader interface {
	// Trace returns the spans of a trace in order of start, at most maxSpans of them, each
	// span once however often it was sent. An id whose upper half is zero also finds the trace
	// whose lower half it is, as 64-bit tracers write it. Of a larger trace those spans are
	// returned that tell most, each with its ancestors: those that first names, the roots, those
	// that failed, the longest. It returns plait.ErrNotFound when no span is stored.
	Trace(ctx context.Context, id plait.TraceID, maxSpans int, first ...plait.SpanID) (*plait.Trace, error)
	// TraceSummaries returns the summaries of the traces that are stored, in any order.
	TraceSummaries(ctx context.Context, ids []plait.TraceID) ([]plait.TraceSummary, error)
	// ThinnedTrace returns what is known of a trace that went when its day was thinned, or nil.
	ThinnedTrace(ctx context.Context, id plait.TraceID) (*plait.ThinnedTrace, error)
	// Traces searches, newest first, and returns the cursor of the next page, empty at the end.
	Traces(ctx context.Context, q query.Traces) ([]plait.TraceSummary, string, error)
	// Spans returns single spans that fit a condition.
	Spans(ctx context.Context, q query.Spans) ([]plait.Span, error)
	// SpanCount tells how many spans fit that start in a range, or about how many, or -1 where that would take long.
	SpanCount(ctx context.Context, q query.Spans) (n int64, about bool, err error)
	// UnusualSpans returns the spans of a window that most exceed what is usual for their operation.
	UnusualSpans(ctx context.Context, q query.Unusual) (plait.UnusualSpans, error)
	HeatmapReader
	CompareReader
	// ServiceNames returns the names of services, at most limit of them.
	ServiceNames(ctx context.Context, limit int) ([]string, error)
	// ServiceMap counts the calls between services by joining spans to their parents.
	ServiceMap(ctx context.Context, r plait.TimeRange) (spanmetrics.ServiceMap, error)
	// ServiceMapCourse draws a map of each step of a range.
	ServiceMapCourse(ctx context.Context, r plait.TimeRange, step time.Duration) ([]spanmetrics.ServiceMap, error)
}

// LogReader reads log records.
type LogReader interface {
	TemplateReader
	// TraceLogs returns the records of a trace in time order, at most limit of them, and
	// whether there are more. An id and its lower half find each other, as in Trace.
	TraceLogs(ctx context.Context, id plait.TraceID, limit int) ([]plait.LogRecord, bool, error)
	// LogCounts returns how many records each trace has, by severity name ("" when unknown).
	LogCounts(ctx context.Context, ids []plait.TraceID) (map[plait.TraceID]map[string]int, error)
	// WorstLogs returns of each trace the first of its most severe records, of those that are at least so severe.
	WorstLogs(ctx context.Context, ids []plait.TraceID, least plait.SeverityNumber) (map[plait.TraceID]plait.LogRecord, error)
	// Logs searches and returns the cursor of the next page, empty at the end. An id of a trace in the
	// condition stands for all spellings of it.
	Logs(ctx context.Context, q query.Logs) ([]plait.LogRecord, string, error)
	// Log returns one record by its ID, or plait.ErrNotFound.
	Log(ctx context.Context, id string) (*plait.LogRecord, error)
}

// MetricReader reads series and exemplars.
type MetricReader interface {
	// Exemplars returns the stored exemplars of the series that match, newest first, at most
	// limit of them, only those whose trace is stored.
	Exemplars(ctx context.Context, matchers []plait.Matcher, r plait.TimeRange, limit int) ([]plait.SeriesExemplar, error)
	// TraceExemplars returns the exemplars that point at a trace, in time order.
	TraceExemplars(ctx context.Context, id plait.TraceID) ([]plait.SeriesExemplar, error)
	// DanglingExemplars looks at exemplars of a range, at most limit of them, and counts those whose trace is not stored.
	DanglingExemplars(ctx context.Context, r plait.TimeRange, limit int) (looked, dangling int, err error)
	// Series returns the label sets that match and have samples in the range, sorted, at most limit of them.
	Series(ctx context.Context, matchers []plait.Matcher, r plait.TimeRange, limit int) ([]plait.Labels, error)
	// MetricNames returns the names of stored metrics, at most limit of them.
	MetricNames(ctx context.Context, limit int) ([]string, error)
	// MetricType returns the type of a metric family, plait.MetricUnknown when nobody told.
	MetricType(ctx context.Context, metric string) (plait.MetricType, error)
}

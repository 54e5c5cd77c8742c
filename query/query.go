// Package query holds the questions that the store answers about spans, log records and traces: a condition,
// a time range, an order and a page. Its functions make conditions of what the parameters of /api/v1 and the
// labels of span-derived metrics mean. It reads nothing and knows no SQL.
package query

import (
	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
)

// Page is the part of a list that is asked for.
type Page struct {
	Limit  int    // 0 is the store's own
	Cursor string // opaque, from the page before; empty for the first
}

// Traces asks for traces, those that started last first.
type Traces struct {
	Condition condition.Node  // on traces; nil is any
	Range     plait.TimeRange // that a trace overlaps: what lies outside need not be read
	Page
}

// TracesWithSpan asks for traces with a span that started in a range and is as a condition on spans says.
func TracesWithSpan(of condition.Node, started plait.TimeRange) Traces {
	return Traces{Condition: condition.HasSpan{Of: condition.And{of, During(condition.SpanStart, started)}}, Range: started}
}

// SpanOrder is the order in which spans are wanted.
type SpanOrder uint8

// The orders.
const (
	SlowestFirst SpanOrder = iota
	NewestFirst
)

// Spans asks for single spans.
type Spans struct {
	Condition condition.Node  // on spans; nil is any
	Range     plait.TimeRange // of the span's start
	Order     SpanOrder
	Page
}

// Unusual asks for the spans of a window that took longest beyond what their operation usually takes. A span
// is in the window that began before its end and ended in it or later, however long before it began.
type Unusual struct {
	Condition condition.Node  // on spans; nil is any
	Range     plait.TimeRange // the window
	Limit     int
	// Grade compares what a condition cannot say; nil is 1 for every span. Spans of grade 0 are left out,
	// and a higher grade goes before a lower. It may keep nothing of the span.
	Grade func(*plait.Span) int
	// BestGrade is the highest that Grade gives, 0 where that is not known.
	BestGrade int
	// FailedFirst puts failed spans before others of their grade, whatever they took.
	FailedFirst bool
	// OfEachTrace asks for the first span of each trace only.
	OfEachTrace bool
}

// Logs asks for log records, newest first.
type Logs struct {
	Condition condition.Node  // on log records; nil is any
	Range     plait.TimeRange // of the record's time
	Ascending bool            // oldest first
	Page
}

// AttributeNames are the keys of attributes, by where these stand, each in order.
type AttributeNames struct{ Spans, Resources, Scopes, Events, Links []string }

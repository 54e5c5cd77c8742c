package correlate

import (
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	conditions "github.com/plaithq/plait/query/condition"
)

// spanQuestion asks for the spans that are samples of a metric.
type spanQuestion struct {
	// Matchers restrict the labels of span-derived metrics: service, span_name, span_kind and status_code.
	Matchers []plait.Matcher
	// AnyAttribute asks for spans with an attribute of their own that fits one of these, unless it is empty.
	AnyAttribute []plait.Matcher
	Range        plait.TimeRange
	Min, Max     time.Duration // 0 does not bound
	Limit        int
}

// condition is the question's, without its range. An error is plait.ErrInvalid.
func (q *spanQuestion) condition() (conditions.Node, error) {
	return query.Samples(q.Matchers, q.AnyAttribute, q.Min, q.Max)
}

// unusualQuestion asks for those of them that took longest beyond what is usual.
type unusualQuestion struct {
	spanQuestion
	Grade       func(*plait.Span) int
	BestGrade   int
	FailedFirst bool
	OfEachTrace bool
}

func (q *unusualQuestion) query() (query.Unusual, error) {
	n, err := q.condition()
	return query.Unusual{
		Condition: n, Range: q.Range, Limit: q.Limit,
		Grade: q.Grade, BestGrade: q.BestGrade, FailedFirst: q.FailedFirst, OfEachTrace: q.OfEachTrace,
	}, err
}

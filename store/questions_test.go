package store_test

import (
	"testing"
	"time"

	"github.com/plaithq/plait"
	questions "github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
)

// allPages reads page after page.
func allPages[T any](t interface {
	Helper()
	Fatal(args ...any)
}, read func(cursor string) ([]T, string, error),
) (found []T) {
	t.Helper()
	for cursor := ""; ; {
		page, next, err := read(cursor)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, page...)
		if next == "" {
			return found
		}
		if len(page) == 0 {
			t.Fatal("an empty page with a cursor")
		}
		cursor = next
	}
}

// traceQuestion asks for traces with a span that is as all its fields say, as /api/v1/traces does.
type traceQuestion struct {
	Service, Name            string
	MinDuration, MaxDuration time.Duration
	Status                   *plait.StatusCode
	Kind                     *plait.SpanKind
	Attributes               []plait.Attribute
	Range                    plait.TimeRange
	Limit                    int
	Cursor                   string
}

func (q traceQuestion) traces() questions.Traces {
	and := condition.And{questions.Took(q.MinDuration, q.MaxDuration)}
	if q.Service != "" {
		and = append(and, questions.Service(q.Service))
	}
	if q.Name != "" {
		and = append(and, questions.SpanName(q.Name))
	}
	if q.Status != nil {
		and = append(and, questions.Status(*q.Status))
	}
	if q.Kind != nil {
		and = append(and, questions.Kind(*q.Kind))
	}
	for _, a := range q.Attributes {
		and = append(and, questions.SpanAttribute(a.Key, a.Value.Text()))
	}
	asked := questions.TracesWithSpan(and, q.Range)
	asked.Limit, asked.Cursor = q.Limit, q.Cursor
	return asked
}

// spanQuestion asks for spans by their labels, resource, attributes and duration.
type spanQuestion struct {
	Matchers, Resource, AnyAttribute []plait.Matcher
	Range                            plait.TimeRange
	Min, Max                         time.Duration
	Order                            questions.SpanOrder
	Limit                            int
}

func (q spanQuestion) spans(t *testing.T) questions.Spans {
	t.Helper()
	n, err := q.condition()
	if err != nil {
		t.Fatal(err)
	}
	return questions.Spans{Condition: n, Range: q.Range, Order: q.Order, Page: questions.Page{Limit: q.Limit}}
}

func (q spanQuestion) condition() (condition.Node, error) {
	samples, err := questions.Samples(q.Matchers, q.AnyAttribute, q.Min, q.Max)
	if err != nil {
		return nil, err
	}
	resource, err := questions.ResourceLabels(q.Resource)
	return condition.And{samples, resource}, err
}

// unusualQuestion asks for those of them that are unusual.
type unusualQuestion struct {
	spanQuestion
	Grade                    func(*plait.Span) int
	BestGrade                int
	FailedFirst, OfEachTrace bool
}

func (q unusualQuestion) unusual(t *testing.T) questions.Unusual {
	t.Helper()
	asked := q.spans(t)
	return questions.Unusual{
		Condition: asked.Condition, Range: asked.Range, Limit: asked.Limit,
		Grade: q.Grade, BestGrade: q.BestGrade, FailedFirst: q.FailedFirst, OfEachTrace: q.OfEachTrace,
	}
}

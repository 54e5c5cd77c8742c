package correlate

import (
	"cmp"
	"context"
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/correlate/tracetree"
)

// A spike is made of spans that took longer than their operation usually takes, not of those of
// operations that are always slow. So all spans of a window are ranked by the time by which they exceed
// what is usual for their own operation, and only then are the first of them taken (TraceReader.UnusualSpans).

// spanCandidates is how many spans are taken where not each of them will be an answer.
const spanCandidates = 1000

// operation is what makes spans comparable.
type operation struct {
	service, name string
	kind          plait.SpanKind
}

func operationOf(s *plait.Span) operation {
	return operation{s.Resource.Service(), s.Name, s.Kind}
}

// unusualSpan is a span with what is typical of its operation.
type unusualSpan struct {
	span         *plait.Span
	typicalNanos int64 // 0 when unknown
	excessNanos  int64
	grade        int
}

func (u unusualSpan) hit(match Match) MetricHit {
	return MetricHit{
		TimeNanos: tracetree.EndNanos(u.span), TraceID: u.span.TraceID, SpanID: u.span.SpanID, Match: match,
		TypicalNanos: u.typicalNanos, excessNanos: u.excessNanos, failed: u.span.Status == plait.StatusError,
	}
}

// unusual returns spans of a window, those that most exceed what is typical of their operation
// first, and whether some were not looked at.
func (p *Pivots) unusual(ctx context.Context, q unusualQuestion) ([]unusualSpan, bool, error) {
	asked, err := q.query()
	if err != nil {
		return nil, false, err
	}
	found, err := p.traces.UnusualSpans(ctx, asked)
	if err != nil {
		return nil, false, err
	}
	ranked := make([]unusualSpan, len(found.Spans))
	for i := range found.Spans {
		u := &found.Spans[i]
		ranked[i] = unusualSpan{span: &u.Span, typicalNanos: u.TypicalNanos, excessNanos: u.ExcessNanos(), grade: u.Grade}
	}
	return ranked, found.CutShort, nil
}

// candidates are unusual spans of which several may be of one trace.
func (p *Pivots) candidates(ctx context.Context, q spanQuestion, failedFirst bool) ([]unusualSpan, bool, error) {
	q.Limit = spanCandidates
	return p.unusual(ctx, unusualQuestion{spanQuestion: q, FailedFirst: failedFirst})
}

func rank(spans []unusualSpan, failuresFirst bool) {
	slices.SortStableFunc(spans, func(a, b unusualSpan) int {
		if failed := a.span.Status == plait.StatusError; failuresFirst && failed != (b.span.Status == plait.StatusError) {
			if failed {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(b.excessNanos, a.excessNanos), cmp.Compare(b.span.StartNanos, a.span.StartNanos))
	})
}

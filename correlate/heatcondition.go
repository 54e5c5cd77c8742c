package correlate

import (
	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	conditions "github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/spanmetrics"
)

// samplesOf is a condition on the spans that are samples of the metrics that some selectors name, and the matchers that say
// nothing about it. It is plait.ErrNotFound where one of these metrics has no spans as its samples, and plait.ErrInvalid where
// a matcher cannot be read.
func samplesOf(selectors [][]plait.Matcher) (conditions.Node, []plait.Matcher, error) {
	or := conditions.Or{}
	var ignored []plait.Matcher
	for _, matchers := range selectors {
		m, ok, err := spanMetricOf(matchers)
		if err != nil {
			return nil, nil, err
		}
		if !ok {
			return nil, nil, plait.Errorf(plait.ErrNotFound, "the samples of this metric are no spans: ask for %s or for one of %s…", spanmetrics.Latency, "traces_service_graph_")
		}
		ignored = append(ignored, m.ignored...)
		for i := range m.others {
			ignored = append(ignored, m.others[i].matcher)
		}
		if m.nothing {
			continue
		}
		n, err := m.samples()
		if err != nil {
			return nil, nil, err
		}
		or = append(or, n)
	}
	if len(or) == 1 {
		return or[0], ignored, nil
	}
	return or, ignored, nil
}

// samples is a condition on the spans that are a metric's samples. Of a call it asks what the span and its parent tell.
func (m *spanMetric) samples() (conditions.Node, error) {
	if m.edge == nil {
		return m.query.condition()
	}
	if m.edge.sides == clientsSide && m.edge.answered() && len(m.edge.server) > 0 {
		return nil, plait.Errorf(plait.ErrInvalid, "a client's span does not tell which server answered it: ask for %s", spanmetrics.ServerSeconds)
	}
	or := conditions.Or{}
	for _, q := range m.edge.questions(m.query) {
		n, err := q.condition()
		if err != nil {
			return nil, err
		}
		or = append(or, n)
	}
	and := conditions.And{or}
	if m.edge.sides == clientsSide {
		return and, nil
	}
	for _, p := range m.edge.client {
		n, err := calledBy(p)
		if err != nil {
			return nil, err
		}
		and = append(and, n)
	}
	return and, nil
}

// calledBy asks for spans whose caller's service fits: their parent's, or their own where they are the call.
func calledBy(client predicate) (conditions.Node, error) {
	asks := conditions.Or{query.Kind(plait.SpanKindClient), query.Kind(plait.SpanKindProducer)}
	own, err := conditions.Label(conditions.Field{Name: conditions.Service}, client.matcher.Op, client.matcher.Value)
	if err != nil {
		return nil, err
	}
	parent, err := conditions.Label(conditions.Field{Name: conditions.Service, Parent: true}, client.matcher.Op, client.matcher.Value)
	if err != nil {
		return nil, err
	}
	hasParent := conditions.Exists(conditions.Field{Name: conditions.SpanParentID})
	answers := conditions.Or{conditions.And{hasParent, parent}}
	if client.matches(spanmetrics.UserNode) {
		answers = append(answers, conditions.Not{Of: hasParent})
	}
	return conditions.Or{conditions.And{asks, own}, conditions.And{conditions.Not{Of: asks}, answers}}, nil
}

package query

import (
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/spanmetrics"
)

// SpanLabels asks for the spans that are samples of span-derived metrics with labels that fit: service,
// span_name, span_kind and status_code. Any other label is absent, which is the empty text, and __name__ is
// not compared. An error is plait.ErrInvalid and names the label.
func SpanLabels(matchers []plait.Matcher) (condition.Node, error) {
	and := condition.And{}
	for _, m := range matchers {
		n, err := spanLabel(m)
		if err != nil {
			return nil, plait.Errorf(plait.ErrInvalid, "label %s: %w", m.Name, err)
		}
		and = append(and, n)
	}
	return and, nil
}

func spanLabel(m plait.Matcher) (condition.Node, error) {
	switch m.Name {
	case plait.NameLabel:
		return condition.Const(true), nil
	case spanmetrics.LabelService:
		return condition.Label(condition.Field{Name: condition.Service}, m.Op, m.Value)
	case spanmetrics.LabelSpanName:
		return condition.Label(condition.Field{Name: condition.SpanName}, m.Op, m.Value)
	case spanmetrics.LabelSpanKind:
		return enumerated(m, Kind, spanmetrics.KindLabel, plait.SpanKindConsumer)
	case spanmetrics.LabelStatusCode:
		return enumerated(m, Status, spanmetrics.StatusLabel, plait.StatusError)
	}
	fits, err := compares(m)
	if err != nil {
		return nil, err
	}
	return condition.Const(fits("")), nil
}

// enumerated compares a matcher with the labels of 0 to last. A number that OTLP does not define has the
// label of 0, so that 0 is what none of the others is.
func enumerated[T ~uint8](m plait.Matcher, is func(T) condition.Node, label func(T) string, last T) (condition.Node, error) {
	fits, err := compares(m)
	if err != nil {
		return nil, err
	}
	fitting, others := condition.Or{}, condition.Or{}
	for v := T(1); v <= last; v++ {
		if fits(label(v)) {
			fitting = append(fitting, is(v))
		} else {
			others = append(others, is(v))
		}
	}
	if fits(label(0)) {
		return condition.Not{Of: others}, nil
	}
	return fitting, nil
}

// compares makes of a matcher a function of a label's text.
func compares(m plait.Matcher) (func(string) bool, error) {
	n, err := condition.Label(condition.Field{Name: condition.SpanName}, m.Op, m.Value)
	if err != nil {
		return nil, err
	}
	compiled, err := condition.CompileSpans(n)
	if err != nil {
		return nil, err
	}
	return func(s string) bool { return compiled.Match(&condition.SpanView{Span: &plait.Span{Name: s}}) }, nil
}

// ResourceLabels asks for spans of a resource whose attributes have texts that fit, for metrics whose labels
// name an instance, a pod or a host. Names are attribute keys; an absent attribute is the empty text.
func ResourceLabels(matchers []plait.Matcher) (condition.Node, error) {
	and := condition.And{}
	for _, m := range matchers {
		n, err := condition.Label(condition.Attribute(condition.ResourceAttribute, m.Name), m.Op, m.Value)
		if err != nil {
			return nil, plait.Errorf(plait.ErrInvalid, "resource attribute %s: %w", m.Name, err)
		}
		and = append(and, n)
	}
	return and, nil
}

// Samples asks for the spans that are samples of a span-derived metric: by the metric's labels, as SpanLabels; with an
// attribute that fits, as AnyAttribute, unless there is none to fit; and by what they took, as Took.
func Samples(labels, anyAttribute []plait.Matcher, least, most time.Duration) (condition.Node, error) {
	fitting, err := SpanLabels(labels)
	if err != nil {
		return nil, err
	}
	and := condition.And{fitting, Took(least, most)}
	if len(anyAttribute) > 0 {
		some, err := AnyAttribute(anyAttribute)
		if err != nil {
			return nil, err
		}
		and = append(and, some)
	}
	return and, nil
}

// AnyAttribute asks for spans with an attribute of their own that fits one of some matchers: by what it says
// where they ask for one value, and else by its text. An absent attribute fits nothing.
func AnyAttribute(matchers []plait.Matcher) (condition.Node, error) {
	or := condition.Or{}
	for _, m := range matchers {
		own := condition.Attribute(condition.SpanAttribute, m.Name)
		n, err := condition.Label(own, m.Op, m.Value)
		if err != nil {
			return nil, plait.Errorf(plait.ErrInvalid, "attribute %s: %w", m.Name, err)
		}
		or = append(or, condition.And{condition.Exists(own), n})
		if m.Op == plait.MatchEqual {
			or = append(or, says(m.Name, m.Value, condition.SpanAttribute))
		}
	}
	return or, nil
}

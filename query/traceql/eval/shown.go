package eval

import (
	"slices"
	"strings"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/traceql"
)

// shownField is a field that answers show, because the query speaks of it.
type shownField struct {
	field traceql.Field
	key   string
	// fits are what the query asks of the field: of several values those that fit one are shown.
	fits []*condition.Spans
}

// Attributes is what an answer shows of a span: the values of the fields that the query names, as far as the span
// has them. Keys have no scope. The name and the duration, which an answer shows of every span, are not among
// them. Of an array, and of several events or links, those that the conditions fit are shown: one as it is, more
// as an array.
func (f *Found) Attributes(span int) plait.Attributes {
	var all plait.Attributes
	for _, s := range f.shown {
		if nested(s.field) {
			f.trace.findPlaces()
		}
		if _, twice := all.Get(s.key); twice {
			continue
		}
		if v, ok := s.value(&f.trace.spans[span]); ok {
			all = append(all, plait.Attribute{Key: s.key, Value: v})
		}
	}
	return all
}

func (s *shownField) value(v *condition.SpanView) (plait.Value, bool) {
	values := readAll(s.field, v)
	if len(values) == 1 && values[0].Kind() == plait.KindArray && len(s.fits) > 0 {
		values = condition.Elements(values[0])
	}
	if len(values) > 1 && len(s.fits) > 0 {
		if fitting := s.fitting(values); len(fitting) > 0 {
			values = fitting
		}
	}
	if len(values) == 0 {
		return plait.Value{}, false
	}
	for i := range values {
		values[i] = s.spelled(values[i])
	}
	if len(values) > 1 {
		return array(values), true
	}
	return values[0], true
}

// spelled is a value as Tempo writes it in answers.
func (s *shownField) spelled(v plait.Value) plait.Value {
	switch {
	case s.field.Type() == traceql.TypeDuration:
		return plait.StringValue(time.Duration(v.Int()).String())
	case s.field.Intrinsic() == traceql.LinkTraceID:
		return plait.StringValue(strings.TrimLeft(v.Str(), "0"))
	}
	return v
}

// probe is the key under which a value is asked alone.
const probe = "value"

func (s *shownField) fitting(values []plait.Value) (fitting []plait.Value) {
	for _, v := range values {
		alone := condition.SpanView{Span: &plait.Span{Attributes: plait.Attributes{{Key: probe, Value: v}}}}
		if slices.ContainsFunc(s.fits, func(c *condition.Spans) bool { return c.Match(&alone) }) {
			fitting = append(fitting, v)
		}
	}
	return fitting
}

func array(values []plait.Value) plait.Value {
	text := []byte{'['}
	for i, v := range values {
		if i > 0 {
			text = append(text, ',')
		}
		text = v.AppendJSON(text)
	}
	return plait.ArrayValue(string(append(text, ']')))
}

// shownFields lists the fields that a pipeline names, each once.
func shownFields(p traceql.Pipeline) (all []shownField, err error) {
	place := map[traceql.Field]int{}
	add := func(f traceql.Field) {
		switch f.Intrinsic() {
		case traceql.Name, traceql.Duration, traceql.ParentSpan:
			return
		}
		if _, ok := place[f]; !ok && !f.Parent {
			place[f] = len(all)
			all = append(all, shownField{field: f, key: shownKey(f)})
		}
	}
	walkPipeline(p, func(s traceql.Stage) {
		switch s := s.(type) {
		case traceql.Filter:
			walkFields(s.Of, add)
		case traceql.AggregateFilter:
			walkFields(s.Of, add)
		case traceql.By:
			walkFields(s.Of, add)
		case traceql.Select:
			for _, f := range s.Fields {
				add(f)
			}
		}
	})
	walkPipeline(p, func(s traceql.Stage) {
		if f, ok := s.(traceql.Filter); ok && err == nil {
			err = addFits(f.Of, all, place)
		}
	})
	return all, err
}

// addFits collects the comparisons of fields that may have several values.
func addFits(e traceql.Expression, all []shownField, place map[traceql.Field]int) error {
	b, ok := e.(traceql.Binary)
	if !ok {
		if u, ok := e.(traceql.Unary); ok && u.Op == traceql.OpNot {
			return addFits(u.Of, all, place)
		}
		return nil
	}
	if b.Op.Joins() {
		if err := addFits(b.Left, all, place); err != nil {
			return err
		}
		return addFits(b.Right, all, place)
	}
	field, isField := b.Left.(traceql.Field)
	with, constant := fold(b.Right).(traceql.Static)
	at, shown := place[field]
	if !isField || !constant || !shown || !b.Op.Comparison() {
		return nil
	}
	fits, err := condition.CompileSpans(compareOne(condition.Attribute(condition.SpanAttribute, probe), b.Op, with))
	all[at].fits = append(all[at].fits, fits)
	return err
}

// shownKey is the key of a field in answers.
func shownKey(f traceql.Field) string {
	switch f.Intrinsic() {
	case traceql.Status:
		return "status"
	case traceql.Kind:
		return "kind"
	case traceql.StatusMessage:
		return "statusMessage"
	}
	return f.Name
}

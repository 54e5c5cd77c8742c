// Package tracesearch is what the APIs of tracing systems have in common (api/jaeger, api/zipkin): their questions
// for traces, which are a service, an operation, tags and a duration, become one condition; the traces that fit are
// read whole, one after another. The faces read the parameters and write the answers.
package tracesearch

import (
	"strings"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
)

// Question asks for traces with one span that is as it says.
type Question struct {
	// Services and SpanNames are what the span's service and name may be; none: any.
	Services, SpanNames []string
	Tags                []Tag
	// MinDuration and MaxDuration bound what the span took; 0 does not bound.
	MinDuration, MaxDuration time.Duration
	// And is what else a face asks of the span; nil is nothing.
	And condition.Node
	// Range is when the span started.
	Range plait.TimeRange
	// Limit is how many traces are wanted, those that started last.
	Limit int
}

// Tag is what a span says beside its name, as users of tracing systems ask for it: an attribute of the span or of its
// resource, or one of the words that these systems have for what OpenTelemetry has fields for.
type Tag struct{ Key, Value string }

// condition is on spans.
func (q *Question) condition() condition.Node {
	and := condition.And{query.Took(q.MinDuration, q.MaxDuration)}
	if len(q.Services) > 0 {
		and = append(and, anyOf(q.Services, query.Service))
	}
	if len(q.SpanNames) > 0 {
		and = append(and, anyOf(q.SpanNames, query.SpanName))
	}
	for _, t := range q.Tags {
		and = append(and, t.condition())
	}
	if q.And != nil {
		and = append(and, q.And)
	}
	return and
}

func anyOf(texts []string, of func(string) condition.Node) condition.Node {
	or := condition.Or{}
	for _, t := range texts {
		or = append(or, of(t))
	}
	return or
}

// condition asks for spans that the faces show with the tag. Values are compared by what they say: 500 finds the
// number and the text.
func (t Tag) condition() condition.Node {
	or := condition.Or{query.SpanAttribute(t.Key, t.Value)}
	if strings.HasPrefix(t.Value, `"`) { // which SpanAttribute takes for the quotes of somebody who wants a text
		or = append(or, attribute(condition.SpanAttribute, t.Key, t.Value), attribute(condition.ResourceAttribute, t.Key, t.Value))
	}
	switch {
	case t.Key == TagError:
		return t.errorCondition(or)
	case t.Key == TagKind:
		or = append(or, kindCondition(t.Value))
	case t.Key == TagStatusCode:
		or = append(or, statusCondition(t.Value))
	case t.Key == TagStatusMessage:
		or = append(or, field(condition.SpanStatusMessage, t.Value))
	case t.Key == TagScopeName || t.Key == "otel.library.name":
		or = append(or, field(condition.ScopeName, t.Value))
	case t.Key == TagScopeVersion || t.Key == "otel.library.version":
		or = append(or, field(condition.ScopeVersion, t.Value))
	case t.Key == "event":
		or = append(or, field(condition.EventName, t.Value))
	case strings.HasPrefix(t.Key, "exception."):
		or = append(or, condition.Leaf{
			Field: condition.Attribute(condition.EventAttribute, condition.Stored(t.Key)), Op: condition.OpEqual, Value: condition.Said(condition.Stored(t.Value)),
		})
	}
	return or
}

// The tags by which tracing systems show what OpenTelemetry has fields for.
const (
	TagError         = "error"
	TagKind          = "span.kind"
	TagStatusCode    = "otel.status_code"
	TagStatusMessage = "otel.status_description"
	TagScopeName     = "otel.scope.name"
	TagScopeVersion  = "otel.scope.version"
)

// errorCondition asks for spans that failed, that did not, or that failed with a message.
func (t Tag) errorCondition(said condition.Node) condition.Node {
	failed := query.Status(plait.StatusError)
	switch strings.ToLower(t.Value) {
	case "true":
		return condition.Or{failed, said}
	case "false":
		return condition.And{condition.Not{Of: failed}, condition.Not{Of: query.SpanAttribute(TagError, "true")}}
	}
	return condition.Or{said, condition.And{failed, field(condition.SpanStatusMessage, t.Value)}} // Zipkin's tag is the message
}

func kindCondition(name string) condition.Node {
	for k := plait.SpanKindInternal; k <= plait.SpanKindConsumer; k++ {
		if strings.EqualFold(k.String(), name) {
			return query.Kind(k)
		}
	}
	return condition.Const(false)
}

func statusCondition(name string) condition.Node {
	for c := plait.StatusUnset; c <= plait.StatusError; c++ {
		if strings.EqualFold(c.String(), name) {
			return query.Status(c)
		}
	}
	return condition.Const(false)
}

func field(name condition.Name, text string) condition.Node {
	return condition.Leaf{Field: condition.Field{Name: name}, Op: condition.OpEqual, Value: condition.String(condition.Stored(text))}
}

func attribute(in condition.Name, key, text string) condition.Node {
	return condition.Leaf{Field: condition.Attribute(in, condition.Stored(key)), Op: condition.OpEqual, Value: condition.String(condition.Stored(text))}
}

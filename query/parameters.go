package query

import (
	"math"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/spanmetrics"
)

// Service asks for what a service sent: of spans and of log records.
func Service(name string) condition.Node { return text(condition.Service, name) }

// SpanName asks for spans with a name.
func SpanName(name string) condition.Node { return text(condition.SpanName, name) }

func text(field condition.Name, s string) condition.Node {
	return is(field, condition.String(condition.Stored(s)))
}

func is(field condition.Name, v condition.Value) condition.Node {
	return condition.Leaf{Field: condition.Field{Name: field}, Op: condition.OpEqual, Value: v}
}

// Kind asks for spans of a kind.
func Kind(k plait.SpanKind) condition.Node { return is(condition.SpanKind, condition.Kind(k)) }

// Status asks for spans with a status code.
func Status(c plait.StatusCode) condition.Node { return is(condition.SpanStatus, condition.Status(c)) }

// Took asks for spans that took so long at least and at most; 0 does not bound. What claims more than
// spanmetrics.MaxDuration took no time, and does not count among the long ones.
func Took(least, most time.Duration) condition.Node {
	and := condition.And{}
	if least > 0 {
		and = append(and, duration(condition.OpGreaterOrEqual, least))
		if most == 0 {
			most = spanmetrics.MaxDuration
		}
	}
	if most > 0 {
		and = append(and, duration(condition.OpLessOrEqual, most))
	}
	return and
}

func duration(op condition.Op, d time.Duration) condition.Node {
	return condition.Leaf{Field: condition.Field{Name: condition.SpanDuration}, Op: op, Value: condition.Duration(d)}
}

// During asks for rows whose time lies in a range, which is half open; a zero end does not bound.
func During(field condition.Name, r plait.TimeRange) condition.Node {
	and := condition.And{}
	if !r.From.IsZero() {
		and = append(and, at(field, condition.OpGreaterOrEqual, r.From))
	}
	if !r.To.IsZero() {
		and = append(and, at(field, condition.OpLess, r.To))
	}
	return and
}

func at(field condition.Name, op condition.Op, t time.Time) condition.Node {
	return condition.Leaf{Field: condition.Field{Name: field}, Op: op, Value: condition.Time(nanos(t))}
}

// nanos are those since 1970, clamped to what 64 bits hold (years 1677 to 2262).
func nanos(t time.Time) int64 {
	switch {
	case t.Before(time.Unix(0, math.MinInt64)):
		return math.MinInt64
	case t.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64
	}
	return t.UnixNano()
}

// SpanAttribute is the parameter attr of a search for traces: an attribute of the span's own or of its
// resource that says what a user typed.
func SpanAttribute(key, typed string) condition.Node {
	return says(key, typed, condition.SpanAttribute, condition.ResourceAttribute)
}

// ResourceAttribute asks for spans of a service whose resource has an attribute that says what a user typed.
func ResourceAttribute(service, key, typed string) condition.Node {
	return condition.And{Service(service), says(key, typed, condition.ResourceAttribute)}
}

// LogAttribute is the parameter attr of a search for log records: an attribute of the record's own or of its
// resource that says what a user typed.
func LogAttribute(key, typed string) condition.Node {
	return says(key, typed, condition.LogAttribute, condition.ResourceAttribute)
}

func says(key, typed string, places ...condition.Name) condition.Node {
	or := condition.Or{}
	for _, place := range places {
		f := condition.Field{Name: place, Key: condition.Stored(key), Lookup: condition.LookupDotted}
		or = append(or, condition.Leaf{Field: f, Op: condition.OpEqual, Value: condition.Said(condition.Stored(typed))})
	}
	return or
}

// LogLine asks for log records of a service whose body has a text in it (see condition.BodyContains). What is
// empty does not restrict.
func LogLine(service, text string) condition.Node {
	and := condition.And{}
	if service != "" {
		and = append(and, Service(service))
	}
	if text != "" {
		and = append(and, condition.BodyContains(text))
	}
	return and
}

// Services asks for the spans or records of any of some services; of none, for all.
func Services(names []string) condition.Node {
	or := condition.Or{}
	for _, name := range names {
		or = append(or, Service(name))
	}
	if len(or) == 0 {
		return condition.And{}
	}
	return or
}

// LogLevels asks for the records of any of some ranges of severity, each named by its first number, 0 for records
// without one; of none, for all.
func LogLevels(firsts []plait.SeverityNumber) condition.Node {
	const ofRange = 4 // numbers that OTLP gives to each name
	or := condition.Or{}
	for _, first := range firsts {
		if first == 0 {
			or = append(or, condition.Not{Of: SeverityAtLeast(1)})
			continue
		}
		or = append(or, condition.And{SeverityAtLeast(first), condition.Not{Of: SeverityAtLeast(first + ofRange)}})
	}
	if len(or) == 0 {
		return condition.And{}
	}
	return or
}

// LogJoined asks for the records that carry a trace id, or for those without.
func LogJoined(joined bool) condition.Node {
	id := condition.Field{Name: condition.LogTraceID}
	if joined {
		return condition.Exists(id)
	}
	return condition.Absent(id)
}

// LogTrace asks for the log records of a trace. The store takes the id for all its spellings: a whole id and
// its lower half find each other's records.
func LogTrace(id plait.TraceID) condition.Node {
	return is(condition.LogTraceID, condition.OfTrace(id))
}

// LogSpan asks for the log records of a span.
func LogSpan(id plait.SpanID) condition.Node { return is(condition.LogSpanID, condition.OfSpan(id)) }

// SeverityAtLeast asks for log records of a severity and of all that are more severe.
func SeverityAtLeast(n plait.SeverityNumber) condition.Node {
	return condition.Leaf{Field: condition.Field{Name: condition.LogSeverity}, Op: condition.OpGreaterOrEqual, Value: condition.Int(int64(n))}
}

package tracecontext

import (
	"strings"
)

// B3, the propagation of Zipkin, Brave and Spring Cloud Sleuth. Its trace ids have 16 or 32
// digits.
var b3 = ecosystem{
	name: "Zipkin, B3",
	fields: []field{
		{name: "X-B3-TraceId", read: readTrace, header: true},
		{name: "X-B3-SpanId", read: readSpan, header: true},
		{name: "b3", read: readB3, header: true},
		{name: "sentry-trace", read: readB3, header: true}, // the same form with other parents
	},
	spell: func(c Context) []Spelling {
		trace := c.TraceID.String()
		if c.Bits64() {
			trace = trace[spanDigits:]
		}
		spellings := []Spelling{{Name: "X-B3-TraceId", Value: trace}}
		if c.SpanID.IsZero() {
			return spellings
		}
		single := trace + "-" + c.SpanID.String()
		switch c.Sampled {
		case Sampled:
			single += "-1"
		case NotSampled:
			single += "-0"
		}
		return append(spellings,
			Spelling{Name: "X-B3-SpanId", Value: c.SpanID.String()},
			Spelling{Name: "b3", Value: single})
	},
}

// readB3 reads the single header: trace-span[-sampled[-parent]].
func readB3(s string) (c Context, ok bool) {
	trace, rest, found := strings.Cut(s, "-")
	if !found || len(trace) != traceDigits && len(trace) != spanDigits {
		return Context{}, false
	}
	span, rest, hasFlag := strings.Cut(rest, "-")
	if len(span) != spanDigits {
		return Context{}, false
	}
	if hasFlag {
		flag, parent, hasParent := strings.Cut(rest, "-")
		switch flag {
		case "1", "d":
			c.Sampled = Sampled
		case "0":
			c.Sampled = NotSampled
		default:
			return Context{}, false
		}
		if _, parentOK := spanFromHex(parent, spanDigits); hasParent && !parentOK {
			return Context{}, false
		}
	}
	if c.TraceID, ok = traceFromHex(trace, spanDigits); !ok {
		return Context{}, false
	}
	c.SpanID, ok = spanFromHex(span, spanDigits)
	return c, ok
}

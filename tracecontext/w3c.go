package tracecontext

import (
	"fmt"

	"github.com/plaithq/plait"
)

// W3C Trace Context and the names that OpenTelemetry's log bridges and most logging libraries
// give to its ids.
var w3c = ecosystem{
	name: "W3C, OpenTelemetry",
	fields: []field{
		{name: "traceparent", read: readTraceparent, header: true},
		{name: "trace_id", read: readTrace},
		{name: "span_id", read: readSpan},
		{name: "otel_trace_id", read: readTrace},
		{name: "otel_span_id", read: readSpan},
		{name: "X-Trace-Id", read: readTrace, header: true},
		{name: "X-Span-Id", read: readSpan, header: true},
		{name: "@tr", read: readTrace}, // Serilog's compact JSON
		{name: "@sp", read: readSpan},
	},
	spell: func(c Context) []Spelling {
		spellings := []Spelling{{Name: "trace_id", Value: c.TraceID.String()}}
		if c.SpanID.IsZero() {
			return spellings
		}
		flags := 0
		if c.Sampled == Sampled {
			flags = 1
		}
		return append(spellings,
			Spelling{Name: "span_id", Value: c.SpanID.String()},
			Spelling{Name: "traceparent", Value: fmt.Sprintf("00-%s-%s-%02x", c.TraceID, c.SpanID, flags)})
	},
}

// readTraceparent reads version-trace-span-flags. Versions above 00 may append fields
// (Trace Context section 3.2.4).
func readTraceparent(s string) (c Context, ok bool) {
	const length = len("00-") + traceDigits + len("-") + spanDigits + len("-00")
	if len(s) < length || s[2] != '-' || s[35] != '-' || s[52] != '-' {
		return Context{}, false
	}
	if len(s) > length && (s[:2] == "00" || s[length] != '-') {
		return Context{}, false
	}
	var version, flags [1]byte
	if !readHex(version[:], s[:2]) || version[0] == 0xff || !readHex(flags[:], s[53:55]) {
		return Context{}, false
	}
	c.Sampled = decision(flags[0]&1 != 0)
	var traceOK, spanOK bool
	c.TraceID, traceOK = traceFromHex(s[3:35], traceDigits)
	c.SpanID, spanOK = spanFromHex(s[36:52], spanDigits)
	if !traceOK {
		return Context{}, false
	}
	if !spanOK {
		c.SpanID = plait.SpanID{}
	}
	return c, true
}

func decision(sampled bool) Sampling {
	if sampled {
		return Sampled
	}
	return NotSampled
}

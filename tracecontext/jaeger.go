package tracecontext

import (
	"fmt"
	"strconv"
	"strings"
)

// Jaeger's own propagation. Its ids lose their leading zeros, and clients send the header URL-encoded.
var jaeger = ecosystem{
	name: "Jaeger",
	fields: []field{
		{name: "uber-trace-id", read: readUberTraceID, header: true},
		{name: "ot-tracer-traceid", read: readTrace, header: true}, // OpenTracing's own
		{name: "ot-tracer-spanid", read: readSpan, header: true},
	},
	spell: func(c Context) []Spelling {
		trace := strings.TrimLeft(c.TraceID.String(), "0")
		if c.SpanID.IsZero() {
			return []Spelling{{Name: "trace_id", Value: trace}}
		}
		flags := 0
		if c.Sampled == Sampled {
			flags = 1
		}
		span := strings.TrimLeft(c.SpanID.String(), "0")
		return []Spelling{{Name: "uber-trace-id", Value: fmt.Sprintf("%s:%s:0:%x", trace, span, flags)}}
	},
}

// readUberTraceID reads trace:span:parent:flags. The parent is deprecated and may be anything.
func readUberTraceID(s string) (c Context, ok bool) {
	if strings.Contains(s, "%3") {
		s = strings.NewReplacer("%3A", ":", "%3a", ":").Replace(s)
	}
	parts := [4]string{}
	for i := range parts {
		var more bool
		parts[i], s, more = strings.Cut(s, ":")
		if more != (i < len(parts)-1) {
			return Context{}, false
		}
	}
	flags, err := strconv.ParseUint(parts[3], 16, 8)
	if err != nil {
		return Context{}, false
	}
	c.Sampled = decision(flags&1 != 0)
	if c.TraceID, ok = traceFromHex(parts[0], 1); !ok {
		return Context{}, false
	}
	// A zero span id marks the debug header of a root that is yet to come.
	c.SpanID, _ = spanFromHex(parts[1], 1)
	return c, true
}

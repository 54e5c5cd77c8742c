package tracecontext

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Google Cloud: the header has the span id in decimal, the log fields have it in hexadecimal.
var gcp = ecosystem{
	name: "Google Cloud",
	fields: []field{
		{name: "X-Cloud-Trace-Context", read: readGCP, header: true},
		{name: "logging.googleapis.com/trace", read: readTrace},
		{name: "logging.googleapis.com/spanId", read: readSpan},
		// A log entry's own field, a name that others give to stack traces too: nothing but ids in full
		// will do. Spring Cloud Sleuth had trace and span.
		{name: "trace", read: readPlainTrace},
		{name: "span", read: readSpanHex, beside: true},
	},
	spell: func(c Context) []Spelling {
		trace := c.TraceID.String()
		spellings := []Spelling{{Name: "logging.googleapis.com/trace", Value: "projects/my-project/traces/" + trace}}
		if c.SpanID.IsZero() {
			return spellings
		}
		header := fmt.Sprintf("%s/%d", trace, binary.BigEndian.Uint64(c.SpanID[:]))
		switch c.Sampled {
		case Sampled:
			header += ";o=1"
		case NotSampled:
			header += ";o=0"
		}
		return append(spellings,
			Spelling{Name: "logging.googleapis.com/spanId", Value: c.SpanID.String()},
			Spelling{Name: "X-Cloud-Trace-Context", Value: header})
	},
}

// readGCP reads TRACE[/SPAN_DECIMAL][;o=OPTIONS] or projects/PROJECT/traces/TRACE, with all
// 32 digits.
func readGCP(s string) (c Context, ok bool) {
	if s, ok = strings.CutPrefix(s, "projects/"); ok {
		_, trace, _ := strings.Cut(s, "/traces/")
		c.TraceID, ok = traceFromHex(trace, traceDigits)
		return c, ok
	}
	s, options, hasOptions := strings.Cut(s, ";")
	trace, span, hasSpan := strings.Cut(s, "/")
	if c.TraceID, ok = traceFromHex(trace, traceDigits); !ok {
		return Context{}, false
	}
	if hasSpan {
		if v, spanOK := readDecimal(span); spanOK {
			c.SpanID = spanFromUint(v)
		} else if span != "0" && span != "" {
			return Context{}, false
		}
	}
	if hasOptions {
		switch options {
		case "o=1", "o=3":
			c.Sampled = Sampled
		case "o=0", "o=2":
			c.Sampled = NotSampled
		default:
			return Context{}, false
		}
	}
	return c, true
}

// readPlainTrace reads what stands under a name as general as trace.
func readPlainTrace(s string) (Context, bool) {
	if len(s) == spanDigits {
		return readAnyHex(s, spanDigits)
	}
	return readGCP(s)
}

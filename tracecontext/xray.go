package tracecontext

import "strings"

// AWS X-Ray splits the id's first 8 digits off, which are the epoch second of the start.
var xray = ecosystem{
	name: "AWS X-Ray",
	fields: []field{
		{name: "X-Amzn-Trace-Id", read: readXRay, header: true},
		{name: "_X_AMZN_TRACE_ID", read: readXRay, header: true},
		{name: "AWS-XRAY-TRACE-ID", read: readXRay, header: true},
		{name: "xray_trace_id", read: readTrace},
		{name: "SegmentId", read: readSpanHex, beside: true}, // in the last line of a Lambda's call
		{name: "Root", read: readXRay, header: true},
	},
	spell: func(c Context) []Spelling {
		id := xrayID(c)
		header := "Root=" + id
		if !c.SpanID.IsZero() {
			header += ";Parent=" + c.SpanID.String()
		}
		switch c.Sampled {
		case Sampled:
			header += ";Sampled=1"
		case NotSampled:
			header += ";Sampled=0"
		}
		spellings := []Spelling{{Name: "xray_trace_id", Value: id}, {Name: "X-Amzn-Trace-Id", Value: header}}
		if !c.SpanID.IsZero() {
			spellings = append(spellings, Spelling{Name: "AWS-XRAY-TRACE-ID", Value: id + "@" + c.SpanID.String()})
		}
		return spellings
	},
}

func xrayID(c Context) string {
	id := c.TraceID.String()
	return "1-" + id[:8] + "-" + id[8:]
}

// readXRay reads the tracing header, whose parts come in any order, or the bare id, with the
// segment behind an @ as the logging libraries write it. Root names the trace; Self, which
// load balancers add, names their own request.
func readXRay(s string) (c Context, ok bool) {
	s = strings.TrimPrefix(s, "AWS-XRAY-TRACE-ID: ") // as the libraries write the value itself
	for part := range strings.SplitSeq(s, ";") {
		name, value, named := strings.Cut(strings.TrimSpace(part), "=")
		switch {
		case !named || strings.EqualFold(name, "Root"):
			if !named {
				value = name
			}
			id, span, hasSpan := strings.Cut(value, "@")
			if !c.readXRayID(id) {
				return Context{}, false
			}
			if hasSpan {
				c.SpanID, _ = spanFromHex(span, spanDigits)
			}
			ok = true
		case strings.EqualFold(name, "Parent"):
			c.SpanID, _ = spanFromHex(value, spanDigits)
		case strings.EqualFold(name, "Sampled") && (value == "0" || value == "1"):
			c.Sampled = decision(value == "1")
		}
	}
	if !ok {
		return Context{}, false
	}
	return c, true
}

// readXRayID reads 1-8digits-24digits.
func (c *Context) readXRayID(s string) bool {
	const length = len("1-") + 8 + len("-") + 24
	return len(s) == length && s[:2] == "1-" && s[10] == '-' &&
		readHex(c.TraceID[:4], s[2:10]) && readHex(c.TraceID[4:], s[11:]) && !c.TraceID.IsZero()
}

package tracecontext

import (
	"encoding/binary"
	"strconv"
)

// Datadog writes 64-bit decimal numbers: the lower half of a 128-bit id, whose upper half
// stands elsewhere as _dd.p.tid, in hexadecimal. With 128-bit logging on, dd.trace_id has
// 32 hexadecimal digits.
var datadog = ecosystem{
	name: "Datadog",
	fields: []field{
		{name: "dd.trace_id", read: readDatadogTrace},
		{name: "dd.span_id", read: readDatadogSpan},
		{name: "_dd.p.tid", read: readDatadogUpperHalf, upperHalf: true},
		{name: "x-datadog-trace-id", read: readDatadogTrace, header: true},
		{name: "x-datadog-parent-id", read: readDatadogSpan, header: true},
	},
	spell: func(c Context) []Spelling {
		spellings := []Spelling{{Name: "dd.trace_id", Value: strconv.FormatUint(c.TraceID.Low(), 10)}}
		if !c.SpanID.IsZero() {
			span := binary.BigEndian.Uint64(c.SpanID[:])
			spellings = append(spellings, Spelling{Name: "dd.span_id", Value: strconv.FormatUint(span, 10)})
		}
		if !c.Bits64() {
			spellings = append(spellings, Spelling{Name: "_dd.p.tid", Value: c.TraceID.String()[:spanDigits]})
		}
		return spellings
	},
}

func readDatadogTrace(s string) (Context, bool) {
	if v, ok := readDecimal(s); ok {
		return Context{TraceID: traceFromLow(v)}, true
	}
	digits, _ := CutHexPrefix(s)
	if len(digits) != traceDigits && len(digits) != spanDigits {
		return Context{}, false
	}
	return readAnyHex(digits, spanDigits)
}

func readDatadogSpan(s string) (Context, bool) {
	if v, ok := readDecimal(s); ok {
		return Context{SpanID: spanFromUint(v)}, true
	}
	return readSpanHex(s)
}

// readDatadogUpperHalf returns a trace id of which only the upper half is set.
func readDatadogUpperHalf(s string) (c Context, ok bool) {
	id, ok := spanFromHex(s, spanDigits)
	copy(c.TraceID[:8], id[:])
	return c, ok
}

package tracecontext

import (
	"strings"

	"github.com/plaithq/plait"
)

// A shape reads the whole of a text that one ecosystem could have written, without knowing
// under which name it stood. Bare digits shorter than minDigits are refused.
type shape func(s string, minDigits int) (Context, bool)

// shapes are in order of likelihood. The compound ones come first: their form leaves no doubt.
var shapes = []shape{
	func(s string, _ int) (Context, bool) { return readTraceparent(s) },
	func(s string, _ int) (Context, bool) { return readXRay(s) },
	func(s string, _ int) (Context, bool) { return readGCP(s) },
	func(s string, _ int) (Context, bool) { return readAzure(s) },
	readBareUberTraceID,
	func(s string, _ int) (Context, bool) { return readB3(s) },
	func(s string, _ int) (Context, bool) { return readUUID(s) },
	readBareHex,
	readBareDecimal,
	readAnyHex,
	func(s string, _ int) (Context, bool) { return readBase64Trace(s) },
}

// readTrace reads a value whose name says that it is a trace id, in whatever form. It is how
// names that every ecosystem uses, such as trace_id, are read.
func readTrace(s string) (Context, bool) {
	for _, read := range shapes {
		if c, ok := read(s, likelyDigits); ok {
			return c, true
		}
	}
	return Context{}, false
}

// readSpan reads a value whose name says that it is a span id.
func readSpan(s string) (Context, bool) {
	if allDecimal(s) && len(s) != spanDigits && len(s) >= likelyDigits {
		if v, ok := readDecimal(s); ok {
			return Context{SpanID: spanFromUint(v)}, true
		}
	}
	if id, ok := spanFromHex(s, likelyDigits); ok {
		return Context{SpanID: id}, true
	}
	var id plait.SpanID
	ok := readBase64(id[:], s) && !id.IsZero()
	return Context{SpanID: id}, ok
}

// readSpanHex reads a span id in full, for names that other things bear too.
func readSpanHex(s string) (Context, bool) {
	id, ok := spanFromHex(s, spanDigits)
	return Context{SpanID: id}, ok
}

// readBareUberTraceID wants enough digits to tell the header from a time of day.
func readBareUberTraceID(s string, _ int) (Context, bool) {
	if len(s) < likelyDigits+len("::0:0") {
		return Context{}, false
	}
	return readUberTraceID(s)
}

// readBareHex leaves digits that are as likely decimal to readBareDecimal: only at exactly 16 and
// 32 digits, or above the length of 64-bit decimals, are they hexadecimal first.
func readBareHex(s string, minDigits int) (Context, bool) {
	if len(s) <= maxDecimalDigits && len(s) != spanDigits && allDecimal(s) {
		return Context{}, false
	}
	return readAnyHex(s, minDigits)
}

func readAnyHex(s string, minDigits int) (Context, bool) {
	id, ok := traceFromHex(s, minDigits)
	return Context{TraceID: id}, ok
}

func readBareDecimal(s string, minDigits int) (Context, bool) {
	if len(s) < minDigits {
		return Context{}, false
	}
	v, ok := readDecimal(s)
	return Context{TraceID: traceFromLow(v)}, ok
}

// uuidURN is what RFC 9562 puts before a UUID to make a URN of it.
const uuidURN = "urn:uuid:"

// readUUID reads 32 digits that something took for a UUID and printed with dashes.
func readUUID(s string) (Context, bool) {
	if len(s) > len(uuidURN) && strings.EqualFold(s[:len(uuidURN)], uuidURN) {
		s = s[len(uuidURN):]
	}
	s = strings.TrimSuffix(strings.TrimPrefix(s, "{"), "}")
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return Context{}, false
	}
	id, ok := traceFromHex(strings.ReplaceAll(s, "-", ""), traceDigits)
	return Context{TraceID: id}, ok
}

// readBase64Trace reads a trace id as protobuf's own JSON writes it, which Jaeger does and
// OTLP/JSON does not.
func readBase64Trace(s string) (Context, bool) {
	var id plait.TraceID
	ok := readBase64(id[:], s) || readBase64(id[8:], s)
	return Context{TraceID: id}, ok && !id.IsZero()
}

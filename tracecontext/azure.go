package tracecontext

import "strings"

// Azure Application Insights. Ids of its older hierarchical scheme (|root.1.2.) have roots
// that are no trace ids; only those that a W3C-aware SDK wrote are read.
var azure = ecosystem{
	name: "Azure Application Insights",
	fields: []field{
		{name: "operation_Id", read: readOperationID},
		{name: "operation_ParentId", read: readOperationParentID},
		{name: "ParentId", read: readOperationParentID, beside: true}, // beside OperationId, in Log Analytics
		{name: "Request-Id", read: readAzure, header: true},
	},
	spell: func(c Context) []Spelling {
		spellings := []Spelling{{Name: "operation_Id", Value: c.TraceID.String()}}
		if c.SpanID.IsZero() {
			return spellings
		}
		return append(spellings,
			Spelling{Name: "operation_ParentId", Value: c.SpanID.String()},
			Spelling{Name: "Request-Id", Value: "|" + c.TraceID.String() + "." + c.SpanID.String() + "."})
	},
}

// readAzure reads |trace.span. with whatever hierarchy follows.
func readAzure(s string) (c Context, ok bool) {
	s, ok = strings.CutPrefix(s, "|")
	if !ok {
		return Context{}, false
	}
	trace, span, _ := strings.Cut(s, ".")
	if c.TraceID, ok = traceFromHex(trace, traceDigits); !ok {
		return Context{}, false
	}
	if i := strings.IndexAny(span, "._"); i >= 0 {
		span = span[:i]
	}
	c.SpanID, _ = spanFromHex(span, spanDigits)
	return c, true
}

func readOperationID(s string) (Context, bool) {
	if c, ok := readAzure(s); ok {
		return c, true
	}
	return readAnyHex(s, traceDigits)
}

// readOperationParentID reads the span in which a record was written; both schemes occur.
func readOperationParentID(s string) (Context, bool) {
	if c, ok := readAzure(s); ok {
		return Context{SpanID: c.SpanID}, !c.SpanID.IsZero()
	}
	return readSpanHex(s)
}

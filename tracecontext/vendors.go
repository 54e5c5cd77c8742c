package tracecontext

// Vendors that write W3C ids under names of their own.
var (
	elastic = ecosystem{
		name: "Elastic",
		fields: []field{
			{name: "trace.id", read: readTrace},
			{name: "span.id", read: readSpan},
			// Outside of any inner span, a transaction is the span. Payments have transactions too:
			// nothing but 16 digits will do.
			{name: "transaction.id", read: readSpanHex, fallback: true},
			// what its agents for .NET and Python add to other loggers' fields
			{name: "ElasticApmTraceId", read: readTrace},
			{name: "ElasticApmSpanId", read: readSpan},
			{name: "ElasticApmTransactionId", read: readSpanHex, fallback: true},
		},
		spell: spellNamed("trace.id", "span.id"),
	}
	honeycomb = ecosystem{
		name: "Honeycomb",
		fields: []field{
			{name: "trace.trace_id", read: readTrace},
			{name: "trace.span_id", read: readSpan},
		},
		spell: spellNamed("trace.trace_id", "trace.span_id"),
	}
	dynatrace = ecosystem{
		name: "Dynatrace",
		fields: []field{
			{name: "dt.trace_id", read: readTrace},
			{name: "dt.span_id", read: readSpan},
		},
		spell: spellNamed("dt.trace_id", "dt.span_id"),
	}
)

func spellNamed(trace, span string) func(Context) []Spelling {
	return func(c Context) []Spelling {
		spellings := []Spelling{{Name: trace, Value: c.TraceID.String()}}
		if !c.SpanID.IsZero() {
			spellings = append(spellings, Spelling{Name: span, Value: c.SpanID.String()})
		}
		return spellings
	}
}

package tracecontext

import (
	"testing"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/plaithq/plait"
)

// FuzzTraceparent compares with OpenTelemetry's own propagator: what it takes, readTraceparent
// reads alike. (The other way round is not so: users paste upper case and zero span ids.)
func FuzzTraceparent(f *testing.F) {
	f.Add("00-" + traceHex + "-" + spanHex + "-01")
	f.Add("01-" + traceHex + "-" + spanHex + "-02-more")
	f.Fuzz(func(t *testing.T, s string) {
		carrier := propagation.MapCarrier{"traceparent": s}
		ctx := propagation.TraceContext{}.Extract(t.Context(), carrier)
		want := trace.SpanContextFromContext(ctx)
		if !want.IsValid() {
			return
		}
		got, ok := readTraceparent(s)
		if !ok || got.TraceID != plait.TraceID(want.TraceID()) || got.SpanID != plait.SpanID(want.SpanID()) ||
			(got.Sampled == Sampled) != want.IsSampled() {
			t.Errorf("readTraceparent(%q) = %v, %v, want %v", s, got, ok, want)
		}
	})
}

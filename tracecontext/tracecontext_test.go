package tracecontext

import (
	"encoding/hex"
	"testing"

	"go.uber.org/goleak"

	"github.com/plaithq/plait"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The ids that most tests spell.
const (
	traceHex    = "5759e988bd862e3fe1be46a994272793"
	traceLowDec = "16266516598257821587" // 0xe1be46a994272793
	traceUpper  = "5759e988bd862e3f"
	traceLow    = "e1be46a994272793"
	spanHex     = "00f067aa0ba902b7"
	spanDec     = "67667974448284343"
)

func traceID(t testing.TB, s string) plait.TraceID {
	t.Helper()
	var id plait.TraceID
	b, err := hex.DecodeString(s)
	if err != nil || len(b) > len(id) {
		t.Fatalf("bad trace id %q in the test", s)
	}
	copy(id[len(id)-len(b):], b)
	return id
}

func spanID(t testing.TB, s string) plait.SpanID {
	t.Helper()
	var id plait.SpanID
	if err := id.UnmarshalText([]byte(s)); err != nil {
		t.Fatal(err)
	}
	return id
}

func contextOf(t testing.TB, trace, span string, sampled Sampling) Context {
	t.Helper()
	return Context{TraceID: traceID(t, trace), SpanID: spanID(t, span), Sampled: sampled}
}

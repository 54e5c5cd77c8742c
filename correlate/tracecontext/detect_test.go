package tracecontext

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/plaithq/plait"
)

func TestParseReadsEverySpelling(t *testing.T) {
	t.Parallel()
	full := func(span string, sampled Sampling) Context { return contextOf(t, traceHex, span, sampled) }
	low := func(span string, sampled Sampling) Context { return contextOf(t, traceLow, span, sampled) }
	tests := map[string]Context{
		// Bare.
		traceHex:                               full("", 0),
		strings.ToUpper(traceHex):              full("", 0),
		"  \"" + traceHex + "\", ":             full("", 0),
		"5759e988-bd86-2e3f-e1be-46a994272793": full("", 0),
		traceLow:                               low("", 0),
		traceLowDec:                            low("", 0),
		"-2180227475451730029":                 low("", 0),
		"V1npiL2GLj/hvkaplCcnkw==":             full("", 0),
		"V1npiL2GLj_hvkaplCcnkw==":             full("", 0),
		"4b7":                                  contextOf(t, "00000000000004b7", "", 0),
		"0000000000000000" + traceLow:          low("", 0),
		"0x" + traceHex:                        full("", 0),
		"0X" + strings.ToUpper(traceHex):       full("", 0),
		"0x" + traceLow:                        low("", 0),
		"0x4b7":                                contextOf(t, "00000000000004b7", "", 0),
		"trace_id=0x" + traceHex:               full("", 0),
		"trace_id=0x" + traceHex + " span_id=0x" + spanHex: full(spanHex, 0),

		// W3C.
		"00-" + traceHex + "-" + spanHex + "-01":              full(spanHex, Sampled),
		"traceparent: 00-" + traceHex + "-" + spanHex + "-00": full(spanHex, NotSampled),
		"TraceParent=00-" + traceHex + "-" + spanHex + "-03":  full(spanHex, Sampled),
		"01-" + traceHex + "-" + spanHex + "-01-what-else":    full(spanHex, Sampled),
		"trace_id=" + traceHex:                                full("", 0),
		`"traceId": "` + traceHex + `",`:                      full("", 0),
		"Trace ID: " + traceHex:                               full("", 0),

		// B3.
		traceHex + "-" + spanHex + "-1":                           full(spanHex, Sampled),
		"b3: " + traceLow + "-" + spanHex + "-0":                  low(spanHex, NotSampled),
		traceHex + "-" + spanHex + "-d-05e3ac9a4f6e3b90":          full(spanHex, Sampled),
		traceHex + "-" + spanHex:                                  full(spanHex, 0),
		"X-B3-TraceId: " + traceLow:                               low("", 0),
		"X-B3-TraceId: 0000000000000000" + traceLow:               low("", 0),
		"sentry-trace: " + traceHex + "-" + spanHex + "-1":        full(spanHex, Sampled),
		"x-b3-traceid: " + traceHex + "\nX-B3-SpanId: " + spanHex: full(spanHex, 0),

		// Jaeger.
		"uber-trace-id: " + traceHex + ":f067aa0ba902b7:0:1": full(spanHex, Sampled),
		traceHex + ":f067aa0ba902b7:0:0":                     full(spanHex, NotSampled),
		traceHex + "%3Af067aa0ba902b7%3A0%3A3":               full(spanHex, Sampled),
		"7b:f067aa0ba902b7:0:1":                              contextOf(t, "000000000000007b", spanHex, Sampled),
		traceHex + ":0:0:1":                                  full("", Sampled),
		"759e988bd862e3fe1be46a994272793":                    contextOf(t, "0759e988bd862e3fe1be46a994272793", "", 0),

		// Datadog.
		"dd.trace_id=" + traceLowDec:                                            low("", 0),
		"dd.trace_id=" + traceHex:                                               full("", 0),
		"dd.trace_id=0x" + traceLow:                                             low("", 0),
		"dd.trace_id=42":                                                        contextOf(t, "000000000000002a", "", 0),
		"x-datadog-trace-id: " + traceLowDec:                                    low("", 0),
		"dd.trace_id=" + traceLowDec + " dd.span_id=" + spanDec:                 low(spanHex, 0),
		"dd.trace_id=" + traceLowDec + " _dd.p.tid=" + traceUpper:               full("", 0),
		`{"dd":{"trace_id":"` + traceLowDec + `","span_id":"` + spanDec + `"}}`: low(spanHex, 0),

		// X-Ray.
		"1-5759e988-bd862e3fe1be46a994272793":                                               full("", 0),
		"Root=1-5759e988-bd862e3fe1be46a994272793;Parent=" + spanHex + ";Sampled=1":         full(spanHex, Sampled),
		"X-Amzn-Trace-Id: Root=1-5759e988-bd862e3fe1be46a994272793; Parent=" + spanHex:      full(spanHex, 0),
		"Self=1-67891234-12456789abcdef0123456789;Root=1-5759e988-bd862e3fe1be46a994272793": full("", 0),
		"AWS-XRAY-TRACE-ID: 1-5759e988-bd862e3fe1be46a994272793@" + spanHex:                 full(spanHex, 0),
		"xray_trace_id=1-5759e988-bd862e3fe1be46a994272793":                                 full("", 0),
		"Sampled=0;Root=1-5759e988-BD862E3FE1BE46A994272793":                                full("", NotSampled),

		// Google Cloud.
		traceHex + "/" + spanDec + ";o=1":                             full(spanHex, Sampled),
		"X-Cloud-Trace-Context: " + traceHex + "/" + spanDec:          full(spanHex, 0),
		traceHex + "/0;o=0":                                           full("", NotSampled),
		"projects/shop-1/traces/" + traceHex:                          full("", 0),
		"logging.googleapis.com/trace: projects/a/traces/" + traceHex: full("", 0),

		// Azure.
		"|" + traceHex + "." + spanHex + ".":               full(spanHex, 0),
		"Request-Id: |" + traceHex + "." + spanHex + "_1.": full(spanHex, 0),
		"operation_Id=" + traceHex:                         full("", 0),

		// Vendors.
		"trace.id: " + traceHex:      full("", 0),
		"trace.trace_id=" + traceHex: full("", 0),
		"dt.trace_id=" + traceHex:    full("", 0),

		// Somewhere in a log line.
		"16:48:42.407 INFO  t.s.TravelServiceImpl#518 TraceID: " + traceHex + " SpanID: " + spanHex + " [get]": full(spanHex, 0),
	}
	for in, want := range tests {
		got, err := Parse(in)
		if err != nil {
			t.Errorf("Parse(%q): %v", in, err)
		} else if got != want {
			t.Errorf("Parse(%q) = %v %v %d, want %v %v %d", in, got.TraceID, got.SpanID, got.Sampled,
				want.TraceID, want.SpanID, want.Sampled)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"":                                    "holds no trace id",
		"checkout":                            "holds no trace id",
		"checkout-service-retry":              "holds no trace id",
		strings.Repeat("0", 32):               "all-zero",
		"0":                                   "all-zero",
		"0x0":                                 "all-zero",
		"0x":                                  "holds no trace id",
		"0x" + traceHex + "0":                 "holds no trace id",
		"0x0x" + traceLow:                     "holds no trace id",
		"span_id=0x" + spanHex:                "holds no trace id",
		strings.Repeat("0", 31) + "g":         "holds no trace id",
		traceHex + "0":                        "holds no trace id",
		"18446744073709551616000000000000000": "holds no trace id",
		"00-" + strings.Repeat("0", 32) + "-" + spanHex + "-01": "holds no trace id",
		"ff-" + traceHex + "-" + spanHex + "-01":                "holds no trace id",
		"00-" + traceHex + "-" + spanHex + "-01-more":           "holds no trace id",
		"1-5759e988-bd862e3fe1be46a99427279":                    "holds no trace id",
		"16:48:42:407":                                          "holds no trace id",
		"|root.1.2.":                                            "holds no trace id",
		"span_id=" + spanHex:                                    "holds no trace id",
		"_dd.p.tid=" + traceUpper:                               "holds no trace id",
		strings.Repeat("é", 100) + "x":                          "…",
	}
	for in, want := range tests {
		_, err := Parse(in)
		if !errors.Is(err, plait.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q) = %v, want an invalid input that says %q", in, err, want)
		}
	}
}

func TestParseAllTriesBothReadingsOfDigits(t *testing.T) {
	t.Parallel()
	hexOf := func(s string) Context { return contextOf(t, s, "", 0) }
	decimal := func(v uint64) Context { return Context{TraceID: traceFromLow(v)} }
	tests := map[string][]Context{
		"1234567890123456":                 {hexOf("1234567890123456"), decimal(1234567890123456)},
		"12345678901234567890123456789012": {hexOf("12345678901234567890123456789012")},
		"1234567890123456789":              {decimal(1234567890123456789), hexOf("01234567890123456789")},
		"18446744073709551615":             {decimal(1<<64 - 1), hexOf("18446744073709551615")},
		"18446744073709551616":             {hexOf("18446744073709551616")}, // above 64 bits
		"42":                               {decimal(42), hexOf("42")},
		"dd.trace_id=1234567890123456":     {decimal(1234567890123456), hexOf("1234567890123456")},
		"4b7c":                             {hexOf("4b7c")},
		"0x1234567890123456":               {hexOf("1234567890123456")},
		"dd.trace_id=0x1234567890123456":   {hexOf("1234567890123456")},
	}
	for in, want := range tests {
		if diff := cmp.Diff(want, ParseAll(in)); diff != "" {
			t.Errorf("ParseAll(%q): (-want +got)\n%s", in, diff)
		}
	}
}

func TestParseFindsEverySpellingOfAnyID(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var c Context
		binary.BigEndian.PutUint64(c.TraceID[:8], rapid.OneOf(rapid.Just(uint64(0)), rapid.Uint64()).Draw(t, "upper"))
		binary.BigEndian.PutUint64(c.TraceID[8:], rapid.Uint64Min(1).Draw(t, "lower"))
		binary.BigEndian.PutUint64(c.SpanID[:], rapid.Uint64().Draw(t, "span"))
		c.Sampled = Sampling(rapid.IntRange(0, int(Sampled)).Draw(t, "sampled"))
		for _, s := range Spellings(c) {
			at := fieldNamed(objects{}, s.Name)
			if read, ok := at.read(s.Value); ok && (read.TraceID.IsZero() || at.upperHalf) {
				continue // names the span, or half of the trace id
			}
			found := false
			for _, got := range ParseAll(s.Name + ": " + s.Value) {
				found = found || got.TraceID == c.TraceID || got.Bits64() && got.TraceID.Low() == c.TraceID.Low()
			}
			if !found {
				t.Fatalf("%s %s: %s is read as %v, want %v", s.Ecosystem, s.Name, s.Value, ParseAll(s.Value), c.TraceID)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	c := contextOf(f, traceHex, spanHex, Sampled)
	for _, s := range Spellings(c) {
		f.Add(s.Value)
		f.Add(s.Name + "=" + s.Value)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, c := range ParseAll(s) {
			if c.TraceID.IsZero() {
				t.Errorf("ParseAll(%q) returns a zero id", s)
			}
			if again, err := Parse(c.TraceID.String()); err != nil || again.TraceID != c.TraceID {
				t.Errorf("ParseAll(%q) returns %v, which reads as %v, %v", s, c.TraceID, again.TraceID, err)
			}
		}
	})
}

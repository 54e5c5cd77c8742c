package spanmetrics_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
)

func TestASpanStandsForThoseThatASamplerLeftOut(t *testing.T) {
	t.Parallel()
	attribute := func(key string, v plait.Value) plait.Attribute { return plait.Attribute{Key: key, Value: v} }
	jaeger := func(kind string, param plait.Value) plait.Attributes {
		return plait.Attributes{attribute("sampler.type", plait.StringValue(kind)), attribute("sampler.param", param)}
	}
	for name, test := range map[string]struct {
		state      string
		attributes plait.Attributes
		want       int64
	}{
		"nothing is told":         {"", nil, 1},
		"all are kept":            {"ot=th:0", nil, 1},
		"half":                    {"ot=th:8", nil, 2},
		"a quarter":               {"ot=th:c", nil, 4},
		"a quarter, with zeros":   {"ot=th:c0000000000000", nil, 4},
		"by another vendor first": {"a=th:8, ot=th:c\t", nil, 4},
		"beside randomness":       {"ot=rv:0123456789abcd;th:c;x:1,b=2", nil, 4},
		"one in a thousand":       {"ot=th:ffbe76c8b43958", nil, 1000},
		"fewer than are believed": {"ot=th:ffffffffffffff", nil, spanmetrics.MaxAdjustedCount},
		"no threshold":            {"ot=rv:0123456789abcd", nil, 1},
		"no number":               {"ot=th:xyz", nil, 1},
		"nothing":                 {"ot=th:", nil, 1},
		"too many digits":         {"ot=th:c00000000000000", nil, 1},
		"a sign":                  {"ot=th:-8", nil, 1},
		"no value":                {"ot", nil, 1},
		"Honeycomb's rate":        {"", plait.Attributes{attribute("SampleRate", plait.IntValue(20))}, 20},
		"Honeycomb's rate, 0":     {"", plait.Attributes{attribute("SampleRate", plait.IntValue(0))}, 1},
		"Honeycomb's rate, less":  {"", plait.Attributes{attribute("SampleRate", plait.IntValue(-5))}, 1},
		"a rate as a text":        {"", plait.Attributes{attribute("SampleRate", plait.StringValue("20"))}, 20},
		"a rate that is none":     {"", plait.Attributes{attribute("SampleRate", plait.DoubleValue(math.NaN()))}, 1},
		"an endless rate":         {"", plait.Attributes{attribute("SampleRate", plait.DoubleValue(math.Inf(1)))}, spanmetrics.MaxAdjustedCount},
		"Jaeger's, one in eight":  {"", jaeger("probabilistic", plait.DoubleValue(0.125)), 8},
		"Jaeger's, as a text":     {"", jaeger("probabilistic", plait.StringValue("0.125")), 8},
		"Jaeger's, constant":      {"", jaeger("const", plait.BoolValue(true)), 1},
		"Jaeger's, by rate":       {"", jaeger("ratelimiting", plait.DoubleValue(0.5)), 1},
		"Jaeger's, none":          {"", jaeger("probabilistic", plait.DoubleValue(0)), 1},
		"the trace state first":   {"ot=th:8", jaeger("probabilistic", plait.DoubleValue(0.125)), 2},
	} {
		got := spanmetrics.AdjustedCount(&plait.Span{TraceState: test.state, Attributes: test.attributes})
		if got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

func TestASpanThatThinningKeptStandsForThoseThatWent(t *testing.T) {
	t.Parallel()
	rate := plait.Attributes{{Key: "SampleRate", Value: plait.IntValue(4)}}
	for name, test := range map[string]struct {
		state      string
		attributes plait.Attributes
		kept       float64
		want       int64
	}{
		"a tenth":                                      {"", nil, 0.1, 10},
		"a tenth of half, by the same bits":            {"ot=th:8", nil, 0.1, 10},
		"half of a quarter, by the same bits":          {"ot=th:c", nil, 0.5, 4},
		"a tenth of half, by a randomness of its own":  {"ot=rv:0123456789abcd;th:8", nil, 0.1, 20},
		"a tenth of half, the randomness after it":     {"ot=th:8;rv:0123456789abcd", nil, 0.1, 20},
		"a tenth of a quarter that attributes tell of": {"", rate, 0.1, 40},
		"nothing left to chance":                       {"", rate, 0, 4},
	} {
		got := spanmetrics.AdjustedCount(&plait.Span{TraceState: test.state, Attributes: test.attributes, KeptProbability: test.kept})
		if got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

// TestSumsOfAdjustedCountsAreRight samples traces by the threshold of their ids, as an SDK does.
func TestSumsOfAdjustedCountsAreRight(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(16, 4))
	for state, kept := range map[string]uint64{"ot=th:5": 11 << 52, "ot=th:e": 2 << 52, "ot=th:f8": 1 << 51} {
		const traces = 100_000
		var sum, square float64
		for range traces {
			var id plait.TraceID
			for i := range id {
				id[i] = byte(r.Uint32())
			}
			low := uint64(0) // the 56 bits that are random
			for _, b := range id[9:] {
				low = low<<8 | uint64(b)
			}
			if low < 1<<56-kept {
				continue
			}
			n := float64(spanmetrics.AdjustedCount(&plait.Span{TraceID: id, TraceState: state}))
			sum, square = sum+n, square+n*n
		}
		if off := math.Abs(sum - traces); off > 5*math.Sqrt(square) {
			t.Errorf("%s: %d traces are told to be %.0f", state, traces, sum)
		}
	}
}

func FuzzAdjustedCount(f *testing.F) {
	f.Add("ot=th:c", "1", []byte{1})
	f.Fuzz(func(t *testing.T, state, rate string, id []byte) {
		span := plait.Span{TraceState: state, Attributes: plait.Attributes{{Key: "SampleRate", Value: plait.StringValue(rate)}}}
		copy(span.TraceID[:], id)
		if n := spanmetrics.AdjustedCount(&span); n < 1 || n > spanmetrics.MaxAdjustedCount {
			t.Errorf("stands for %d", n)
		}
	})
}

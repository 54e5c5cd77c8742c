package spanmetrics

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/sampling"
)

// MaxAdjustedCount bounds what one span may stand for: senders write the rate, and a mistaken one must not drown the rest.
const MaxAdjustedCount = 1_000_000

// AdjustedCount returns of how many spans like itself one stands that was kept by a sampler: 1 where none is told of, 10
// where one in ten was kept. OpenTelemetry's word, from its "TraceState: Probability Sampling". A rate that gives no whole
// number is rounded up or down by the trace's id, alike for all its spans, so that sums over many traces are right.
//
// What tells of the sampler, the first that does: the threshold th of the vendor ot in the trace state; the attributes
// SampleRate (Honeycomb) and sampler.param of a sampler.type probabilistic (Jaeger's clients, on a trace's first span).
//
// One that chance kept when its day was thinned stands for those that went, too. Where a sampler chose by the same bits of the id,
// which a threshold without a randomness of its own (rv) says, whoever kept fewer decides. Else both count.
func AdjustedCount(s *plait.Span) int64 { return AdjustedCountBy(s, OfSampler(s.Attributes)) }

// AdjustedCountBy is AdjustedCount of a span whose attributes were read already: told is what OfSampler says of them.
// Of the span its id, its trace state and its probability are looked at.
func AdjustedCountBy(s *plait.Span, told float64) int64 {
	of := ofTraceState(s.TraceState)
	byID := of != 0 && sampling.RandomnessOf(s.TraceState, s.TraceID) == sampling.Randomness(s.TraceID)
	if of == 0 {
		of = told
	}
	if s.KeptProbability > 0 {
		thinned := 1 / s.KeptProbability
		if byID {
			of = max(of, thinned)
		} else {
			of = max(of, 1) * thinned
		}
	}
	return rounded(of, s.TraceID)
}

// rounded makes a whole number of what a span of a trace stands for. Nothing told (0) is 1.
func rounded(of float64, id plait.TraceID) int64 {
	if of <= 1 {
		return 1
	}
	of = min(of, MaxAdjustedCount)
	whole := math.Floor(of)
	if float64(mixed(id)>>11)/(1<<53) < of-whole {
		whole++
	}
	return int64(whole)
}

// mixed is a number that looks random whichever bits of its id a sampler decided by (the finalizer of splitmix64).
func mixed(id plait.TraceID) uint64 {
	z := binary.BigEndian.Uint64(id[8:]) ^ binary.BigEndian.Uint64(id[:8])*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// ofTraceState returns what the threshold in a W3C trace state says, or 0.
func ofTraceState(state string) float64 {
	if threshold, told := sampling.OfTraceState(state); told {
		return 1 / threshold.Share()
	}
	return 0
}

// The attributes that tell of a sampler.
const (
	keySampleRate   = "SampleRate"
	keySamplerType  = "sampler.type"
	keySamplerParam = "sampler.param"
)

// SamplerKeys are the keys of attributes that OfSampler looks at.
var SamplerKeys = []string{keySampleRate, keySamplerType, keySamplerParam}

// OfSampler returns of how many spans one stands by what its attributes tell, or 0.
func OfSampler(attributes plait.Attributes) float64 {
	if rate, ok := attributes.Get(keySampleRate); ok {
		if n, ok := number(rate); ok && n >= 1 {
			return n
		}
		return 0
	}
	sampler, _ := attributes.Get(keySamplerType)
	if sampler.Str() != "probabilistic" {
		return 0
	}
	param, _ := attributes.Get(keySamplerParam)
	if share, ok := number(param); ok && share > 0 && share <= 1 {
		return 1 / share
	}
	return 0
}

// number reads a number, which some tracers write as a text.
func number(v plait.Value) (float64, bool) {
	switch v.Kind() {
	case plait.KindInt:
		return float64(v.Int()), true
	case plait.KindDouble:
		return v.Double(), true
	case plait.KindString:
		n, err := strconv.ParseFloat(v.Str(), 64)
		return n, err == nil
	}
	return 0, false
}

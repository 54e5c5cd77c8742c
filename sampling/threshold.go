// Package sampling is OpenTelemetry's consistent probability sampling
// (https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/): whether a trace is kept is told by
// comparing 56 random bits of its id with a threshold, so that all who sample decide alike, as far as their rates allow:
// who keeps fewer traces keeps some of those that the others keep. The threshold travels in the trace state of what was
// kept, from which readers tell of how many traces one stands.
//
// It is arithmetic and the spelling of thresholds. Who samples what, and how much of it, is told elsewhere.
package sampling

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/plaithq/plait"
)

// Threshold is the randomness below which traces are rejected: 0 keeps all of them.
type Threshold uint64

const (
	// digits are the hexadecimal digits of a threshold and of a randomness.
	digits = 14
	// all is how many values a randomness has.
	all = 1 << (4 * digits)
)

// OfShare is the threshold that keeps a share of all traces. One of 1 or more keeps all; one of 0 or less, or too small to
// tell, keeps the fewest that a threshold can.
func OfShare(share float64) Threshold {
	if share >= 1 {
		return 0
	}
	return Threshold(min(uint64(math.Round((1-max(share, 0))*all)), all-1))
}

// Share is the share of traces that are kept, above 0.
func (t Threshold) Share() float64 { return float64(all-t) / all }

// Keeps says whether a trace is kept whose id has a randomness.
func (t Threshold) Keeps(randomness uint64) bool { return randomness >= uint64(t) }

// String spells the threshold in hexadecimal digits, of which zeros at the end are left out.
func (t Threshold) String() string {
	text := strings.TrimRight(fmt.Sprintf("%0*x", digits, uint64(t)), "0")
	if text == "" {
		return "0"
	}
	return text
}

// ParseThreshold reads what String writes.
func ParseThreshold(text string) (t Threshold, ok bool) {
	n, ok := parse(text)
	if !ok {
		return 0, false
	}
	return Threshold(n << (4 * (digits - len(text)))), true
}

// parse reads up to 14 hexadecimal digits.
func parse(text string) (uint64, bool) {
	if text == "" || len(text) > digits {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 16, 64)
	return n, err == nil
}

// Randomness is the 56 bits of a trace's id that are random, by W3C's Trace Context.
func Randomness(id plait.TraceID) uint64 { return binary.BigEndian.Uint64(id[8:]) & (all - 1) }

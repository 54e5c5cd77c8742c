package sampling

import (
	"strings"

	"github.com/plaithq/plait"
)

// vendor is OpenTelemetry's own in a W3C trace state, whose value is a list of fields: "ot=th:c;rv:0123456789abcd".
const (
	vendor          = "ot="
	fieldThreshold  = "th:"
	fieldRandomness = "rv:"
)

// OfTraceState is the threshold that a trace state tells.
func OfTraceState(state string) (t Threshold, told bool) {
	text, ok := field(state, fieldThreshold)
	if !ok {
		return 0, false
	}
	return ParseThreshold(text)
}

// RandomnessOf is by what a span is kept or rejected: the randomness that its trace state tells, else that of its trace's id.
func RandomnessOf(state string, id plait.TraceID) uint64 {
	if text, ok := field(state, fieldRandomness); ok && len(text) == digits {
		if n, ok := parse(text); ok {
			return n
		}
	}
	return Randomness(id)
}

// field is the value of a field of OpenTelemetry's member of a trace state.
func field(state, key string) (string, bool) {
	if state == "" {
		return "", false
	}
	for member := range strings.SplitSeq(state, ",") {
		value, ok := strings.CutPrefix(strings.Trim(member, " \t"), vendor)
		if !ok {
			continue
		}
		for f := range strings.SplitSeq(value, ";") {
			if text, ok := strings.CutPrefix(f, key); ok {
				return text, true
			}
		}
		return "", false
	}
	return "", false
}

// WithThreshold is a trace state that tells a threshold. The member that changes comes first, as W3C has it; other members,
// and what else OpenTelemetry's says, stay as they are.
func WithThreshold(state string, t Threshold) string {
	member := vendor + fieldThreshold + t.String()
	if state == "" {
		return member
	}
	rest := make([]string, 0, 4)
	found := false
	for other := range strings.SplitSeq(state, ",") {
		value, ours := strings.CutPrefix(strings.Trim(other, " \t"), vendor)
		if !ours || found { // of a member that is repeated readers take the first
			rest = append(rest, other)
			continue
		}
		found = true
		for f := range strings.SplitSeq(value, ";") {
			if f != "" && !strings.HasPrefix(f, fieldThreshold) {
				member += ";" + f
			}
		}
	}
	return strings.Join(append([]string{member}, rest...), ",")
}

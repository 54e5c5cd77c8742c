package series

import (
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/correlate/tracecontext"
)

// setID reads a label that names a trace or a span and says whether it was one. A label of
// that name whose value cannot be read stays a label, so that its user sees what was sent.
func setID(e *plait.Exemplar, l labels.Label) bool {
	switch idName(l.Name) {
	case "traceid":
		c, err := tracecontext.Parse(l.Value)
		if err != nil || !e.TraceID.IsZero() {
			return false
		}
		e.TraceID = c.TraceID
		if e.SpanID.IsZero() {
			e.SpanID = c.SpanID
		}
		return true
	case "spanid":
		id, ok := parseSpanID(l.Value)
		if ok {
			e.SpanID = id
		}
		return ok
	}
	return false
}

// separators are what stands between the words of an id's name, if anything does.
var separators = strings.NewReplacer("_", "", ".", "", "-", "")

// idName folds trace_id, traceID, TraceId, trace.id, dd.trace_id and the like into one.
func idName(name string) string {
	name = separators.Replace(strings.ToLower(name))
	for _, vendor := range []string{"dd", "otel", "xray", "dt"} {
		if rest, ok := strings.CutPrefix(name, vendor); ok && (rest == "traceid" || rest == "spanid") {
			return rest
		}
	}
	return name
}

// parseSpanID reads 16 hex digits, fewer with the leading zeros cut off, or a decimal number
// that is too long for hex.
func parseSpanID(s string) (plait.SpanID, bool) {
	if len(s) == 0 || len(s) > 20 {
		return plait.SpanID{}, false
	}
	base := 16
	if len(s) > 16 {
		base = 10
	}
	v, err := strconv.ParseUint(s, base, 64)
	if err != nil || v == 0 {
		return plait.SpanID{}, false
	}
	return plait.SpanIDFromInt64(int64(v)), true
}

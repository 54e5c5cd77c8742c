package health

import (
	"strings"

	"github.com/plaithq/plait"
)

// flagKeys are the attributes in which loggers write the flags of W3C's trace context.
var flagKeys = map[string]bool{"trace_flags": true, "trace.flags": true, "traceFlags": true, "TraceFlags": true, "otelTraceFlags": true}

// sampledKeys are those in which they write the decision alone.
var sampledKeys = map[string]bool{"otelTraceSampled": true, "trace_sampled": true, "traceSampled": true, "sampled": true, "X-B3-Sampled": true,
	"logging.googleapis.com/trace_sampled": true}

// flagsOf counts the records that say that their trace is sampled, and those that say that it is not. A record with
// an id whose flags are 0 says nothing: most loggers do not know them.
func flagsOf(records []plait.LogRecord) (sampled, not int) {
	for i := range records {
		r := &records[i]
		if r.TraceID.IsZero() {
			continue
		}
		switch said, yes := saysSampled(r); {
		case said && yes:
			sampled++
		case said:
			not++
		}
	}
	return sampled, not
}

// saysSampled says whether a record tells that its trace is sampled, and what it tells.
func saysSampled(r *plait.LogRecord) (said, sampled bool) {
	if r.Flags&1 == 1 {
		return true, true
	}
	for _, a := range r.Attributes {
		text := strings.ToLower(a.Value.Text())
		switch {
		case flagKeys[a.Key] && text != "":
			return true, strings.HasSuffix(text, "1") || strings.HasSuffix(text, "3")
		case sampledKeys[a.Key] && text != "":
			return true, text == "true" || text == "1"
		}
	}
	return false, false
}

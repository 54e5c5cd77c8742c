package ingest

import (
	"unsafe"

	"github.com/plaithq/plait"
)

// What a limit keeps for as long as it can: failures, and what somebody asked to keep.

// Attributes by which tracers tell that a trace is to be kept.
const (
	keyDatadogPriority     = "_sampling_priority_v1" // a number; 2 is what a user keeps
	keyOpenTracingPriority = "sampling.priority"     // a number above 0
	keyJaegerDebug         = "jaeger.debug"          // the flag debug of its context, and of B3's
	keyZipkinDebug         = "zipkin.debug"
)

// datadogUserKeep is Datadog's priority of a trace that a user asked to keep.
const datadogUserKeep = 2

// urgentTraces are the traces of a request of which a span failed or is to be kept, nil for none.
func urgentTraces(spans []plait.Span) map[plait.TraceID]bool {
	var urgent map[plait.TraceID]bool
	for i := range spans {
		s := &spans[i]
		if s.Status != plait.StatusError && !asksToBeKept(s.Attributes) {
			continue
		}
		if urgent == nil {
			urgent = map[plait.TraceID]bool{}
		}
		urgent[s.TraceID] = true
	}
	return urgent
}

func asksToBeKept(attributes plait.Attributes) bool {
	for i := range attributes {
		v := attributes[i].Value
		switch attributes[i].Key {
		case keyDatadogPriority:
			if priorityOf(v) >= datadogUserKeep {
				return true
			}
		case keyOpenTracingPriority:
			if priorityOf(v) > 0 {
				return true
			}
		case keyJaegerDebug, keyZipkinDebug:
			if v.Kind() == plait.KindBool && v.Bool() {
				return true
			}
		}
	}
	return false
}

// priorityOf is a number, rounded down, and 0 where there is none.
func priorityOf(v plait.Value) int64 {
	switch v.Kind() {
	case plait.KindInt:
		return v.Int()
	case plait.KindDouble:
		return int64(v.Double())
	}
	return 0
}

// failureSeverity is ERROR, the least of the severities that tell of a failure.
const failureSeverity plait.SeverityNumber = 17

// logClass says with which urgency a log record is kept.
func logClass(r *plait.LogRecord) class {
	if r.Severity >= failureSeverity {
		return priority
	}
	return plain
}

// attributeBytes is the memory of an attribute, without its texts.
const attributeBytes = int64(unsafe.Sizeof(plait.Attribute{}))

// withAttribute is a list with an attribute in place of another of its key, or behind the others. The list itself, which
// lies between those of other records, stays as it is.
func withAttribute(list plait.Attributes, a plait.Attribute) plait.Attributes {
	out := make(plait.Attributes, 0, len(list)+1)
	for i := range list {
		if list[i].Key != a.Key {
			out = append(out, list[i])
		}
	}
	return append(out, a)
}

package otlp

import "github.com/plaithq/plait"

// DecodeLogsJSON is DecodeLogs for OTLP/JSON, as lenient as DecodeTracesJSON.
func DecodeLogsJSON(body []byte) (*plait.Logs, error) {
	d := logJSONDecoder{jsonDecoder: newJSONDecoder(body, jsonLogPlace)}
	d.logs = make([]plait.LogRecord, 0, d.guess(`"body"`))
	if err := d.request(logPlace, d.log); err != nil {
		return nil, err
	}
	return &plait.Logs{Records: d.logs, Refused: d.refused, Repaired: d.repairs(d.nested.tooDeep)}, nil
}

type logJSONDecoder struct {
	jsonDecoder
	logs []plait.LogRecord
}

func (d *logJSONDecoder) log(r *plait.Resource, sc *plait.Scope) {
	l := plait.LogRecord{Resource: r, Scope: sc}
	bad := badID{}
	for o := (jsonObject{}); d.r.field(&o); {
		d.logField(&l, o.key, &bad)
	}
	if bad.field != "" {
		d.repaired++
	}
	d.logs = append(d.logs, l)
}

func (d *logJSONDecoder) logField(l *plait.LogRecord, key string, bad *badID) {
	switch key {
	case "timeUnixNano", "time_unix_nano":
		l.TimeNanos = d.r.integer()
	case "observedTimeUnixNano", "observed_time_unix_nano":
		l.ObservedNanos = d.r.integer()
	case "severityNumber", "severity_number":
		l.Severity = severityOf(d.r.enum(severityNumbers))
	case "severityText", "severity_text":
		l.SeverityText = d.r.str()
	case "body":
		l.Body = d.value()
	case "attributes":
		l.Attributes = d.attributeList(l.Attributes)
	case "droppedAttributesCount", "dropped_attributes_count":
		l.DroppedAttributes = d.r.count()
	case "flags":
		l.Flags = d.r.count()
	case "traceId", "trace_id":
		bad.readHex(l.TraceID[:], d.r.str(), "traceId")
	case "spanId", "span_id":
		bad.readHex(l.SpanID[:], d.r.str(), "spanId")
	case "eventName", "event_name":
		l.EventName = d.r.str()
	default:
		d.r.skip()
	}
}

// severityNumbers are the names of SeverityNumber: SEVERITY_NUMBER_TRACE, …_TRACE2 to …_FATAL4.
var severityNumbers = func() map[string]int32 {
	numbers := map[string]int32{}
	for n := plait.SeverityNumber(1); n <= 24; n++ {
		name := "SEVERITY_NUMBER_" + n.String()
		if step := (n-1)%4 + 1; step > 1 {
			name += string('0' + rune(step))
		}
		numbers[name] = int32(n)
	}
	return numbers
}()

package otlp

import (
	"unsafe"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/jsontext"
)

// DecodeLogsJSON is DecodeLogs for OTLP/JSON, as lenient as DecodeTracesJSON.
func DecodeLogsJSON(body []byte) (*plait.Logs, error) { return new(Memory).DecodeLogsJSON(body, nil) }

// DecodeLogsJSON is the package's DecodeLogsJSON. Memory for what is decoded is asked for of claim, whose error
// ends the decoding; claim may be nil.
func (*Memory) DecodeLogsJSON(body []byte, claim func(bytes int64) error) (*plait.Logs, error) {
	d := logJSONDecoder{jsonDecoder: newJSONDecoder(body, jsonLogPlace, claim)}
	d.logs = make([]plait.LogRecord, 0, min(d.guess(`"body"`), maxGuess))
	if err := d.request(logPlace, d.log); err != nil {
		return nil, err
	}
	return &plait.Logs{Records: d.logs, Refused: d.refused, Repaired: d.repairs(d.nested.tooDeep)}, nil
}

type logJSONDecoder struct {
	jsonDecoder
	logs     []plait.LogRecord
	severity string // of the record at hand, a name that OTLP does not define
}

// nameSeverity makes a severity's name that OTLP does not define the text of the severity, from which
// whoever cleans may learn the number.
func (d *logJSONDecoder) nameSeverity(l *plait.LogRecord) {
	if l.SeverityText == "" {
		l.SeverityText = d.severity
	}
	d.severity = ""
}

func (d *logJSONDecoder) log(r *plait.Resource, sc *plait.Scope) {
	d.r.account(2 * int(unsafe.Sizeof(plait.LogRecord{})))
	l := plait.LogRecord{Resource: r, Scope: sc}
	bad := badID{}
	start := d.r.Pos
	for o := (jsontext.Object{}); d.r.field(&o); {
		d.logField(&l, o.Key, &bad)
	}
	if kind, why := d.misread(start); why != "" {
		d.severity = ""
		d.refuse(kind, why, &d.place)
		return
	}
	if bad.field != "" {
		d.repaired++
	}
	d.nameSeverity(&l)
	d.logs = append(d.logs, l)
}

func (d *logJSONDecoder) logField(l *plait.LogRecord, key string, bad *badID) {
	switch key {
	case "timeUnixNano", "time_unix_nano":
		l.TimeNanos = d.r.integer()
	case "observedTimeUnixNano", "observed_time_unix_nano":
		l.ObservedNanos = d.r.integer()
	case "severityNumber", "severity_number":
		n, unknown := d.r.enum(severityNumbers)
		l.Severity, d.severity = severityOf(n), unknown
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
		d.r.Skip()
	}
}

// severityNumbers are the names of SeverityNumber: TRACE, TRACE2 to FATAL4.
var severityNumbers = func() enumNames {
	numbers := map[string]int32{"UNSPECIFIED": 0}
	for n := plait.SeverityNumber(1); n <= 24; n++ {
		name := n.String()
		if step := (n-1)%4 + 1; step > 1 {
			name += string('0' + rune(step))
		}
		numbers[name] = int32(n)
	}
	return enumNames{"SEVERITY_NUMBER_", numbers}
}()

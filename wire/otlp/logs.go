package otlp

import "github.com/plaithq/plait"

// Tags of opentelemetry.proto.logs.v1.
const (
	logTime           tag = 1<<3 | wireFixed64
	logSeverityNumber tag = 2<<3 | wireVarint
	logSeverityText   tag = 3<<3 | wireBytes
	logBody           tag = 5<<3 | wireBytes
	logAttributes     tag = 6<<3 | wireBytes
	logDropped        tag = 7<<3 | wireVarint
	logFlags          tag = 8<<3 | wireFixed32
	logTraceID        tag = 9<<3 | wireBytes
	logSpanID         tag = 10<<3 | wireBytes
	logObserved       tag = 11<<3 | wireFixed64
	logEventName      tag = 12<<3 | wireBytes
)

var logPlace = place{batches: "resource_logs", scopes: "scope_logs", records: "log_records"}

// DecodeLogs reads an ExportLogsServiceRequest. The result aliases the body.
//
// A record's id of the wrong length is taken out, as OTLP asks, and counted in Repaired; the
// record is kept. Errors are as for DecodeTraces.
func DecodeLogs(body []byte) (*plait.Logs, error) {
	return new(Memory).DecodeLogs(body, nil)
}

type logDecoder struct{ decoder }

func (d *logDecoder) result() *plait.Logs {
	return &plait.Logs{Records: d.logs, Refused: d.refused, Repaired: d.repairs(d.nested.tooDeep)}
}

func (d *logDecoder) log(f fields, r *plait.Resource, sc *plait.Scope) error {
	d.logs = append(d.logs, plait.LogRecord{Resource: r, Scope: sc})
	l := &d.logs[len(d.logs)-1]
	var body anyValue
	var id ids
	for f.next() {
		if err := d.logField(l, &f, &body, &id); err != nil {
			return err
		}
	}
	if f.err != nil {
		return f.err
	}
	var bad badID
	bad.read(l.TraceID[:], id.trace, "trace_id")
	bad.read(l.SpanID[:], id.span, "span_id")
	if bad.field != "" {
		d.repaired++
	}
	v, err := d.value(&body)
	l.Body = v
	return in(err, "body")
}

func (d *logDecoder) logField(l *plait.LogRecord, f *fields, body *anyValue, id *ids) (err error) {
	switch f.tag {
	case logTime:
		l.TimeNanos = clampNanos(f.num)
	case logSeverityNumber:
		l.Severity = severityOf(int32(f.num))
	case logSeverityText:
		l.SeverityText = f.text()
	case logBody:
		err = in(body.read(f.message()), "body")
	case logAttributes:
		l.Attributes, err = d.attributeList(f, l.Attributes)
	case logDropped:
		l.DroppedAttributes = uint32(f.num)
	case logFlags:
		l.Flags = uint32(f.num)
	case logTraceID:
		id.trace = f.text()
	case logSpanID:
		id.span = f.text()
	case logObserved:
		l.ObservedNanos = clampNanos(f.num)
	case logEventName:
		l.EventName = f.text()
	}
	return err
}

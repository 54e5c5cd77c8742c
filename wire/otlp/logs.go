package otlp

import (
	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/protobuf"
)

// Tags of opentelemetry.proto.logs.v1.
const (
	logTime           protobuf.Tag = 1<<3 | protobuf.Fixed64
	logSeverityNumber protobuf.Tag = 2<<3 | protobuf.Varint
	logSeverityText   protobuf.Tag = 3<<3 | protobuf.Bytes
	logBody           protobuf.Tag = 5<<3 | protobuf.Bytes
	logAttributes     protobuf.Tag = 6<<3 | protobuf.Bytes
	logDropped        protobuf.Tag = 7<<3 | protobuf.Varint
	logFlags          protobuf.Tag = 8<<3 | protobuf.Fixed32
	logTraceID        protobuf.Tag = 9<<3 | protobuf.Bytes
	logSpanID         protobuf.Tag = 10<<3 | protobuf.Bytes
	logObserved       protobuf.Tag = 11<<3 | protobuf.Fixed64
	logEventName      protobuf.Tag = 12<<3 | protobuf.Bytes
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

func (d *logDecoder) log(f protobuf.Fields, r *plait.Resource, sc *plait.Scope) error {
	d.logs = append(d.logs, plait.LogRecord{Resource: r, Scope: sc})
	l := &d.logs[len(d.logs)-1]
	var body anyValue
	var id ids
	for f.Next() {
		if err := d.logField(l, &f, &body, &id); err != nil {
			return err
		}
	}
	if f.Err != nil {
		return f.Err
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

func (d *logDecoder) logField(l *plait.LogRecord, f *protobuf.Fields, body *anyValue, id *ids) (err error) {
	switch f.Tag {
	case logTime:
		l.TimeNanos = clampNanos(f.Num)
	case logSeverityNumber:
		l.Severity = severityOf(int32(f.Num))
	case logSeverityText:
		l.SeverityText = f.Text()
	case logBody:
		err = in(body.read(f.Message()), "body")
	case logAttributes:
		l.Attributes, err = d.attributeList(f, l.Attributes)
	case logDropped:
		l.DroppedAttributes = uint32(f.Num)
	case logFlags:
		l.Flags = uint32(f.Num)
	case logTraceID:
		id.trace = f.Text()
	case logSpanID:
		id.span = f.Text()
	case logObserved:
		l.ObservedNanos = clampNanos(f.Num)
	case logEventName:
		l.EventName = f.Text()
	}
	return err
}

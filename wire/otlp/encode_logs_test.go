package otlp

import (
	"fmt"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/plaithq/plait"
)

// EncodeLogsJSON is EncodeLogs in OTLP/JSON.
func EncodeLogsJSON(records []plait.LogRecord) []byte {
	var m plog.JSONMarshaler
	b, err := m.MarshalLogs(logData(records))
	if err != nil {
		panic(fmt.Sprintf("encode OTLP/JSON logs: %v", err)) // it has no way to fail
	}
	return b
}

func logData(records []plait.LogRecord) plog.Logs {
	ld := plog.NewLogs()
	batches := map[*plait.Resource]plog.ResourceLogs{}
	groups := map[group]plog.LogRecordSlice{}
	for i := range records {
		r := &records[i]
		g := group{r.Resource, r.Scope}
		list, ok := groups[g]
		if !ok {
			batch, ok := batches[r.Resource]
			if !ok {
				batch = ld.ResourceLogs().AppendEmpty()
				batch.SetSchemaUrl(setResource(batch.Resource(), r.Resource))
				batches[r.Resource] = batch
			}
			scoped := batch.ScopeLogs().AppendEmpty()
			scoped.SetSchemaUrl(setScope(scoped.Scope(), r.Scope))
			list = scoped.LogRecords()
			groups[g] = list
		}
		setLog(list.AppendEmpty(), r)
	}
	return ld
}

func setLog(to plog.LogRecord, r *plait.LogRecord) {
	to.SetTraceID(pcommon.TraceID(r.TraceID))
	to.SetSpanID(pcommon.SpanID(r.SpanID))
	to.SetTimestamp(timestamp(r.TimeNanos))
	to.SetObservedTimestamp(timestamp(r.ObservedNanos))
	to.SetSeverityNumber(plog.SeverityNumber(r.Severity))
	to.SetSeverityText(r.SeverityText)
	to.SetEventName(r.EventName)
	to.SetFlags(plog.LogRecordFlags(r.Flags))
	setValue(to.Body(), r.Body)
	setAttributes(to.Attributes(), r.Attributes)
	to.SetDroppedAttributesCount(r.DroppedAttributes)
}

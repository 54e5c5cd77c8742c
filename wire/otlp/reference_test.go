package otlp

import (
	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/plaithq/plait"
)

// The reference: what the generated types hold, said in Plait's vocabulary field by field, for
// comparing with what the decoders read.

func referenceTraces(req *coltrace.ExportTraceServiceRequest) (spans []plait.Span, refused int) {
	for _, rs := range req.ResourceSpans {
		r := referenceResource(rs.Resource, rs.SchemaUrl)
		for _, ss := range rs.ScopeSpans {
			sc := referenceScope(ss.Scope, ss.SchemaUrl)
			for _, s := range ss.Spans {
				if badLength(s.TraceId, 16) || badLength(s.SpanId, 8) || badLength(s.ParentSpanId, 8) {
					refused++
					continue
				}
				spans = append(spans, referenceSpan(s, r, sc))
			}
		}
	}
	return spans, refused
}

func badLength(id []byte, want int) bool { return len(id) != 0 && len(id) != want }

func referenceSpan(s *tracepb.Span, r *plait.Resource, sc *plait.Scope) plait.Span {
	span := plait.Span{
		TraceID: traceID(s.TraceId), SpanID: spanID(s.SpanId), ParentSpanID: spanID(s.ParentSpanId),
		StartNanos: clampNanos(s.StartTimeUnixNano), EndNanos: clampNanos(s.EndTimeUnixNano),
		Resource: r, Scope: sc, Name: s.Name, TraceState: s.TraceState,
		StatusMessage: s.Status.GetMessage(), Status: statusOf(int32(s.Status.GetCode())), Kind: kindOf(int32(s.Kind)),
		Attributes: referenceAttributes(s.Attributes), Flags: s.Flags,
		DroppedAttributes: s.DroppedAttributesCount, DroppedEvents: s.DroppedEventsCount, DroppedLinks: s.DroppedLinksCount,
	}
	for _, e := range s.Events {
		span.Events = append(span.Events, plait.Event{
			TimeNanos: clampNanos(e.TimeUnixNano), Name: e.Name,
			Attributes: referenceAttributes(e.Attributes), DroppedAttributes: e.DroppedAttributesCount,
		})
	}
	for _, l := range s.Links {
		span.Links = append(span.Links, plait.Link{
			TraceID: traceID(l.TraceId), SpanID: spanID(l.SpanId), TraceState: l.TraceState, Flags: l.Flags,
			Attributes: referenceAttributes(l.Attributes), DroppedAttributes: l.DroppedAttributesCount,
		})
	}
	return span
}

func referenceLogs(req *collogs.ExportLogsServiceRequest) (records []plait.LogRecord) {
	for _, rl := range req.ResourceLogs {
		r := referenceResource(rl.Resource, rl.SchemaUrl)
		for _, sl := range rl.ScopeLogs {
			sc := referenceScope(sl.Scope, sl.SchemaUrl)
			for _, l := range sl.LogRecords {
				records = append(records, referenceLog(l, r, sc))
			}
		}
	}
	return records
}

func referenceLog(l *logspb.LogRecord, r *plait.Resource, sc *plait.Scope) plait.LogRecord {
	return plait.LogRecord{
		TraceID: traceID(l.TraceId), SpanID: spanID(l.SpanId), Resource: r, Scope: sc,
		TimeNanos: clampNanos(l.TimeUnixNano), ObservedNanos: clampNanos(l.ObservedTimeUnixNano),
		Body: referenceValue(l.Body, 0), SeverityText: l.SeverityText, EventName: l.EventName,
		Severity: severityOf(int32(l.SeverityNumber)), Attributes: referenceAttributes(l.Attributes),
		DroppedAttributes: l.DroppedAttributesCount, Flags: l.Flags,
	}
}

func referenceResource(r *resourcepb.Resource, url string) *plait.Resource {
	return &plait.Resource{Attributes: referenceAttributes(r.GetAttributes()), DroppedAttributes: r.GetDroppedAttributesCount(), SchemaURL: url}
}

func referenceScope(s *commonpb.InstrumentationScope, url string) *plait.Scope {
	return &plait.Scope{
		Name: s.GetName(), Version: s.GetVersion(), SchemaURL: url,
		Attributes: referenceAttributes(s.GetAttributes()), DroppedAttributes: s.GetDroppedAttributesCount(),
	}
}

func referenceAttributes(list []*commonpb.KeyValue) (a plait.Attributes) {
	for _, kv := range list {
		a = append(a, plait.Attribute{Key: kv.Key, Value: referenceValue(kv.Value, 0)})
	}
	return a
}

// referenceValue builds nested JSON by joining texts, where the decoders write into one buffer.
func referenceValue(v *commonpb.AnyValue, depth int) plait.Value {
	switch v := v.GetValue().(type) {
	case *commonpb.AnyValue_StringValue:
		return plait.StringValue(v.StringValue)
	case *commonpb.AnyValue_BoolValue:
		return plait.BoolValue(v.BoolValue)
	case *commonpb.AnyValue_IntValue:
		return plait.IntValue(v.IntValue)
	case *commonpb.AnyValue_DoubleValue:
		return plait.DoubleValue(v.DoubleValue)
	case *commonpb.AnyValue_BytesValue:
		return plait.BytesValue(string(v.BytesValue))
	case *commonpb.AnyValue_ArrayValue:
		if depth == maxDepth {
			return plait.StringValue(deepText)
		}
		text := "["
		for i, item := range v.ArrayValue.GetValues() {
			if i > 0 {
				text += ","
			}
			text += string(referenceValue(item, depth+1).AppendJSON(nil))
		}
		return plait.ArrayValue(text + "]")
	case *commonpb.AnyValue_KvlistValue:
		if depth == maxDepth {
			return plait.StringValue(deepText)
		}
		return plait.MapValue(referenceMap(v.KvlistValue.GetValues(), depth+1))
	}
	return plait.Value{}
}

func referenceMap(list []*commonpb.KeyValue, depth int) string {
	last := map[string]int{}
	for i, kv := range list {
		last[string(plait.AppendJSONKey(nil, kv.Key))] = i
	}
	text := "{"
	for i, kv := range list {
		key := string(plait.AppendJSONKey(nil, kv.Key))
		if last[key] != i {
			continue
		}
		if len(text) > 1 {
			text += ","
		}
		text += key + ":" + string(referenceValue(kv.Value, depth).AppendJSON(nil))
	}
	return text + "}"
}

func traceID(b []byte) (id plait.TraceID) {
	if len(b) == len(id) {
		copy(id[:], b)
	}
	return id
}

func spanID(b []byte) (id plait.SpanID) {
	if len(b) == len(id) {
		copy(id[:], b)
	}
	return id
}

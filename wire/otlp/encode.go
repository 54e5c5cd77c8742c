package otlp

import (
	"fmt"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/canonical"
	"github.com/plaithq/plait/jsontext"
)

// JSON is written for queries of some thousand spans, so it goes through the Collector's data model.

// EncodeTracesJSON is EncodeTraces in OTLP/JSON.
func EncodeTracesJSON(spans []plait.Span) []byte {
	var m ptrace.JSONMarshaler
	b, err := m.MarshalTraces(traceData(spans))
	if err != nil {
		panic(fmt.Sprintf("encode OTLP/JSON traces: %v", err)) // it has no way to fail
	}
	return b
}

// group is what spans or records with one resource and scope have in common.
type group struct {
	resource *plait.Resource
	scope    *plait.Scope
}

func traceData(spans []plait.Span) ptrace.Traces {
	td := ptrace.NewTraces()
	batches := map[*plait.Resource]ptrace.ResourceSpans{}
	groups := map[group]ptrace.SpanSlice{}
	for i := range spans {
		s := &spans[i]
		g := group{s.Resource, s.Scope}
		list, ok := groups[g]
		if !ok {
			batch, ok := batches[s.Resource]
			if !ok {
				batch = td.ResourceSpans().AppendEmpty()
				batch.SetSchemaUrl(setResource(batch.Resource(), s.Resource))
				batches[s.Resource] = batch
			}
			scoped := batch.ScopeSpans().AppendEmpty()
			scoped.SetSchemaUrl(setScope(scoped.Scope(), s.Scope))
			list = scoped.Spans()
			groups[g] = list
		}
		setSpan(list.AppendEmpty(), s)
	}
	return td
}

func setResource(to pcommon.Resource, r *plait.Resource) (schemaURL string) {
	if r == nil {
		return ""
	}
	setAttributes(to.Attributes(), r.Attributes)
	to.SetDroppedAttributesCount(r.DroppedAttributes)
	return r.SchemaURL
}

func setScope(to pcommon.InstrumentationScope, s *plait.Scope) (schemaURL string) {
	if s == nil {
		return ""
	}
	to.SetName(s.Name)
	to.SetVersion(s.Version)
	setAttributes(to.Attributes(), s.Attributes)
	to.SetDroppedAttributesCount(s.DroppedAttributes)
	return s.SchemaURL
}

func setSpan(to ptrace.Span, s *plait.Span) {
	to.SetTraceID(pcommon.TraceID(s.TraceID))
	to.SetSpanID(pcommon.SpanID(s.SpanID))
	to.SetParentSpanID(pcommon.SpanID(s.ParentSpanID))
	to.TraceState().FromRaw(s.TraceState)
	to.SetFlags(s.Flags)
	to.SetName(s.Name)
	to.SetKind(ptrace.SpanKind(s.Kind))
	to.SetStartTimestamp(timestamp(s.StartNanos))
	to.SetEndTimestamp(timestamp(s.EndNanos))
	to.Status().SetCode(ptrace.StatusCode(s.Status))
	to.Status().SetMessage(s.StatusMessage)
	setAttributes(to.Attributes(), s.Attributes)
	to.SetDroppedAttributesCount(s.DroppedAttributes)
	to.SetDroppedEventsCount(s.DroppedEvents)
	to.SetDroppedLinksCount(s.DroppedLinks)
	to.Events().EnsureCapacity(len(s.Events))
	for i := range s.Events {
		e := to.Events().AppendEmpty()
		e.SetTimestamp(timestamp(s.Events[i].TimeNanos))
		e.SetName(s.Events[i].Name)
		setAttributes(e.Attributes(), s.Events[i].Attributes)
		e.SetDroppedAttributesCount(s.Events[i].DroppedAttributes)
	}
	to.Links().EnsureCapacity(len(s.Links))
	for i := range s.Links {
		setLink(to.Links().AppendEmpty(), &s.Links[i])
	}
}

func setLink(to ptrace.SpanLink, l *plait.Link) {
	to.SetTraceID(pcommon.TraceID(l.TraceID))
	to.SetSpanID(pcommon.SpanID(l.SpanID))
	to.TraceState().FromRaw(l.TraceState)
	to.SetFlags(l.Flags)
	setAttributes(to.Attributes(), l.Attributes)
	to.SetDroppedAttributesCount(l.DroppedAttributes)
}

// timestamp converts; OTLP cannot say what lies before 1970.
func timestamp(nanos int64) pcommon.Timestamp { return pcommon.Timestamp(max(nanos, 0)) }

func setAttributes(to pcommon.Map, a plait.Attributes) {
	to.EnsureCapacity(len(a))
	for _, attribute := range a.Unique() {
		setValue(to.PutEmpty(attribute.Key), attribute.Value)
	}
}

func setValue(to pcommon.Value, v plait.Value) {
	switch v.Kind() {
	case plait.KindString:
		to.SetStr(v.Str())
	case plait.KindBool:
		to.SetBool(v.Bool())
	case plait.KindInt:
		to.SetInt(v.Int())
	case plait.KindDouble:
		to.SetDouble(v.Double())
	case plait.KindBytes:
		to.SetEmptyBytes().FromRaw([]byte(v.Str()))
	case plait.KindArray:
		setArray(to.SetEmptySlice(), v.Str())
	case plait.KindMap:
		setMap(to.SetEmptyMap(), v.Str())
	}
}

// setArray and setMap read canonical JSON. They stop where it is not, which no decoder writes.

func setArray(to pcommon.Slice, text string) {
	r := jsonReader{Reader: jsontext.Of(text)}
	for a := (jsontext.Array{}); r.Item(&a); {
		setValue(to.AppendEmpty(), r.canonical())
	}
}

func setMap(to pcommon.Map, text string) {
	r := jsonReader{Reader: jsontext.Of(text)}
	r.Nulls = true
	for o := (jsontext.Object{}); r.field(&o); {
		key := o.Key
		if strings.HasPrefix(key, "$$") {
			key = key[1:]
		}
		setValue(to.PutEmpty(key), r.canonical())
	}
}

// canonical reads one value of canonical JSON.
func (r *jsonReader) canonical() plait.Value {
	start := r.Pos
	r.Skip()
	v, err := canonical.ParseValue(r.Text[start:r.Pos])
	if err != nil {
		r.Fail(err.Error())
	}
	return v
}

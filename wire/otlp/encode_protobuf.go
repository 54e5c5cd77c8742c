package otlp

import (
	"math"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/jsontext"
	"github.com/plaithq/plait/wire/protobuf"
)

// Tags of the requests and of what they have around their records, the same for both signals.
const (
	requestBatch protobuf.Tag = 1<<3 | protobuf.Bytes
	batchOrigin  protobuf.Tag = 1<<3 | protobuf.Bytes // the resource of a batch, or the scope within it
	batchContent protobuf.Tag = 2<<3 | protobuf.Bytes // the scopes of a batch, or the records of a scope
	batchSchema  protobuf.Tag = 3<<3 | protobuf.Bytes
)

// EncodeTraces writes the spans as an ExportTraceServiceRequest. Those that share a Resource
// and Scope, by pointer, come together and keep their order. The message is also opentelemetry.proto.trace.v1.TracesData and Tempo's Trace.
func EncodeTraces(spans []plait.Span) []byte { return AppendTraces(nil, spans) }

// AppendTraces appends what EncodeTraces makes of the spans of all parts together. OTLP has no time before 1970:
// it becomes 0, which is none.
func AppendTraces(dst []byte, parts ...[]plait.Span) []byte {
	return appendRequest(dst, parts, func(s *plait.Span) group { return group{s.Resource, s.Scope} }, appendSpan)
}

// EncodeLogs writes the records as an ExportLogsServiceRequest, grouped as by EncodeTraces.
func EncodeLogs(records []plait.LogRecord) []byte { return AppendLogs(nil, records) }

// AppendLogs is for log records what AppendTraces is for spans.
func AppendLogs(dst []byte, parts ...[]plait.LogRecord) []byte {
	return appendRequest(dst, parts, func(r *plait.LogRecord) group { return group{r.Resource, r.Scope} }, appendLog)
}

// scoped are the records of one scope of a resource.
type scoped[T any] struct {
	scope   *plait.Scope
	records []*T
}

// appendRequest appends the records by resource and scope, both in the order in which they first occur.
func appendRequest[T any](dst []byte, parts [][]T, of func(*T) group, record func([]byte, *T) []byte) []byte {
	var resources []*plait.Resource
	scopes := map[*plait.Resource][]*scoped[T]{}
	groups := map[group]*scoped[T]{}
	var last group
	var list *scoped[T]
	for _, part := range parts {
		for i := range part {
			g := of(&part[i])
			if list == nil || g != last {
				last, list = g, groups[g]
			}
			if list == nil {
				list = &scoped[T]{scope: g.scope}
				groups[g] = list
				if scopes[g.resource] == nil {
					resources = append(resources, g.resource)
				}
				scopes[g.resource] = append(scopes[g.resource], list)
			}
			list.records = append(list.records, &part[i])
		}
	}
	for _, r := range resources {
		dst = appendBatch(dst, r, scopes[r], record)
	}
	return dst
}

func appendBatch[T any](dst []byte, r *plait.Resource, scopes []*scoped[T], record func([]byte, *T) []byte) []byte {
	dst, batch := begin(dst, requestBatch)
	dst, at := begin(dst, batchOrigin)
	if r != nil {
		dst = appendAttributes(dst, resourceAttributes, r.Attributes)
		dst = appendNumber(dst, resourceDropped, uint64(r.DroppedAttributes))
	}
	dst = end(dst, at)
	for _, s := range scopes {
		var content int
		dst, content = begin(dst, batchContent)
		dst, at = begin(dst, batchOrigin)
		if s.scope != nil {
			dst = appendText(dst, scopeName, s.scope.Name)
			dst = appendText(dst, scopeVersion, s.scope.Version)
			dst = appendAttributes(dst, scopeAttributes, s.scope.Attributes)
			dst = appendNumber(dst, scopeDropped, uint64(s.scope.DroppedAttributes))
		}
		dst = end(dst, at)
		for _, one := range s.records {
			dst, at = begin(dst, batchContent)
			dst = end(record(dst, one), at)
		}
		if s.scope != nil {
			dst = appendText(dst, batchSchema, s.scope.SchemaURL)
		}
		dst = end(dst, content)
	}
	if r != nil {
		dst = appendText(dst, batchSchema, r.SchemaURL)
	}
	return end(dst, batch)
}

func appendSpan(dst []byte, s *plait.Span) []byte {
	dst = appendID(dst, spanTraceID, s.TraceID[:])
	dst = appendID(dst, spanSpanID, s.SpanID[:])
	dst = appendText(dst, spanTraceState, s.TraceState)
	dst = appendID(dst, spanParentSpanID, s.ParentSpanID[:])
	dst = appendText(dst, spanName, s.Name)
	dst = appendNumber(dst, spanKind, uint64(s.Kind))
	dst = appendTime(dst, spanStart, s.StartNanos)
	dst = appendTime(dst, spanEnd, s.EndNanos)
	dst = appendAttributes(dst, spanAttributes, s.Attributes)
	dst = appendNumber(dst, spanDropped, uint64(s.DroppedAttributes))
	for i := range s.Events {
		dst = appendEvent(dst, &s.Events[i])
	}
	dst = appendNumber(dst, spanDroppedEvents, uint64(s.DroppedEvents))
	for i := range s.Links {
		dst = appendLink(dst, &s.Links[i])
	}
	dst = appendNumber(dst, spanDroppedLinks, uint64(s.DroppedLinks))
	if s.Status != plait.StatusUnset || s.StatusMessage != "" {
		var at int
		dst, at = begin(dst, spanStatus)
		dst = appendText(dst, statusMessage, s.StatusMessage)
		dst = end(appendNumber(dst, statusCode, uint64(s.Status)), at)
	}
	return appendFixed32(dst, spanFlags, s.Flags)
}

func appendEvent(dst []byte, e *plait.Event) []byte {
	dst, at := begin(dst, spanEvents)
	dst = appendTime(dst, eventTime, e.TimeNanos)
	dst = appendText(dst, eventName, e.Name)
	dst = appendAttributes(dst, eventAttributes, e.Attributes)
	return end(appendNumber(dst, eventDropped, uint64(e.DroppedAttributes)), at)
}

func appendLink(dst []byte, l *plait.Link) []byte {
	dst, at := begin(dst, spanLinks)
	dst = appendID(dst, linkTraceID, l.TraceID[:])
	dst = appendID(dst, linkSpanID, l.SpanID[:])
	dst = appendText(dst, linkTraceState, l.TraceState)
	dst = appendAttributes(dst, linkAttributes, l.Attributes)
	dst = appendNumber(dst, linkDropped, uint64(l.DroppedAttributes))
	return end(appendFixed32(dst, linkFlags, l.Flags), at)
}

func appendLog(dst []byte, r *plait.LogRecord) []byte {
	dst = appendTime(dst, logTime, r.TimeNanos)
	dst = appendNumber(dst, logSeverityNumber, uint64(r.Severity))
	dst = appendText(dst, logSeverityText, r.SeverityText)
	if r.Body.Kind() != plait.KindEmpty {
		var at int
		dst, at = begin(dst, logBody)
		dst = end(appendValue(dst, r.Body), at)
	}
	dst = appendAttributes(dst, logAttributes, r.Attributes)
	dst = appendNumber(dst, logDropped, uint64(r.DroppedAttributes))
	dst = appendFixed32(dst, logFlags, r.Flags)
	dst = appendID(dst, logTraceID, r.TraceID[:])
	dst = appendID(dst, logSpanID, r.SpanID[:])
	dst = appendTime(dst, logObserved, r.ObservedNanos)
	return appendText(dst, logEventName, r.EventName)
}

// appendAttributes appends a list of KeyValue. Of a key that occurs twice the last value is written.
func appendAttributes(dst []byte, tag protobuf.Tag, a plait.Attributes) []byte {
	for _, attribute := range a.Unique() {
		dst = appendKeyValue(dst, tag, attribute.Key, attribute.Value)
	}
	return dst
}

func appendKeyValue(dst []byte, tag protobuf.Tag, key string, v plait.Value) []byte {
	dst, pair := begin(dst, tag)
	dst = appendText(dst, keyValueKey, key)
	dst, at := begin(dst, keyValueValue)
	return end(end(appendValue(dst, v), at), pair)
}

// appendValue appends the content of an AnyValue.
func appendValue(dst []byte, v plait.Value) []byte {
	switch v.Kind() {
	case plait.KindString:
		dst = appendTag(dst, anyString)
		dst = protowire.AppendString(dst, v.Str())
	case plait.KindBool:
		dst = appendTag(dst, anyBool)
		dst = protowire.AppendVarint(dst, protowire.EncodeBool(v.Bool()))
	case plait.KindInt:
		dst = appendTag(dst, anyInt)
		dst = protowire.AppendVarint(dst, uint64(v.Int()))
	case plait.KindDouble:
		dst = appendTag(dst, anyDouble)
		dst = protowire.AppendFixed64(dst, math.Float64bits(v.Double()))
	case plait.KindBytes:
		dst = appendTag(dst, anyBytes)
		dst = protowire.AppendString(dst, v.Str())
	case plait.KindArray:
		dst = appendArray(dst, v.Str())
	case plait.KindMap:
		dst = appendMap(dst, v.Str())
	}
	return dst
}

// appendArray and appendMap read canonical JSON. They stop where it is not, which no decoder writes.

func appendArray(dst []byte, text string) []byte {
	dst, array := begin(dst, anyArray)
	r := jsonReader{Reader: jsontext.Of(text)}
	for a := (jsontext.Array{}); r.Item(&a); {
		var at int
		dst, at = begin(dst, listValues)
		dst = end(appendValue(dst, r.canonical()), at)
	}
	return end(dst, array)
}

func appendMap(dst []byte, text string) []byte {
	dst, list := begin(dst, anyMap)
	r := jsonReader{Reader: jsontext.Of(text)}
	r.Nulls = true
	for o := (jsontext.Object{}); r.field(&o); {
		key := o.Key
		if strings.HasPrefix(key, "$$") {
			key = key[1:]
		}
		dst = appendKeyValue(dst, listValues, key, r.canonical())
	}
	return end(dst, list)
}

// begin begins a message within another, and end, given where its content begins, puts its length before it.
func begin(dst []byte, tag protobuf.Tag) (content []byte, at int) {
	dst = appendTag(dst, tag)
	return dst, len(dst)
}

func end(dst []byte, at int) []byte {
	n := len(dst) - at
	var length [10]byte
	size := len(protowire.AppendVarint(length[:0], uint64(n)))
	dst = append(dst, length[:size]...)
	copy(dst[at+size:], dst[at:at+n])
	copy(dst[at:], length[:size])
	return dst
}

func appendTag(dst []byte, tag protobuf.Tag) []byte { return protowire.AppendVarint(dst, uint64(tag)) }

// What is empty, zero or false is left out, as proto3 has it.

func appendText(dst []byte, tag protobuf.Tag, text string) []byte {
	if text == "" {
		return dst
	}
	return protowire.AppendString(appendTag(dst, tag), text)
}

func appendNumber(dst []byte, tag protobuf.Tag, n uint64) []byte {
	if n == 0 {
		return dst
	}
	return protowire.AppendVarint(appendTag(dst, tag), n)
}

func appendFixed32(dst []byte, tag protobuf.Tag, n uint32) []byte {
	if n == 0 {
		return dst
	}
	return protowire.AppendFixed32(appendTag(dst, tag), n)
}

func appendTime(dst []byte, tag protobuf.Tag, nanos int64) []byte {
	if nanos <= 0 {
		return dst
	}
	return protowire.AppendFixed64(appendTag(dst, tag), uint64(nanos))
}

func appendID(dst []byte, tag protobuf.Tag, id []byte) []byte {
	for _, b := range id {
		if b != 0 {
			return protowire.AppendBytes(appendTag(dst, tag), id)
		}
	}
	return dst
}

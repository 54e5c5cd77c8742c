package zipkin

import (
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/jsontext"
	"github.com/plaithq/plait/wire/jsonvalue"
)

// Tags in which OpenTelemetry's exporters for Zipkin write what a span has a field for
// (https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/zipkin/).
const (
	tagStatusCode    = "otel.status_code"
	tagStatusMessage = "otel.status_description" // of the Collector, which writes no message into the tag error
	tagTraceState    = "w3c.tracestate"
	tagScopeName     = "otel.scope.name"
	tagScopeVersion  = "otel.scope.version"
	tagLibraryName   = "otel.library.name"
	tagLibraryVer    = "otel.library.version"
	tagKind          = "span.kind" // of a span for whose kind Zipkin has no name
	tagLink          = "otlp.link."
)

// linkCost is what a link costs, in bytes: lists grow by copying.
const linkCost = 2 * int(unsafe.Sizeof(plait.Link{}))

// otelReader takes what OpenTelemetry's exporters wrote out of the tags and annotations of a span.
type otelReader struct {
	scopeName, scopeVersion string
	made                    int // the bytes of strings and lists that do not alias the body
}

// tag takes a tag for what it means. Others are attributes. Tags come in the order of their keys.
func (r *otelReader) tag(s *plait.Span, t tag) bool {
	switch t.key {
	case tagStatusCode:
		return status(s, strings.TrimPrefix(t.value, "STATUS_CODE_"))
	case tagStatusMessage:
		s.StatusMessage = t.value
	case tagTraceState:
		s.TraceState = t.value
	case tagScopeName, tagLibraryName:
		r.scopeName = t.value
	case tagScopeVersion, tagLibraryVer:
		r.scopeVersion = t.value
	case tagKind:
		return s.Kind == plait.SpanKindInternal && t.value == "internal"
	default:
		number, ok := strings.CutPrefix(t.key, tagLink)
		return ok && isCount(number) && r.link(s, t.value)
	}
	return true
}

// status takes a status. With it, the tag error of a failure without a message says true.
func status(s *plait.Span, code string) bool {
	switch code {
	case "OK":
		s.Status = plait.StatusOK
	case "ERROR":
		s.Status = plait.StatusError
		if s.StatusMessage == wordTrue {
			s.StatusMessage = ""
		}
	default:
		return false
	}
	return true
}

// link takes a link of the Collector's: trace|span|state|{attributes}|dropped attributes.
func (r *otelReader) link(s *plait.Span, text string) bool {
	var l plait.Link
	trace, rest, _ := strings.Cut(text, "|")
	span, rest, _ := strings.Cut(rest, "|")
	state, rest, ok := strings.Cut(rest, "|")
	if !ok || l.TraceID.UnmarshalText([]byte(trace)) != nil || l.SpanID.UnmarshalText([]byte(span)) != nil {
		return false
	}
	if l.Attributes, l.DroppedAttributes, ok = r.counted(rest); !ok {
		return false
	}
	l.TraceState = state
	s.Links = append(s.Links, l)
	r.made += linkCost
	return true
}

// event takes an annotation for an event, whose attributes exporters write behind its name: "name": {…}, or name|{…}|dropped
// attributes.
func (r *otelReader) event(a annotation) plait.Event {
	e := plait.Event{TimeNanos: a.nanos, Name: a.value}
	if !strings.HasPrefix(a.value, `"`) {
		if name, rest, ok := strings.Cut(a.value, "|{"); ok {
			if attributes, dropped, ok := r.counted("{" + rest); ok {
				e.Name, e.Attributes, e.DroppedAttributes = name, attributes, dropped
			}
		}
		return e
	}
	in := jsonvalue.Of(a.value)
	name := in.Str()
	if in.Space(); in.Err != nil || !strings.HasPrefix(in.Text[in.Pos:], ":") {
		return e
	}
	in.Pos++
	if attributes, ok := r.attributes(&in); ok {
		e.Name, e.Attributes = name, attributes
	}
	return e
}

// counted reads attributes and how many more there were: {…}|2.
func (r *otelReader) counted(text string) (attributes plait.Attributes, dropped uint32, ok bool) {
	end := strings.LastIndexByte(text, '|')
	if end < 0 || !isCount(text[end+1:]) {
		return nil, 0, false
	}
	n, err := strconv.ParseUint(text[end+1:], 10, 32)
	in := jsonvalue.Of(text[:end])
	attributes, ok = r.attributes(&in)
	return attributes, uint32(n), ok && err == nil
}

// attributes reads an object to the end of the text.
func (r *otelReader) attributes(in *jsonvalue.Reader) (out plait.Attributes, ok bool) {
	if in.Space(); in.Peek() != '{' {
		return nil, false
	}
	for o := (jsontext.Object{}); in.Field(&o); {
		out = append(out, plait.Attribute{Key: o.Key, Value: in.Value()})
	}
	r.made += 2*cap(out)*int(unsafe.Sizeof(plait.Attribute{})) + in.Made + in.Written
	if in.End(); in.Err != nil {
		return nil, false
	}
	return slices.Clip(out), true
}

// isCount says whether a text is digits, and some.
func isCount(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

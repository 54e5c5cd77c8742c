package datadog

import (
	"encoding/binary"
	"math"
	"strconv"
	"unsafe"

	"github.com/plaithq/plait"
)

// span is a span as Datadog's tracers send it. Times are nanoseconds.
type span struct {
	service, name, resource, kind string
	traceID, id, parentID         uint64
	start, duration               int64
	failed                        bool
	attributes                    plait.Attributes // meta and metrics
	links                         []plait.Link
	events                        []plait.Event
}

// What items cost while a span is read, in bytes: lists grow by copying.
const (
	attributeCost = 2 * int(unsafe.Sizeof(plait.Attribute{}))
	linkCost      = 2 * int(unsafe.Sizeof(plait.Link{}))
	eventCost     = 2 * int(unsafe.Sizeof(plait.Event{}))
)

// Keys of meta and metrics that say what a span, or its trace, has a field for.
const (
	keyEnv      = "env"
	keyVersion  = "version"
	keyRuntime  = "runtime-id" // of the process
	keyKind     = "span.kind"
	keyHigh     = "_dd.p.tid" // the upper half of the trace's id, in hex
	keyPriority = "_sampling_priority_v1"
	keyOrigin   = "_dd.origin"
	keyLinks    = "_dd.span_links" // where the format has no field for them, as JSON
	keyEvents   = "events"         // the same
	keyMessage  = "error.message"
	keyOldError = "error.msg"
)

// Attributes, as OpenTelemetry and Datadog name them (https://docs.datadoghq.com/opentelemetry/mapping/).
const (
	attributeOperation = "operation.name"
	attributeResource  = "resource.name"
	attributeType      = "span.type"

	attributeService     = "service.name"
	attributeEnvironment = "deployment.environment.name"
	attributeVersion     = "service.version"
	attributeInstance    = "service.instance.id"
	attributeHost        = "host.name"
	attributeContainer   = "container.id"
	attributeLanguage    = "telemetry.sdk.language"
	attributeSDK         = "telemetry.sdk.name"
	attributeSDKVersion  = "telemetry.sdk.version"
)

var kinds = map[string]plait.SpanKind{
	"server": plait.SpanKindServer, "client": plait.SpanKindClient, "producer": plait.SpanKindProducer,
	"consumer": plait.SpanKindConsumer, "internal": plait.SpanKindInternal,
}

// types tells of the types of spans which kind one is that does not say so, and whether its resource is a statement
// with values in it, which is no name.
var types = map[string]struct {
	kind      plait.SpanKind
	statement bool
}{
	"web": {plait.SpanKindServer, false}, "http": {plait.SpanKindClient, false},
	"sql": {plait.SpanKindClient, true}, "db": {plait.SpanKindClient, true}, "cassandra": {plait.SpanKindClient, true},
	"redis": {plait.SpanKindClient, true}, "valkey": {plait.SpanKindClient, true}, "memcached": {plait.SpanKindClient, true},
	"mongodb": {plait.SpanKindClient, true}, "elasticsearch": {plait.SpanKindClient, true}, "opensearch": {plait.SpanKindClient, true},
}

// high is the upper half of the trace's id, where the span tells it.
func (d *span) high() (uint64, bool) {
	v, ok := d.attributes.Get(keyHigh)
	if !ok {
		return 0, false
	}
	high, err := strconv.ParseUint(v.Str(), 16, 64)
	return high, err == nil
}

// text is an attribute that is a text, empty if there is none.
func (d *span) text(key string) string {
	v, _ := d.attributes.Get(key)
	return v.Str()
}

// plait makes a span of Plait's vocabulary, without resource and scope.
func (d *span) plait() plait.Span {
	s := plait.Span{
		SpanID: plait.SpanIDFromInt64(int64(d.id)), ParentSpanID: plait.SpanIDFromInt64(int64(d.parentID)),
		StartNanos: d.start, EndNanos: later(d.start, d.duration), Links: d.links, Events: d.events,
	}
	binary.BigEndian.PutUint64(s.TraceID[8:], d.traceID)
	if high, ok := d.high(); ok {
		binary.BigEndian.PutUint64(s.TraceID[:8], high)
	}
	t := types[d.kind]
	if s.Kind = kinds[d.text(keyKind)]; s.Kind == plait.SpanKindUnspecified {
		s.Kind = max(t.kind, plait.SpanKindInternal)
	}
	if d.failed {
		s.Status = plait.StatusError
		if s.StatusMessage = d.text(keyMessage); s.StatusMessage == "" {
			s.StatusMessage = d.text(keyOldError)
		}
	}
	s.Attributes = make(plait.Attributes, 0, len(d.attributes)+2)
	for _, a := range d.attributes {
		if !d.told(a) {
			s.Attributes = append(s.Attributes, a)
		}
	}
	d.names(&s, t.statement)
	return s
}

// told says whether an attribute is told by a field of the span or by its resource.
func (d *span) told(a plait.Attribute) bool {
	switch a.Key {
	case keyEnv, keyVersion, keyRuntime:
		return true
	case keyKind:
		return kinds[a.Value.Str()] != plait.SpanKindUnspecified
	case keyHigh:
		_, ok := d.high()
		return ok
	}
	return false
}

// names names the span after its resource ("GET /cart"), which is what OpenTelemetry calls a name. What Datadog calls
// one ("http.request") is an attribute. A statement is not fit for a name, so the two change places.
func (d *span) names(s *plait.Span, statement bool) {
	name, other, key := d.resource, d.name, attributeOperation
	if statement && d.name != "" || name == "" {
		name, other, key = d.name, d.resource, attributeResource
	}
	s.Name = name
	if other != "" && other != name {
		s.Attributes = append(s.Attributes, plait.Attribute{Key: key, Value: plait.StringValue(other)})
	}
	if d.kind != "" {
		s.Attributes = append(s.Attributes, plait.Attribute{Key: attributeType, Value: plait.StringValue(d.kind)})
	}
}

// later adds a duration, as far as int64 goes.
func later(start, duration int64) int64 {
	if end := start + duration; duration <= 0 || end > start {
		return end
	}
	return math.MaxInt64
}

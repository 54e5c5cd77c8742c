// Package zipkin reads Zipkin v2 JSON into Plait's vocabulary, and writes it. It is pure.
package zipkin

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strings"

	"github.com/plaithq/plait"
)

// span is a span of Zipkin's v2 API (zipkin-api, zipkin2-api.yaml). Times are microseconds.
type span struct {
	TraceID        string            `json:"traceId"`
	ID             string            `json:"id"`
	ParentID       string            `json:"parentId"`
	Kind           string            `json:"kind"`
	Name           string            `json:"name"`
	Timestamp      micros            `json:"timestamp"`
	Duration       micros            `json:"duration"`
	LocalEndpoint  *endpoint         `json:"localEndpoint"`
	RemoteEndpoint *endpoint         `json:"remoteEndpoint"`
	Annotations    []annotation      `json:"annotations"`
	Tags           map[string]string `json:"tags"`
	Debug          bool              `json:"debug"`
	Shared         bool              `json:"shared"`

	// BinaryAnnotations are of version 1, where tags were called so.
	BinaryAnnotations json.RawMessage `json:"binaryAnnotations"`
}

type endpoint struct {
	ServiceName string `json:"serviceName"`
	IPv4        string `json:"ipv4"`
	IPv6        string `json:"ipv6"`
	Port        int    `json:"port"`
}

type annotation struct {
	Timestamp micros `json:"timestamp"`
	Value     string `json:"value"`
	// Endpoint is of version 1, where each annotation had one.
	Endpoint json.RawMessage `json:"endpoint"`
}

// first reports whether the span is as version 1 of Zipkin's API has them. Read as one of version 2 it
// would have neither service nor times.
func (z *span) first() bool {
	if z.BinaryAnnotations != nil {
		return true
	}
	for i := range z.Annotations {
		if z.Annotations[i].Endpoint != nil {
			return true
		}
	}
	return false
}

// micros is a number of microseconds; some senders write it with a fraction.
type micros float64

// nanos converts, clamped to what int64 nanoseconds hold.
func (m micros) nanos() int64 {
	whole := math.Trunc(float64(m))
	if math.Abs(whole) > math.MaxInt64/1000 {
		return math.MaxInt64
	}
	return int64(whole)*1000 + int64(math.Round((float64(m)-whole)*1000))
}

// kinds are Zipkin's kinds; a span without one is local.
var kinds = map[string]plait.SpanKind{
	"":         plait.SpanKindInternal,
	"CLIENT":   plait.SpanKindClient,
	"SERVER":   plait.SpanKindServer,
	"PRODUCER": plait.SpanKindProducer,
	"CONSUMER": plait.SpanKindConsumer,
}

// DecodeJSON reads a JSON array of v2 spans. A span that cannot be read is left out and told in Refused. An
// error wraps plait.ErrInvalid: the array is none, or its spans are those of version 1.
func DecodeJSON(body []byte) (*plait.Traces, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, plait.Errorf(plait.ErrInvalid, "read Zipkin v2 JSON: %w", err)
	}
	d := decoder{resources: map[string]*plait.Resource{}, scope: &plait.Scope{}}
	out := &plait.Traces{Spans: make([]plait.Span, 0, len(list))}
	for i, raw := range list {
		var z span
		err := json.Unmarshal(raw, &z)
		if err == nil && z.first() {
			return nil, plait.Errorf(plait.ErrInvalid, "span %d is of Zipkin's version 1 (it has binaryAnnotations, or annotations with an endpoint): "+
				"send version 2", i)
		}
		var s plait.Span
		if err == nil {
			s, err = d.span(&z)
		}
		if err != nil {
			refuse(out, fmt.Sprintf("span %d (%.64q): %v", i, z.Name, err))
			continue
		}
		out.Spans = append(out.Spans, s)
	}
	if len(out.Spans) == 0 && len(out.Refused) > 0 {
		return nil, plait.Errorf(plait.ErrInvalid, "no span could be read: %s", out.Refused[0].Reason)
	}
	return out, nil
}

// maxReasons bounds the refusals whose reasons are kept.
const maxReasons = 16

// refuse notes that a span is left out.
func refuse(out *plait.Traces, reason string) {
	if last := len(out.Refused) - 1; last >= maxReasons {
		out.Refused[last].Count++
		return
	}
	out.Refused = append(out.Refused, plait.Refusal{Count: 1, Reason: reason})
}

// decoder shares resources between the spans of one request.
type decoder struct {
	resources map[string]*plait.Resource
	scope     *plait.Scope
}

func (d *decoder) span(z *span) (plait.Span, error) {
	kind, ok := kinds[strings.TrimPrefix(strings.ToUpper(z.Kind), "SPAN_KIND_")]
	if !ok {
		return plait.Span{}, plait.Errorf(plait.ErrInvalid, "kind %.32q is none of Zipkin's", z.Kind)
	}
	start := z.start()
	if start == 0 {
		return plait.Span{}, plait.Errorf(plait.ErrInvalid, "it has neither a timestamp nor annotations with one")
	}
	s := plait.Span{
		Name:       z.Name,
		StartNanos: start,
		Kind:       kind,
		Resource:   d.resource(z.LocalEndpoint),
		Scope:      d.scope,
	}
	s.EndNanos = later(s.StartNanos, z.Duration.nanos())
	var err error
	if s.TraceID, err = traceID(z.TraceID); err != nil {
		return s, err
	}
	if s.SpanID, err = spanID("id", z.ID); err != nil {
		return s, err
	}
	if z.ParentID != "" {
		if s.ParentSpanID, err = spanID("parentId", z.ParentID); err != nil {
			return s, err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(z.Tags)) {
		s.Attributes = append(s.Attributes, text(key, z.Tags[key]))
	}
	s.Attributes = append(s.Attributes, peer(z.RemoteEndpoint)...)
	if z.Shared {
		s.Attributes = append(s.Attributes, plait.Attribute{Key: attributeShared, Value: plait.BoolValue(true)})
	}
	if z.Debug {
		s.Attributes = append(s.Attributes, plait.Attribute{Key: attributeDebug, Value: plait.BoolValue(true)})
	}
	// Zipkin: the presence of the tag is the error, whatever its text
	if message, failed := z.Tags[tagError]; failed {
		s.Status, s.StatusMessage = plait.StatusError, message
	}
	for _, a := range z.Annotations {
		s.Events = append(s.Events, plait.Event{TimeNanos: a.Timestamp.nanos(), Name: a.Value})
	}
	return s, nil
}

// start is the span's start, or the time of its first annotation when a reporter has seen only a part of
// the span; 0 when nobody knows.
func (z *span) start() int64 {
	start := z.Timestamp.nanos()
	for i := range z.Annotations {
		if at := z.Annotations[i].Timestamp.nanos(); z.Timestamp == 0 && at != 0 && (start == 0 || at < start) {
			start = at
		}
	}
	return start
}

// later adds a duration, as far as int64 goes.
func later(start, duration int64) int64 {
	if end := start + duration; duration <= 0 || end > start {
		return end
	}
	return math.MaxInt64
}

func (d *decoder) resource(local *endpoint) *plait.Resource {
	if local == nil {
		local = &endpoint{}
	}
	key := fmt.Sprint(*local)
	if r, ok := d.resources[key]; ok {
		return r
	}
	r := &plait.Resource{}
	if local.ServiceName != "" {
		r.Attributes = append(r.Attributes, text(attributeService, local.ServiceName))
	}
	if ip := local.address(); ip != "" {
		r.Attributes = append(r.Attributes, text(attributeHostIP, ip))
	}
	d.resources[key] = r
	return r
}

// peer is the remote endpoint in OpenTelemetry's words.
func peer(remote *endpoint) plait.Attributes {
	if remote == nil {
		return nil
	}
	var out plait.Attributes
	if remote.ServiceName != "" {
		out = append(out, text(attributePeer, remote.ServiceName))
	}
	if ip := remote.address(); ip != "" {
		out = append(out, text(attributeAddress, ip))
	}
	if remote.Port > 0 {
		out = append(out, plait.Attribute{Key: attributePort, Value: plait.IntValue(int64(remote.Port))})
	}
	return out
}

func (e *endpoint) address() string {
	for _, ip := range []string{e.IPv4, e.IPv6} {
		if _, err := netip.ParseAddr(ip); err == nil {
			return ip
		}
	}
	return ""
}

func text(key, value string) plait.Attribute {
	return plait.Attribute{Key: key, Value: plait.StringValue(value)}
}

// traceID reads 1 to 32 hex digits; 64-bit ids are padded on the left, as B3 has them.
func traceID(s string) (plait.TraceID, error) {
	var id plait.TraceID
	if s == "" || len(s) > 32 {
		return id, plait.Errorf(plait.ErrInvalid, "traceId %q is not 16 or 32 hex digits", s)
	}
	if err := id.UnmarshalText([]byte(strings.Repeat("0", 32-len(s)) + s)); err != nil {
		return id, fmt.Errorf("traceId: %w", err)
	}
	return id, nil
}

func spanID(field, s string) (plait.SpanID, error) {
	var id plait.SpanID
	if s == "" || len(s) > 16 {
		return id, plait.Errorf(plait.ErrInvalid, "%s %q is not 16 hex digits", field, s)
	}
	if err := id.UnmarshalText([]byte(strings.Repeat("0", 16-len(s)) + s)); err != nil {
		return id, fmt.Errorf("%s: %w", field, err)
	}
	return id, nil
}

package zipkin

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"unsafe"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/batch"
)

// span is a span as Zipkin's API has it, of either version. Times and durations are nanoseconds.
type span struct {
	traceID        plait.TraceID
	id             plait.SpanID
	parentID       plait.SpanID
	kind           plait.SpanKind
	name           string
	timestamp      int64
	duration       int64
	localEndpoint  *endpoint
	remoteEndpoint *endpoint
	annotations    []annotation
	tags           []tag
	debug          bool
	shared         bool

	problem error // the first that makes the span unusable
	first   bool  // it is of version 1
}

type endpoint struct {
	serviceName string
	ipv4        string
	ipv6        string
	port        int64
}

type annotation struct {
	nanos    int64
	value    string
	endpoint *endpoint // of version 1, where each annotation had one
}

// tag is a tag, or in version 1 a binary annotation.
type tag struct {
	key, value string
	endpoint   *endpoint // of version 1
	truth      bool      // the value is true, by which version 1 marks the address of the other side
}

// What a tag and an annotation cost while a span is read, in bytes: lists grow by copying, and version 1 has an
// endpoint with each.
const (
	tagCost        = 2*int(unsafe.Sizeof(tag{})) + int(unsafe.Sizeof(endpoint{}))
	annotationCost = 2*int(unsafe.Sizeof(annotation{})) + int(unsafe.Sizeof(endpoint{}))
)

// kinds are Zipkin's kinds by name; a span without one is local.
var kinds = map[string]plait.SpanKind{
	"":         plait.SpanKindInternal,
	"CLIENT":   plait.SpanKindClient,
	"SERVER":   plait.SpanKindServer,
	"PRODUCER": plait.SpanKindProducer,
	"CONSUMER": plait.SpanKindConsumer,
}

// fail notes what makes a span unusable.
func (z *span) fail(err error) {
	if z.problem == nil {
		z.problem = err
	}
}

// nanosOf is a number of microseconds in nanoseconds, clamped to what int64 holds.
func nanosOf(micros float64) int64 {
	whole := math.Trunc(micros)
	switch {
	case whole > math.MaxInt64/1000:
		return math.MaxInt64
	case whole < math.MinInt64/1000 || whole != whole:
		return math.MinInt64
	}
	return int64(whole)*1000 + int64(math.Round((micros-whole)*1000))
}

// decoder gathers a request.
type decoder struct {
	*batch.Spans
	index int // of the span that is read
}

func newDecoder(claim func(int64) error) decoder {
	return decoder{Spans: batch.New(claim)}
}

// take adds a span, or both sides of one of version 1, or refuses it. made is the bytes of its strings that do
// not alias the body. The error is the claim's.
func (d *decoder) take(z *span, made int) error {
	index := d.index
	d.index++
	sides := []span{*z}
	if z.first && z.problem == nil {
		sides = z.sides()
	}
	for i := range sides {
		s := &sides[i]
		if s.problem == nil && s.start() == 0 {
			s.fail(plait.Errorf(plait.ErrInvalid, "it has neither a timestamp nor annotations with one"))
		}
		if s.problem != nil {
			d.Refuse(func() string { return fmt.Sprintf("span %d (%.64q): %v", index, z.name, s.problem) })
			return nil //nolint:nilerr // the sender is told by Refused
		}
		if err := d.add(s, made); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) add(z *span, made int) error {
	resource, err := d.resource(z.localEndpoint)
	if err != nil {
		return err
	}
	start := z.start()
	s := plait.Span{
		TraceID: z.traceID, SpanID: z.id, ParentSpanID: z.parentID, Name: z.name, Kind: z.kind,
		StartNanos: start, EndNanos: later(start, z.duration),
		Resource: resource,
	}
	var otel otelReader
	s.Attributes = make(plait.Attributes, 0, len(z.tags)+5)
	slices.SortStableFunc(z.tags, func(a, b tag) int { return strings.Compare(a.key, b.key) })
	for _, t := range z.tags {
		if otel.tag(&s, t) {
			continue
		}
		s.Attributes = append(s.Attributes, text(t.key, t.value))
		// Zipkin: the presence of the tag is the error, whatever its text
		if t.key == tagError {
			s.Status, s.StatusMessage = plait.StatusError, t.value
		}
	}
	s.Attributes = append(s.Attributes, peer(z.remoteEndpoint)...)
	if z.shared {
		s.Attributes = append(s.Attributes, plait.Attribute{Key: attributeShared, Value: plait.BoolValue(true)})
	}
	if z.debug {
		s.Attributes = append(s.Attributes, plait.Attribute{Key: attributeDebug, Value: plait.BoolValue(true)})
	}
	if len(z.annotations) > 0 {
		s.Events = make([]plait.Event, 0, len(z.annotations))
	}
	for _, a := range z.annotations {
		s.Events = append(s.Events, otel.event(a))
	}
	if s.Scope, err = d.Scope(otel.scopeName, otel.scopeVersion); err != nil {
		return err
	}
	return d.Add(&s, made+otel.made)
}

// start is the span's start, or the time of its first annotation when a reporter has seen only a part of
// the span; 0 when nobody knows.
func (z *span) start() int64 {
	start := z.timestamp
	for i := range z.annotations {
		if at := z.annotations[i].nanos; z.timestamp == 0 && at != 0 && (start == 0 || at < start) {
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

func (d *decoder) resource(local *endpoint) (*plait.Resource, error) {
	if local == nil {
		local = &endpoint{}
	}
	return d.Resource(local.serviceName+"\x00"+local.address(), func() plait.Attributes {
		var out plait.Attributes
		if local.serviceName != "" {
			out = append(out, text(attributeService, local.serviceName))
		}
		if ip := local.address(); ip != "" {
			out = append(out, text(attributeHostIP, ip))
		}
		return out
	})
}

// peer is the remote endpoint in OpenTelemetry's words.
func peer(remote *endpoint) plait.Attributes {
	if remote == nil {
		return nil
	}
	var out plait.Attributes
	if remote.serviceName != "" {
		out = append(out, text(attributePeer, remote.serviceName))
	}
	if ip := remote.address(); ip != "" {
		out = append(out, text(attributeAddress, ip))
	}
	if remote.port > 0 {
		out = append(out, plait.Attribute{Key: attributePort, Value: plait.IntValue(remote.port)})
	}
	return out
}

func (e *endpoint) address() string {
	for _, ip := range []string{e.ipv4, e.ipv6} {
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
		return id, plait.Errorf(plait.ErrInvalid, "traceId %.64q is not 16 or 32 hex digits", s)
	}
	if err := id.UnmarshalText([]byte(strings.Repeat("0", 32-len(s)) + s)); err != nil {
		return id, fmt.Errorf("traceId: %w", err)
	}
	return id, nil
}

func spanID(field, s string) (plait.SpanID, error) {
	var id plait.SpanID
	if s == "" || len(s) > 16 {
		return id, plait.Errorf(plait.ErrInvalid, "%s %.64q is not 16 hex digits", field, s)
	}
	if err := id.UnmarshalText([]byte(strings.Repeat("0", 16-len(s)) + s)); err != nil {
		return id, fmt.Errorf("%s: %w", field, err)
	}
	return id, nil
}

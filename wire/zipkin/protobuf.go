package zipkin

import (
	"encoding/hex"
	"math"
	"net/netip"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/batch"
	"github.com/plaithq/plait/wire/protobuf"
)

// Tags of zipkin.proto3 (zipkin-api, zipkin.proto) and what is in it.
const (
	listSpans protobuf.Tag = 1<<3 | protobuf.Bytes

	spanTraceID        protobuf.Tag = 1<<3 | protobuf.Bytes
	spanParentID       protobuf.Tag = 2<<3 | protobuf.Bytes
	spanSpanID         protobuf.Tag = 3<<3 | protobuf.Bytes
	spanKind           protobuf.Tag = 4<<3 | protobuf.Varint
	spanName           protobuf.Tag = 5<<3 | protobuf.Bytes
	spanTimestamp      protobuf.Tag = 6<<3 | protobuf.Fixed64
	spanDuration       protobuf.Tag = 7<<3 | protobuf.Varint
	spanLocalEndpoint  protobuf.Tag = 8<<3 | protobuf.Bytes
	spanRemoteEndpoint protobuf.Tag = 9<<3 | protobuf.Bytes
	spanAnnotations    protobuf.Tag = 10<<3 | protobuf.Bytes
	spanTags           protobuf.Tag = 11<<3 | protobuf.Bytes
	spanDebug          protobuf.Tag = 12<<3 | protobuf.Varint
	spanShared         protobuf.Tag = 13<<3 | protobuf.Varint

	endpointService protobuf.Tag = 1<<3 | protobuf.Bytes
	endpointIPv4    protobuf.Tag = 2<<3 | protobuf.Bytes
	endpointIPv6    protobuf.Tag = 3<<3 | protobuf.Bytes
	endpointPort    protobuf.Tag = 4<<3 | protobuf.Varint

	annotationTime  protobuf.Tag = 1<<3 | protobuf.Fixed64
	annotationValue protobuf.Tag = 2<<3 | protobuf.Bytes

	pairKey   protobuf.Tag = 1<<3 | protobuf.Bytes
	pairValue protobuf.Tag = 2<<3 | protobuf.Bytes
)

// kindNumbers are the kinds as protobuf numbers them.
var kindNumbers = []plait.SpanKind{
	plait.SpanKindInternal, plait.SpanKindClient, plait.SpanKindServer, plait.SpanKindProducer, plait.SpanKindConsumer,
}

// DecodeProtobuf reads a ListOfSpans, as DecodeJSON does an array.
func DecodeProtobuf(body []byte, claim func(bytes int64) error) (*plait.Traces, error) {
	d := newDecoder(claim)
	f := protobuf.Of(batch.Text(body))
	for f.Next() {
		if f.Tag != listSpans {
			continue
		}
		var z span
		if err := z.read(f.Message(), d.Take); err != nil {
			return nil, err
		}
		if err := d.take(&z, 0); err != nil {
			return nil, err
		}
	}
	if f.Err != nil {
		return nil, malformed(f.Err)
	}
	return d.Result()
}

func malformed(err error) error {
	return plait.Errorf(plait.ErrInvalid, "read Zipkin protobuf: %w", err)
}

// read reads a span, and asks for the memory of its lists. The error is malformed's, or that of memory.
func (z *span) read(f protobuf.Fields, memory func(bytes int) error) error {
	var trace, id, parent string
	z.kind = plait.SpanKindInternal
	for f.Next() {
		switch f.Tag {
		case spanTraceID:
			trace = f.Text()
		case spanParentID:
			parent = f.Text()
		case spanSpanID:
			id = f.Text()
		case spanKind:
			if f.Num >= uint64(len(kindNumbers)) {
				z.fail(plait.Errorf(plait.ErrInvalid, "kind %d is none of Zipkin's", f.Num))
				continue
			}
			z.kind = kindNumbers[f.Num]
		case spanName:
			z.name = f.Text()
		case spanTimestamp:
			z.timestamp = wholeMicros(f.Num)
		case spanDuration:
			z.duration = wholeMicros(f.Num)
		case spanDebug:
			z.debug = f.Num != 0
		case spanShared:
			z.shared = f.Num != 0
		default:
			if err := z.readNested(&f, memory); err != nil {
				return err
			}
		}
	}
	if f.Err != nil {
		return malformed(f.Err)
	}
	z.identifyBytes(trace, id, parent)
	return nil
}

// readNested reads a field that is a message.
func (z *span) readNested(f *protobuf.Fields, memory func(bytes int) error) (err error) {
	m := f.Message()
	switch f.Tag {
	case spanLocalEndpoint:
		z.localEndpoint, err = readEndpoint(m)
		return err
	case spanRemoteEndpoint:
		z.remoteEndpoint, err = readEndpoint(m)
		return err
	case spanAnnotations:
		var a annotation
		for m.Next() {
			switch m.Tag {
			case annotationTime:
				a.nanos = wholeMicros(m.Num)
			case annotationValue:
				a.value = m.Text()
			}
		}
		z.annotations = append(z.annotations, a)
		err = memory(annotationCost)
	case spanTags:
		var t tag
		for m.Next() {
			switch m.Tag {
			case pairKey:
				t.key = m.Text()
			case pairValue:
				t.value = m.Text()
			}
		}
		z.tags = append(z.tags, t)
		err = memory(tagCost)
	}
	if m.Err != nil {
		return malformed(m.Err)
	}
	return err
}

// identifyBytes takes the ids, which are 8 bytes, of a trace 8 or 16.
func (z *span) identifyBytes(trace, id, parent string) {
	if n := len(trace); n != 8 && n != 16 {
		z.fail(plait.Errorf(plait.ErrInvalid, "trace_id has %d bytes, want 8 or 16", n))
		return
	}
	copy(z.traceID[16-len(trace):], trace)
	for _, field := range []struct {
		name, bytes string
		id          *plait.SpanID
	}{{"id", id, &z.id}, {"parent_id", parent, &z.parentID}} {
		switch n := len(field.bytes); {
		case n == 8:
			copy(field.id[:], field.bytes)
		case n > 0 || field.name == "id":
			z.fail(plait.Errorf(plait.ErrInvalid, "%s %q has %d bytes, want 8", field.name, hex.EncodeToString([]byte(field.bytes[:min(n, 16)])), n))
		}
	}
}

func readEndpoint(f protobuf.Fields) (*endpoint, error) {
	e := &endpoint{}
	for f.Next() {
		switch f.Tag {
		case endpointService:
			e.serviceName = f.Text()
		case endpointIPv4:
			e.ipv4 = address(f.Text())
		case endpointIPv6:
			e.ipv6 = address(f.Text())
		case endpointPort:
			e.port = int64(int32(f.Num))
		}
	}
	if f.Err != nil {
		return nil, malformed(f.Err)
	}
	return e, nil
}

// address is the text of an IP address's bytes, empty if they are none.
func address(raw string) string {
	if ip, ok := netip.AddrFromSlice([]byte(raw)); ok {
		return ip.Unmap().String() // the Collector writes addresses of version 4 into the field of version 6
	}
	return ""
}

// wholeMicros is microseconds in nanoseconds, as far as int64 goes.
func wholeMicros(micros uint64) int64 {
	if micros > math.MaxInt64/1000 {
		return math.MaxInt64
	}
	return int64(micros) * 1000
}

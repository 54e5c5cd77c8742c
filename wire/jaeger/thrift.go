package jaeger

import (
	"encoding/binary"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/batch"
	"github.com/plaithq/plait/wire/thrift"
)

// DecodeThrift reads a Batch in Thrift's binary protocol (jaeger-idl, jaeger.thrift). Spans may alias the body. Memory
// for them is asked for of claim, whose error ends the decoding; claim may be nil. Other errors wrap plait.ErrInvalid:
// Thrift does not tell where the next span begins behind one that cannot be read, so one mistake is the whole batch's.
func DecodeThrift(body []byte, claim func(bytes int64) error) (*plait.Traces, error) {
	return decodeThrift(thrift.Binary(batch.Text(body)), claim)
}

// DecodeCompactThrift is DecodeThrift for the compact protocol.
func DecodeCompactThrift(body []byte, claim func(bytes int64) error) (*plait.Traces, error) {
	return decodeThrift(thrift.Compact(batch.Text(body)), claim)
}

func decodeThrift(r thrift.Reader, claim func(int64) error) (*plait.Traces, error) {
	b := batch.New(claim)
	t := thriftReader{Reader: r, batch: b}
	t.readBatch()
	if t.refused != nil {
		return nil, t.refused
	}
	if t.End(); t.Err != nil {
		return nil, plait.Errorf(plait.ErrInvalid, "read Jaeger Thrift: %w", t.Err)
	}
	return b.Result()
}

// thriftReader reads a batch.
type thriftReader struct {
	thrift.Reader
	batch   *batch.Spans
	refused error // of the memory
}

// check ends the reading with an error of the memory.
func (t *thriftReader) check(err error) {
	if err != nil && t.refused == nil {
		t.refused = err
		t.Fail("the reading was ended")
	}
}

func (t *thriftReader) take(bytes int) { t.check(t.batch.Take(bytes)) }

// readBatch hands over each span as it is read. The process may be told behind them.
func (t *thriftReader) readBatch() {
	resource := &plait.Resource{}
	for s := (thrift.Struct{}); t.Field(&s); {
		switch {
		case s.Is(1, thrift.Object):
			resource.Attributes = t.process()
		case s.Is(2, thrift.List):
			for n := t.objects(); t.Item(&n); {
				if j := t.span(); t.Err == nil {
					t.check(j.add(t.batch, resource))
				}
			}
		default:
			t.Skip(s.Type)
		}
	}
}

// objects reads the head of a list of structs.
func (t *thriftReader) objects() int {
	item, n := t.Len()
	if item != thrift.Object && n > 0 {
		t.Fail("want a list of structs")
	}
	return n
}

func (t *thriftReader) process() plait.Attributes {
	var p process
	for s := (thrift.Struct{}); t.Field(&s); {
		switch {
		case s.Is(1, thrift.String):
			p.service = t.Text()
		case s.Is(2, thrift.List):
			p.tags = t.tags(p.tags)
		default:
			t.Skip(s.Type)
		}
	}
	t.take(tagCost * (1 + len(p.tags)))
	return p.attributes()
}

func (t *thriftReader) span() (j span) {
	var low, high int64
	for s := (thrift.Struct{}); t.Field(&s); {
		switch {
		case s.Is(1, thrift.I64):
			low = t.Int(s.Type)
		case s.Is(2, thrift.I64):
			high = t.Int(s.Type)
		case s.Is(3, thrift.I64):
			j.id = plait.SpanIDFromInt64(t.Int(s.Type))
		case s.Is(4, thrift.I64):
			j.parentID = plait.SpanIDFromInt64(t.Int(s.Type))
		case s.Is(5, thrift.String):
			j.name = t.Text()
		case s.Is(6, thrift.List):
			for n := t.objects(); t.Item(&n); {
				j.references = append(j.references, t.reference())
				t.take(referenceCost)
			}
		case s.Is(7, thrift.I32):
			j.flags = uint64(t.Int(s.Type))
		case s.Is(8, thrift.I64):
			j.start = nanosOf(t.Int(s.Type))
		case s.Is(9, thrift.I64):
			j.duration = nanosOf(t.Int(s.Type))
		case s.Is(10, thrift.List):
			j.tags = t.tags(j.tags)
		case s.Is(11, thrift.List):
			for n := t.objects(); t.Item(&n); {
				j.logs = append(j.logs, t.log())
				t.take(logCost)
			}
		default:
			t.Skip(s.Type)
		}
	}
	j.traceID = traceID(high, low)
	return j
}

func (t *thriftReader) reference() (r reference) {
	var low, high int64
	for s := (thrift.Struct{}); t.Field(&s); {
		switch {
		case s.Is(1, thrift.I32):
			r.follows = t.Int(s.Type) == 1
		case s.Is(2, thrift.I64):
			low = t.Int(s.Type)
		case s.Is(3, thrift.I64):
			high = t.Int(s.Type)
		case s.Is(4, thrift.I64):
			r.id = plait.SpanIDFromInt64(t.Int(s.Type))
		default:
			t.Skip(s.Type)
		}
	}
	r.traceID = traceID(high, low)
	return r
}

func (t *thriftReader) log() (l log) {
	for s := (thrift.Struct{}); t.Field(&s); {
		switch {
		case s.Is(1, thrift.I64):
			l.nanos = nanosOf(t.Int(s.Type))
		case s.Is(2, thrift.List):
			l.fields = t.tags(l.fields)
		default:
			t.Skip(s.Type)
		}
	}
	return l
}

// tags appends a list of tags.
func (t *thriftReader) tags(out plait.Attributes) plait.Attributes {
	for n := t.objects(); t.Item(&n); {
		out = append(out, t.tag())
		t.take(tagCost)
	}
	return out
}

// tag reads a key with its value, for which there is a field of each type. The tag says which of them counts: Jaeger's
// client for Node.js writes all of them.
func (t *thriftReader) tag() (a plait.Attribute) {
	var values [tagTypes]plait.Value
	values[tagString] = plait.StringValue("")
	kind := int64(tagString)
	for s := (thrift.Struct{}); t.Field(&s); {
		switch {
		case s.Is(1, thrift.String):
			a.Key = t.Text()
		case s.Is(2, thrift.I32):
			kind = t.Int(s.Type)
		case s.Is(3, thrift.String):
			values[tagString] = plait.StringValue(t.Text())
		case s.Is(4, thrift.Double):
			values[tagDouble] = plait.DoubleValue(t.Double())
		case s.Is(5, thrift.Bool):
			values[tagBool] = plait.BoolValue(t.Bool())
		case s.Is(6, thrift.I64):
			values[tagLong] = plait.IntValue(t.Int(s.Type))
		case s.Is(7, thrift.String):
			values[tagBinary] = plait.BytesValue(t.Text())
		default:
			t.Skip(s.Type)
		}
	}
	if kind >= 0 && kind < tagTypes {
		a.Value = values[kind]
	}
	return a
}

// The types of tags as jaeger.thrift numbers them.
const (
	tagString = iota
	tagDouble
	tagBool
	tagLong
	tagBinary
	tagTypes
)

func traceID(high, low int64) (id plait.TraceID) {
	binary.BigEndian.PutUint64(id[:8], uint64(high))
	binary.BigEndian.PutUint64(id[8:], uint64(low))
	return id
}

package otlp

import (
	"unsafe"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/protobuf"
)

// An OTLP message of two bytes can decode to a struct of two hundred: a body of empty spans
// grows a hundredfold. Before a body is decoded it is walked, and what its records and attributes
// will take is added up, so that a budget holds for hostile bodies too. The walk looks at the tags
// of records and skips their contents. What is in JSON, of metrics, or an array or map in an
// attribute, the decoder accounts for itself.

// WeighTraces returns the bytes that DecodeTraces will take beside the body. Of a malformed request
// it weighs what comes before the mistake: the decoder says what is wrong.
func WeighTraces(body []byte) int64 { return traceShape.weigh(protobuf.Of(view(body))) }

// WeighLogs is for logs what WeighTraces is for traces.
func WeighLogs(body []byte) int64 { return logsShape.weigh(protobuf.Of(view(body))) }

// shape is the part of a message type that matters for memory: the size of what it decodes
// to and the fields that hold messages with a shape of their own.
type shape struct {
	bytes  int64
	fields *fieldShapes // nil when there are none
}

// fieldShapes is shapes by field number.
type fieldShapes [16]*shape

var (
	attributeShape = &shape{bytes: int64(unsafe.Sizeof(plait.Attribute{}))}
	resourceShape  = &shape{bytes: int64(unsafe.Sizeof(plait.Resource{})), fields: &fieldShapes{1: attributeShape}}
	scopeShape     = &shape{bytes: int64(unsafe.Sizeof(plait.Scope{})), fields: &fieldShapes{3: attributeShape}}

	traceShape = requestShape(&shape{bytes: int64(unsafe.Sizeof(plait.Span{})), fields: &fieldShapes{
		9:  attributeShape,
		11: {bytes: int64(unsafe.Sizeof(plait.Event{})), fields: &fieldShapes{3: attributeShape}},
		13: {bytes: int64(unsafe.Sizeof(plait.Link{})), fields: &fieldShapes{4: attributeShape}},
	}})
	logsShape = requestShape(&shape{bytes: int64(unsafe.Sizeof(plait.LogRecord{})), fields: &fieldShapes{6: attributeShape}})
)

// requestShape is an export request: batches by resource, by scope, of records.
func requestShape(record *shape) *shape {
	scoped := &shape{fields: &fieldShapes{1: scopeShape, 2: record}}
	return &shape{fields: &fieldShapes{1: {fields: &fieldShapes{1: resourceShape, 2: scoped}}}}
}

// weigh returns the bytes that the decoded message will take.
func (s *shape) weigh(f protobuf.Fields) int64 {
	total := s.bytes
	for f.Next() {
		if f.Tag&7 != protobuf.Bytes || f.Tag>>3 >= protobuf.Tag(len(s.fields)) {
			continue
		}
		switch inner := s.fields[f.Tag>>3]; {
		case inner == nil:
		case inner.fields == nil:
			total += inner.bytes * int64(1+f.PassRun())
		default:
			total += inner.weigh(f.Message())
		}
	}
	return total
}

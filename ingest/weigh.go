package ingest

import (
	"encoding/binary"
	"unsafe"

	"github.com/plaithq/plait"
)

// An OTLP message of two bytes can decode to a struct of two hundred: a body of empty spans
// grows a hundredfold. weigh walks a protobuf body before it is decoded and adds up what its
// records and attributes will take, so that the budget holds for hostile bodies too. It looks at
// the tags of records and skips their contents. What is in JSON, of metrics, or an array or map in
// an attribute, the decoder accounts for itself.

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

	spanShape = &shape{bytes: int64(unsafe.Sizeof(plait.Span{})), fields: &fieldShapes{
		9:  attributeShape,
		11: {bytes: int64(unsafe.Sizeof(plait.Event{})), fields: &fieldShapes{3: attributeShape}},
		13: {bytes: int64(unsafe.Sizeof(plait.Link{})), fields: &fieldShapes{4: attributeShape}},
	}}
	logShape = &shape{bytes: int64(unsafe.Sizeof(plait.LogRecord{})), fields: &fieldShapes{6: attributeShape}}
)

// requestShape is an export request: batches by resource, by scope, of records.
func requestShape(record *shape) *shape {
	scoped := &shape{fields: &fieldShapes{1: scopeShape, 2: record}}
	return &shape{fields: &fieldShapes{1: {fields: &fieldShapes{1: resourceShape, 2: scoped}}}}
}

// weigh returns the bytes that the decoded message will take. It stops where the message is
// malformed: the decoder says what is wrong with it.
func (s *shape) weigh(msg []byte) int64 {
	total := s.bytes
	for at := 0; at < len(msg); {
		var tag uint64
		var size, next int
		if len(msg)-at >= 2 && msg[at]&0x87 == wireBytes && msg[at+1] < 0x80 {
			tag, size, next = uint64(msg[at]), int(msg[at+1]), at+2 // as nearly all fields are; a third of the time
		} else {
			tag, next = varint(msg, at)
			size, next = fieldSize(msg, next, tag&7)
		}
		if size < 0 || size > len(msg)-next {
			break
		}
		at = next + size
		field := tag >> 3
		if tag&7 != wireBytes || field >= uint64(len(s.fields)) {
			continue
		}
		switch inner := s.fields[field]; {
		case inner == nil:
		case inner.fields == nil:
			total += inner.bytes
		default:
			total += inner.weigh(msg[next:at])
		}
	}
	return total
}

// The wire types of protobuf that messages of today use.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

// fieldSize returns the size of a field's contents and where they begin, or a negative size when
// they are malformed.
func fieldSize(msg []byte, at int, wire uint64) (size, next int) {
	switch wire {
	case wireVarint:
		_, next = varint(msg, at)
		return 0, next
	case wireFixed64:
		return 8, at
	case wireFixed32:
		return 4, at
	case wireBytes:
		n, next := varint(msg, at)
		if n > uint64(len(msg)) {
			return -1, at
		}
		return int(n), next
	}
	return -1, at
}

// varint reads one and returns where it ends, which is beyond the message for a malformed one.
func varint(msg []byte, at int) (uint64, int) {
	if at < len(msg) && msg[at] < 0x80 {
		return uint64(msg[at]), at + 1
	}
	if at < len(msg) {
		if v, n := binary.Uvarint(msg[at:]); n > 0 {
			return v, at + n
		}
	}
	return 0, len(msg) + 1
}

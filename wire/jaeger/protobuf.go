package jaeger

import (
	"fmt"
	"math"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/batch"
	"github.com/plaithq/plait/wire/protobuf"
)

// Tags of PostSpansRequest (jaeger-idl, collector.proto and model.proto) and what is in it.
const (
	requestBatch protobuf.Tag = 1<<3 | protobuf.Bytes

	batchSpans   protobuf.Tag = 1<<3 | protobuf.Bytes
	batchProcess protobuf.Tag = 2<<3 | protobuf.Bytes

	spanTraceID    protobuf.Tag = 1<<3 | protobuf.Bytes
	spanSpanID     protobuf.Tag = 2<<3 | protobuf.Bytes
	spanName       protobuf.Tag = 3<<3 | protobuf.Bytes
	spanReferences protobuf.Tag = 4<<3 | protobuf.Bytes
	spanFlags      protobuf.Tag = 5<<3 | protobuf.Varint
	spanStart      protobuf.Tag = 6<<3 | protobuf.Bytes
	spanDuration   protobuf.Tag = 7<<3 | protobuf.Bytes
	spanTags       protobuf.Tag = 8<<3 | protobuf.Bytes
	spanLogs       protobuf.Tag = 9<<3 | protobuf.Bytes
	spanProcess    protobuf.Tag = 10<<3 | protobuf.Bytes

	referenceTrace protobuf.Tag = 1<<3 | protobuf.Bytes
	referenceSpan  protobuf.Tag = 2<<3 | protobuf.Bytes
	referenceType  protobuf.Tag = 3<<3 | protobuf.Varint

	timeSeconds protobuf.Tag = 1<<3 | protobuf.Varint
	timeNanos   protobuf.Tag = 2<<3 | protobuf.Varint

	logTime   protobuf.Tag = 1<<3 | protobuf.Bytes
	logFields protobuf.Tag = 2<<3 | protobuf.Bytes

	pairKey    protobuf.Tag = 1<<3 | protobuf.Bytes
	pairType   protobuf.Tag = 2<<3 | protobuf.Varint
	pairText   protobuf.Tag = 3<<3 | protobuf.Bytes
	pairBool   protobuf.Tag = 4<<3 | protobuf.Varint
	pairInt    protobuf.Tag = 5<<3 | protobuf.Varint
	pairDouble protobuf.Tag = 6<<3 | protobuf.Fixed64
	pairBinary protobuf.Tag = 7<<3 | protobuf.Bytes

	processService protobuf.Tag = 1<<3 | protobuf.Bytes
	processTags    protobuf.Tag = 2<<3 | protobuf.Bytes
)

// DecodeProtobuf reads a PostSpansRequest of Jaeger's gRPC API. A span without a usable id is left out and told in
// Refused. It is as DecodeThrift otherwise.
func DecodeProtobuf(body []byte, claim func(bytes int64) error) (*plait.Traces, error) {
	p := protobufReader{batch: batch.New(claim)}
	f := protobuf.Of(batch.Text(body))
	for f.Next() {
		if f.Tag == requestBatch {
			p.readBatch(f.Message())
		}
	}
	p.end(&f)
	if p.refused != nil {
		return nil, p.refused
	}
	if p.err != nil {
		return nil, plait.Errorf(plait.ErrInvalid, "read Jaeger protobuf: %w", p.err)
	}
	return p.batch.Result()
}

// protobufReader reads a request. Its first error stays; what is read behind it is not used.
type protobufReader struct {
	batch   *batch.Spans
	index   int   // of the span that is read
	err     error // of the reading
	refused error // of the memory
}

// end notes why the reading of a message has ended early, if it has.
func (p *protobufReader) end(f *protobuf.Fields) {
	if p.err == nil {
		p.err = f.Err
	}
}

// next is f.Next until something is wrong.
func (p *protobufReader) next(f *protobuf.Fields) bool {
	if p.err != nil || p.refused != nil {
		return false
	}
	if f.Next() {
		return true
	}
	p.end(f)
	return false
}

func (p *protobufReader) check(err error) {
	if err != nil && p.refused == nil {
		p.refused = err
	}
}

func (p *protobufReader) take(bytes int) { p.check(p.batch.Take(bytes)) }

// readBatch reads the spans of a batch, whose process stands behind them.
func (p *protobufReader) readBatch(f protobuf.Fields) {
	var process protobuf.Fields
	for all := f; p.next(&all); {
		if all.Tag == batchProcess {
			process = all.Message()
		}
	}
	for p.next(&f) {
		if f.Tag == batchSpans {
			p.readSpan(f.Message(), process)
		}
	}
}

// readSpan hands over a span. One that tells its process by itself does not have the batch's.
func (p *protobufReader) readSpan(f, process protobuf.Fields) {
	var j span
	var problem error
	index := p.index
	p.index++
	for p.next(&f) {
		switch f.Tag {
		case spanTraceID:
			problem = firstOf(problem, readID("trace_id", j.traceID[:], f.Text()))
		case spanSpanID:
			problem = firstOf(problem, readID("span_id", j.id[:], f.Text()))
		case spanName:
			j.name = f.Text()
		case spanReferences:
			j.references = append(j.references, p.reference(f.Message()))
			p.take(referenceCost)
		case spanFlags:
			j.flags = f.Num
		case spanStart:
			j.start = p.nanos(f.Message())
		case spanDuration:
			j.duration = p.nanos(f.Message())
		case spanTags:
			j.tags = append(j.tags, p.pair(f.Message()))
			p.take(tagCost)
		case spanLogs:
			j.logs = append(j.logs, p.log(f.Message()))
			p.take(logCost)
		case spanProcess:
			process = f.Message()
		}
	}
	if p.err != nil || p.refused != nil {
		return
	}
	if problem != nil {
		p.batch.Refuse(func() string { return fmt.Sprintf("span %d (%.64q): %v", index, j.name, problem) })
		return
	}
	resource, err := p.batch.Resource(process.Rest(), func() plait.Attributes { return p.process(process) })
	p.check(err)
	if p.err == nil && p.refused == nil {
		p.check(j.add(p.batch, resource))
	}
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// readID reads the bytes of an id: of a trace 16, or the lower 8.
func readID(field string, id []byte, bytes string) error {
	if len(bytes) != len(id) && len(bytes) != len(plait.SpanID{}) {
		return plait.Errorf(plait.ErrInvalid, "%s has %d bytes, want %d", field, len(bytes), len(id))
	}
	copy(id[len(id)-len(bytes):], bytes)
	return nil
}

func (p *protobufReader) process(f protobuf.Fields) plait.Attributes {
	var out process
	for p.next(&f) {
		switch f.Tag {
		case processService:
			out.service = f.Text()
		case processTags:
			out.tags = append(out.tags, p.pair(f.Message()))
			p.take(tagCost)
		}
	}
	return out.attributes()
}

// reference reads a reference. Ids that are none stay zero.
func (p *protobufReader) reference(f protobuf.Fields) (r reference) {
	for p.next(&f) {
		switch f.Tag {
		case referenceTrace:
			_ = readID("trace_id", r.traceID[:], f.Text())
		case referenceSpan:
			_ = readID("span_id", r.id[:], f.Text())
		case referenceType:
			r.follows = f.Num == 1
		}
	}
	return r
}

// nanos reads a time or a duration, as far as int64 goes.
func (p *protobufReader) nanos(f protobuf.Fields) int64 {
	var seconds, nanos int64
	for p.next(&f) {
		switch f.Tag {
		case timeSeconds:
			seconds = int64(f.Num)
		case timeNanos:
			nanos = int64(int32(f.Num))
		}
	}
	const most = math.MaxInt64/1_000_000_000 - 3 // with room for any number of nanoseconds
	return max(min(seconds, most), -most)*1_000_000_000 + nanos
}

func (p *protobufReader) log(f protobuf.Fields) (l log) {
	for p.next(&f) {
		switch f.Tag {
		case logTime:
			l.nanos = p.nanos(f.Message())
		case logFields:
			l.fields = append(l.fields, p.pair(f.Message()))
			p.take(tagCost)
		}
	}
	return l
}

// pair reads a key with its value, whose type says in which field it is. A field that has its zero value is not sent.
func (p *protobufReader) pair(f protobuf.Fields) (a plait.Attribute) {
	var kind uint64
	values := [...]plait.Value{plait.StringValue(""), plait.BoolValue(false), plait.IntValue(0), plait.DoubleValue(0), plait.BytesValue("")}
	for p.next(&f) {
		switch f.Tag {
		case pairKey:
			a.Key = f.Text()
		case pairType:
			kind = f.Num
		case pairText:
			values[0] = plait.StringValue(f.Text())
		case pairBool:
			values[1] = plait.BoolValue(f.Num != 0)
		case pairInt:
			values[2] = plait.IntValue(int64(f.Num))
		case pairDouble:
			values[3] = plait.DoubleValue(math.Float64frombits(f.Num))
		case pairBinary:
			values[4] = plait.BytesValue(f.Text())
		}
	}
	if kind < uint64(len(values)) {
		a.Value = values[kind]
	}
	return a
}

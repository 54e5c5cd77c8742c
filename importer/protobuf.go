package importer

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// firstFieldTag is the first byte of every OTLP export request: field 1, length-delimited.
const firstFieldTag = 0x0a

// signalOfProtobuf tells the three export requests apart. They have the same shape down to the
// record, whose first field differs: a span's is its 16-byte trace id, a log record's a
// fixed64, a metric's a name.
func signalOfProtobuf(body []byte) (string, error) {
	record, err := firstRecord(body)
	if err != nil {
		return "", err
	}
	_, wireType, n := protowire.ConsumeTag(record)
	if n < 0 {
		return "", ErrNoSignal
	}
	if wireType == protowire.Fixed64Type || wireType == protowire.VarintType {
		return "logs", nil
	}
	value, m := protowire.ConsumeBytes(record[n:])
	if m < 0 {
		return "", ErrNoSignal
	}
	if _, next, k := protowire.ConsumeTag(record[n+m:]); len(value) == 16 && k > 0 && next == protowire.BytesType {
		if id, l := protowire.ConsumeBytes(record[n+m+k:]); l > 0 && len(id) == 8 {
			return "traces", nil
		}
	}
	return "metrics", nil
}

// ErrNoSignal says that a file holds nothing that is known, or else OTLP protobuf whose signal has to be named.
var ErrNoSignal = fmt.Errorf("%w: neither OTLP nor Zipkin JSON, nor an OTLP protobuf export request whose signal can be told", errNotTelemetry)

// firstRecord descends resource_* (1), scope_* (2), records (2) to the first record that is there.
func firstRecord(body []byte) ([]byte, error) {
	for _, field := range []protowire.Number{1, 2, 2} {
		next, err := subMessage(body, field)
		if err != nil {
			return nil, err
		}
		body = next
	}
	return body, nil
}

func subMessage(body []byte, field protowire.Number) ([]byte, error) {
	for len(body) > 0 {
		number, wireType, n := protowire.ConsumeTag(body)
		if n < 0 {
			return nil, fmt.Errorf("%w: %w", ErrNoSignal, protowire.ParseError(n))
		}
		body = body[n:]
		if number == field && wireType == protowire.BytesType {
			value, m := protowire.ConsumeBytes(body)
			if m < 0 {
				return nil, fmt.Errorf("%w: %w", ErrNoSignal, protowire.ParseError(m))
			}
			return value, nil
		}
		m := protowire.ConsumeFieldValue(number, wireType, body)
		if m < 0 {
			return nil, fmt.Errorf("%w: %w", ErrNoSignal, protowire.ParseError(m))
		}
		body = body[m:]
	}
	return nil, ErrNoSignal
}

// partialFromProtobuf reads the partial success of an export response: field 1, in which field
// 1 counts and field 2 explains, in all three signals.
func partialFromProtobuf(answer []byte) (rejected int, reason string) {
	partial, err := subMessage(answer, 1)
	if err != nil {
		return 0, ""
	}
	for len(partial) > 0 {
		number, wireType, n := protowire.ConsumeTag(partial)
		if n < 0 {
			return rejected, reason
		}
		partial = partial[n:]
		if number == 1 && wireType == protowire.VarintType {
			count, _ := protowire.ConsumeVarint(partial)
			rejected = int(count)
		}
		if number == 2 && wireType == protowire.BytesType {
			text, _ := protowire.ConsumeBytes(partial)
			reason = string(text)
		}
		if n = protowire.ConsumeFieldValue(number, wireType, partial); n < 0 {
			return rejected, reason
		}
		partial = partial[n:]
	}
	return rejected, reason
}

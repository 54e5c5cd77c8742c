package otlp

import "github.com/plaithq/plait/wire/protobuf"

// SignalOf tells export requests in protobuf apart: it returns "traces", "logs" or "metrics". They have the
// same shape down to the record, whose first field differs: a span's is its 16-byte trace id, a log record's
// a number, a metric's a name. ok is false for what is none of them, or has no record to tell it by.
func SignalOf(body []byte) (signal string, ok bool) {
	record := protobuf.Of(view(body))
	for _, tag := range []protobuf.Tag{requestBatches, batchScopes, scopedRecords} {
		if record, ok = first(record, tag); !ok {
			return "", false
		}
	}
	if !record.Next() {
		return "", false
	}
	switch record.Tag & 7 {
	case protobuf.Fixed64, protobuf.Varint:
		return "logs", true
	case protobuf.Bytes:
	default:
		return "", false
	}
	if len(record.Text()) == 16 && record.Next() && record.Tag&7 == protobuf.Bytes && len(record.Text()) == 8 {
		return "traces", true
	}
	return "metrics", true
}

// first walks the first message in a field.
func first(f protobuf.Fields, tag protobuf.Tag) (protobuf.Fields, bool) {
	for f.Next() {
		if f.Tag == tag {
			return f.Message(), true
		}
	}
	return f, false
}

// PartialSuccess reads the response to an export request in protobuf: field 1 holds how many records were
// refused (1) and why (2), for all three signals. What cannot be read says nothing.
func PartialSuccess(response []byte) (refused int64, reason string) {
	f, _ := first(protobuf.Of(view(response)), 1<<3|protobuf.Bytes)
	for f.Next() {
		switch f.Tag {
		case 1<<3 | protobuf.Varint:
			refused = int64(f.Num)
		case 2<<3 | protobuf.Bytes:
			reason = f.Text()
		}
	}
	return refused, reason
}

package loki

import (
	"math"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/protobuf"
)

// Tags of Loki's logproto.PushRequest and what is in it.
const (
	requestStreams protobuf.Tag = 1<<3 | protobuf.Bytes

	streamLabels  protobuf.Tag = 1<<3 | protobuf.Bytes
	streamEntries protobuf.Tag = 2<<3 | protobuf.Bytes

	entryTime     protobuf.Tag = 1<<3 | protobuf.Bytes
	entryLine     protobuf.Tag = 2<<3 | protobuf.Bytes
	entryMetadata protobuf.Tag = 3<<3 | protobuf.Bytes

	timeSeconds protobuf.Tag = 1<<3 | protobuf.Varint
	timeNanos   protobuf.Tag = 2<<3 | protobuf.Varint

	pairName  protobuf.Tag = 1<<3 | protobuf.Bytes
	pairValue protobuf.Tag = 2<<3 | protobuf.Bytes
)

// Decode reads a request in protobuf. The records alias the body. Memory for what is decoded is asked for of
// claim, whose error ends the decoding; claim may be nil.
func Decode(body []byte, claim func(bytes int64) error) (*plait.Logs, error) {
	d := &decoder{claim: claim}
	f := protobuf.Of(view(body))
	for f.Next() {
		if f.Tag == requestStreams {
			if err := d.readStream(f.Message()); err != nil {
				return nil, err
			}
		}
	}
	if f.Err != nil {
		return nil, malformed(f.Err)
	}
	return d.result()
}

func malformed(err error) error {
	return plait.Errorf(plait.ErrInvalid, "malformed push request: %w", err)
}

// readStream reads the labels, wherever they stand, before the entries.
func (d *decoder) readStream(f protobuf.Fields) error {
	text := ""
	for first := f; first.Next(); {
		if first.Tag == streamLabels {
			text = first.Text()
		}
	}
	labels, problem := parseLabels(text)
	if err := d.stream(labels, problem); err != nil {
		return err
	}
	for f.Next() {
		if f.Tag == streamEntries {
			if err := d.readEntry(f.Message()); err != nil {
				return err
			}
		}
	}
	if f.Err != nil {
		return malformed(f.Err)
	}
	return nil
}

func (d *decoder) readEntry(f protobuf.Fields) error {
	var e entry
	for f.Next() {
		switch f.Tag {
		case entryTime:
			e.nanos = readTime(f.Message())
		case entryLine:
			e.line = f.Text()
		case entryMetadata:
			e.describe(readPair(f.Message()))
		}
	}
	if f.Err != nil {
		return malformed(f.Err)
	}
	return d.add(&e)
}

// readTime is a time in nanoseconds, at the ends of their range where it lies outside.
func readTime(f protobuf.Fields) int64 {
	var seconds, nanos int64
	for f.Next() {
		switch f.Tag {
		case timeSeconds:
			seconds = int64(f.Num)
		case timeNanos:
			nanos = int64(int32(f.Num))
		}
	}
	const most = math.MaxInt64/1_000_000_000 - 3
	switch {
	case seconds > most:
		return math.MaxInt64
	case seconds < -most:
		return math.MinInt64
	}
	return seconds*1_000_000_000 + nanos
}

func readPair(f protobuf.Fields) (name, value string) {
	for f.Next() {
		switch f.Tag {
		case pairName:
			name = f.Text()
		case pairValue:
			value = f.Text()
		}
	}
	return name, value
}

package loki

import (
	"cmp"
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/protobuf"
)

// Stream is entries under the same labels, as a push request has them.
type Stream struct {
	Labels  []plait.Label // in any order, no name twice
	Entries []Entry
}

// Entry is a line of a stream.
type Entry struct {
	TimeNanos int64
	Line      string
	Metadata  []plait.Label
}

// Encode writes a push request in protobuf, not compressed yet.
func Encode(streams []Stream) []byte {
	var body, stream, entry []byte
	for i := range streams {
		s := &streams[i]
		stream = appendString(stream[:0], streamLabels, labelsText(s.Labels))
		for j := range s.Entries {
			entry = appendEntry(entry[:0], &s.Entries[j])
			stream = appendString(stream, streamEntries, string(entry))
		}
		body = appendString(body, requestStreams, string(stream))
	}
	return body
}

func appendEntry(dst []byte, e *Entry) []byte {
	const second = 1_000_000_000
	seconds, nanos := e.TimeNanos/second, e.TimeNanos%second
	if nanos < 0 {
		seconds, nanos = seconds-1, nanos+second
	}
	var at []byte
	at = appendVarint(at, timeSeconds, uint64(seconds))
	at = appendVarint(at, timeNanos, uint64(nanos))
	dst = appendString(dst, entryTime, string(at))
	dst = appendString(dst, entryLine, e.Line)
	for _, l := range e.Metadata {
		pair := appendString(nil, pairName, l.Name)
		dst = appendString(dst, entryMetadata, string(appendString(pair, pairValue, l.Value)))
	}
	return dst
}

func appendString(dst []byte, tag protobuf.Tag, text string) []byte {
	return protowire.AppendString(protowire.AppendVarint(dst, uint64(tag)), text)
}

func appendVarint(dst []byte, tag protobuf.Tag, n uint64) []byte {
	return protowire.AppendVarint(protowire.AppendVarint(dst, uint64(tag)), n)
}

// labelsText writes labels as a selector, in the order of their names.
func labelsText(labels []plait.Label) string {
	text := []byte{'{'}
	for i, l := range slices.SortedFunc(slices.Values(labels), func(a, b plait.Label) int { return cmp.Compare(a.Name, b.Name) }) {
		if i > 0 {
			text = append(text, ", "...)
		}
		text = append(append(text, l.Name...), '=')
		text = strconv.AppendQuote(text, l.Value)
	}
	return string(append(text, '}'))
}

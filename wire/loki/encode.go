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
	var e encoder
	var body []byte
	for i := range streams {
		s := &streams[i]
		e.stream = appendString(e.stream[:0], streamLabels, labelsText(s.Labels))
		for j := range s.Entries {
			e.stream = appendBytes(e.stream, streamEntries, e.ofEntry(&s.Entries[j]))
		}
		body = appendBytes(body, requestStreams, e.stream)
	}
	return body
}

// encoder has the memory of messages, each of which is made before its length is known.
type encoder struct{ stream, entry, part []byte }

// ofEntry makes the message of an entry. It holds until the next one.
func (e *encoder) ofEntry(of *Entry) []byte {
	const second = 1_000_000_000
	seconds, nanos := of.TimeNanos/second, of.TimeNanos%second
	if nanos < 0 {
		seconds, nanos = seconds-1, nanos+second
	}
	e.part = appendVarint(e.part[:0], timeSeconds, uint64(seconds))
	e.part = appendVarint(e.part, timeNanos, uint64(nanos))
	e.entry = appendBytes(e.entry[:0], entryTime, e.part)
	e.entry = appendString(e.entry, entryLine, of.Line)
	for _, l := range of.Metadata {
		e.part = appendString(e.part[:0], pairName, l.Name)
		e.part = appendString(e.part, pairValue, l.Value)
		e.entry = appendBytes(e.entry, entryMetadata, e.part)
	}
	return e.entry
}

func appendBytes(dst []byte, tag protobuf.Tag, message []byte) []byte {
	return protowire.AppendBytes(protowire.AppendVarint(dst, uint64(tag)), message)
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

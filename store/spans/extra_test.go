package spans

import (
	"reflect"
	"strings"
	"testing"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/rowcodec"
)

// FuzzWhatFewSpansHaveReadsBackAsSent writes what columns have no place for, and reads it.
func FuzzWhatFewSpansHaveReadsBackAsSent(f *testing.F) {
	f.Add("GET /", "refused", "a=1", "exception", "key", `{"a":[1]}`, int64(1), uint32(0), uint8(2), true)
	f.Add("", "\x00", "\u2028", "", "$double", "\\u0000", int64(-1<<63), uint32(1<<32-1), uint8(255), false)
	f.Fuzz(func(t *testing.T, name, message, state, event, key, value string, at int64, count uint32, some uint8, inline bool) {
		for _, text := range []*string{&name, &message, &state, &event, &key, &value} {
			*text = strings.ToValidUTF8(*text, "\ufffd") // as the doors do
		}
		attributes := plait.Attributes{{Key: key, Value: plait.StringValue(value)}, {Key: key + "n", Value: plait.IntValue(at)}}
		sent := plait.Span{Name: name, StatusMessage: message, TraceState: state}
		for i := range some % 4 {
			sent.Events = append(sent.Events, plait.Event{TimeNanos: at, Name: event, Attributes: attributes[:i%3], DroppedAttributes: count})
		}
		for i := range some / 4 % 4 {
			sent.Links = append(sent.Links, plait.Link{TraceID: plait.TraceID{i, 15: some}, SpanID: plait.SpanID{7: i}, TraceState: state,
				Attributes: attributes[:i%3], DroppedAttributes: count, Flags: count})
		}
		if some >= 16 {
			sent.DroppedAttributes, sent.DroppedEvents, sent.DroppedLinks = count, count, count
		}
		text := string(appendSpanExtra(nil, &spanEntry{Span: &sent, inline: inline}))
		if text != rowcodec.CleanText(text) {
			t.Fatalf("%q cannot be stored", text)
		}
		read := plait.Span{Name: sent.Name} // of the operation
		if err := DecodeExtra(&read, text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		want := cleaned(sent)
		if !inline {
			want.Name = sent.Name
		}
		if !reflect.DeepEqual(read, want) {
			t.Errorf("%s reads back as\n%+v, sent was\n%+v", text, read, want)
		}
	})
}

// cleaned is a span as it is stored: without what Postgres has no place for.
func cleaned(s plait.Span) plait.Span {
	attributes := func(all plait.Attributes) (clean plait.Attributes) {
		for _, a := range all {
			if a.Value.Kind() == plait.KindString {
				a.Value = plait.StringValue(rowcodec.CleanText(a.Value.Str()))
			}
			clean = append(clean, plait.Attribute{Key: rowcodec.CleanText(a.Key), Value: a.Value})
		}
		return clean
	}
	s.Name, s.StatusMessage, s.TraceState = rowcodec.CleanText(s.Name), rowcodec.CleanText(s.StatusMessage), rowcodec.CleanText(s.TraceState)
	for i := range s.Events {
		e := &s.Events[i]
		e.Name, e.Attributes = rowcodec.CleanText(e.Name), attributes(e.Attributes)
	}
	for i := range s.Links {
		l := &s.Links[i]
		l.TraceState, l.Attributes = rowcodec.CleanText(l.TraceState), attributes(l.Attributes)
	}
	return s
}

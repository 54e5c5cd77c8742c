package ingest

import (
	"testing"

	"github.com/plaithq/plait"
)

func TestARecordGetsTheSpanThatIsWrittenWithItsTrace(t *testing.T) {
	t.Parallel()
	mine := plait.TraceID{15: 7, 0: 1}
	const line = "trace_id=01000000000000000000000000000007 span_id=0a1b2c3d4e5f6071"
	span := plait.SpanID{0x0a, 0x1b, 0x2c, 0x3d, 0x4e, 0x5f, 0x60, 0x71}
	other := plait.SpanID{1}
	for _, test := range []struct {
		name  string
		sent  plait.LogRecord
		want  plait.SpanID
		found bool
	}{
		{"neither id", plait.LogRecord{}, span, true},
		{"a trace id", plait.LogRecord{TraceID: mine}, span, false},
		{"another trace's id", plait.LogRecord{TraceID: plait.TraceID{15: 8}}, plait.SpanID{}, false},
		{"both ids", plait.LogRecord{TraceID: mine, SpanID: other}, other, false},
		{"a span id", plait.LogRecord{SpanID: other}, other, true},
	} {
		r := test.sent
		r.Body = plait.StringValue(line)
		found := findIDs(&r)
		want := test.sent.TraceID
		if want.IsZero() {
			want = mine
		}
		if found != test.found || r.TraceID != want || r.SpanID != test.want {
			t.Errorf("%s: got %v %v, found %v, want %v %v", test.name, r.TraceID, r.SpanID, found, want, test.want)
		}
	}
}

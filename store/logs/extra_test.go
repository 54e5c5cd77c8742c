package logs

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/rowcodec"
)

// FuzzBodiesAndWhatFewRecordsHaveReadBackAsSent writes what columns have no place for, and reads it.
func FuzzBodiesAndWhatFewRecordsHaveReadBackAsSent(f *testing.F) {
	f.Add("a body", "WARN", "login", int64(-7), 0.5, uint8(0), uint32(0), true)
	f.Add(`{"$bytes":"aGk="}`, "\x00", "\u2028", int64(1)<<62, math.Copysign(0, -1), uint8(4), uint32(7), false)
	w := &Writer{inlined: prometheus.NewCounter(prometheus.CounterOpts{Name: "inlined"})}
	f.Fuzz(func(t *testing.T, text, severity, event string, number int64, fraction float64, kind uint8, dropped uint32, inline bool) {
		for _, text := range []*string{&text, &severity, &event} {
			*text = strings.ToValidUTF8(*text, "\ufffd") // as the doors do
		}
		body := []plait.Value{plait.StringValue(text), plait.IntValue(number), plait.BoolValue(number > 0), plait.BytesValue(text), plait.DoubleValue(fraction)}[kind%5]
		if fraction != fraction {
			return // is not equal to itself
		}
		sent := plait.LogRecord{Body: body, SeverityText: severity, EventName: event, DroppedAttributes: dropped}
		entry := logEntry{LogRecord: &sent, inline: inline, body: w.bodyText(body)}
		var out rowcodec.Buffer
		w.extra(&out, &entry)
		row := storedLog{body: entry.body, extra: string(out.Bytes[4:])} // behind its length
		if row.body != rowcodec.CleanText(row.body) || row.extra != rowcodec.CleanText(row.extra) {
			t.Fatalf("%q, %q cannot be stored", row.body, row.extra)
		}
		want := plait.LogRecord{Body: body, SeverityText: rowcodec.CleanText(severity), EventName: rowcodec.CleanText(event), DroppedAttributes: dropped}
		if body.Kind() == plait.KindString {
			want.Body = plait.StringValue(rowcodec.CleanText(text))
		}
		read := plait.LogRecord{Body: plait.StringValue(row.body), SeverityText: want.SeverityText, EventName: want.EventName} // of the class
		if inline {
			read.SeverityText, read.EventName = "", ""
		}
		if err := decodeLogExtra(&read, &row); err != nil {
			t.Fatalf("%s, %s: %v", row.body, row.extra, err)
		}
		if !reflect.DeepEqual(read, want) {
			t.Errorf("%s, %s reads back as\n%+v, sent was\n%+v", row.body, row.extra, read, want)
		}
	})
}

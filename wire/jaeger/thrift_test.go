package jaeger

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/thrift/lib/go/thrift"
	"github.com/google/go-cmp/cmp"
	jaegerthrift "github.com/jaegertracing/jaeger-idl/thrift-gen/jaeger"
	"go.uber.org/goleak"

	"github.com/plaithq/plait"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// decoders are the two protocols, with what Thrift's library writes in them.
var decoders = map[string]struct {
	decode func([]byte, func(int64) error) (*plait.Traces, error)
	write  func(thrift.TTransport) thrift.TProtocol
}{
	"binary":  {DecodeThrift, func(t thrift.TTransport) thrift.TProtocol { return thrift.NewTBinaryProtocolConf(t, nil) }},
	"compact": {DecodeCompactThrift, func(t thrift.TTransport) thrift.TProtocol { return thrift.NewTCompactProtocolConf(t, nil) }},
}

func written(t testing.TB, protocol string, b *jaegerthrift.Batch) []byte {
	t.Helper()
	buffer := thrift.NewTMemoryBuffer()
	if err := b.Write(t.Context(), decoders[protocol].write(buffer)); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

func pointer[T any](v T) *T { return &v }

func tag(key string, value any) *jaegerthrift.Tag {
	out := &jaegerthrift.Tag{Key: key}
	switch v := value.(type) {
	case string:
		out.VType, out.VStr = jaegerthrift.TagType_STRING, &v
	case float64:
		out.VType, out.VDouble = jaegerthrift.TagType_DOUBLE, &v
	case bool:
		out.VType, out.VBool = jaegerthrift.TagType_BOOL, &v
	case int64:
		out.VType, out.VLong = jaegerthrift.TagType_LONG, &v
	case []byte:
		out.VType, out.VBinary = jaegerthrift.TagType_BINARY, v
	}
	return out
}

// fullBatch has everything for which Jaeger has a field.
func fullBatch() *jaegerthrift.Batch {
	return &jaegerthrift.Batch{
		SeqNo:   pointer(int64(7)),
		Process: &jaegerthrift.Process{ServiceName: "shop", Tags: []*jaegerthrift.Tag{tag("hostname", "web-1"), tag("jaeger.version", "Go-2.30.0")}},
		Spans: []*jaegerthrift.Span{{
			TraceIdLow: 2, TraceIdHigh: 1, SpanId: -1, ParentSpanId: 3, OperationName: "GET /cart", Flags: 3,
			StartTime: 1_795_000_000_000_001, Duration: 1500,
			References: []*jaegerthrift.SpanRef{
				{RefType: jaegerthrift.SpanRefType_CHILD_OF, TraceIdLow: 2, TraceIdHigh: 1, SpanId: 3},
				{RefType: jaegerthrift.SpanRefType_FOLLOWS_FROM, TraceIdLow: 9, SpanId: 4},
			},
			Tags: []*jaegerthrift.Tag{
				tag("text", "a"), tag("number", 2.5), tag("yes", true), tag("no", false), tag("whole", int64(-7)), tag("bytes", []byte("\x00\x01")),
				tag("span.kind", "Server"), tag("error", true), tag("otel.status_description", "refused"),
				tag("w3c.tracestate", "a=b"), tag("otel.scope.name", "net/http"), tag("otel.library.version", "1.2"),
			},
			Logs: []*jaegerthrift.Log{{Timestamp: 1_795_000_000_000_100, Fields: []*jaegerthrift.Tag{tag("event", "retry"), tag("attempt", int64(2))}}},
		}},
	}
}

func TestEveryFieldOfABatch(t *testing.T) {
	t.Parallel()
	text := func(key, value string) plait.Attribute {
		return plait.Attribute{Key: key, Value: plait.StringValue(value)}
	}
	want := plait.Span{
		TraceID: plait.TraceID{7: 1, 15: 2}, SpanID: plait.SpanID{255, 255, 255, 255, 255, 255, 255, 255}, ParentSpanID: plait.SpanID{7: 3},
		Name: "GET /cart", Kind: plait.SpanKindServer, Flags: 1, TraceState: "a=b", Status: plait.StatusError, StatusMessage: "refused",
		StartNanos: 1_795_000_000_000_001_000, EndNanos: 1_795_000_000_001_501_000,
		Resource: &plait.Resource{Attributes: plait.Attributes{text("service.name", "shop"), text("host.name", "web-1"), text("jaeger.version", "Go-2.30.0")}},
		Scope:    &plait.Scope{Name: "net/http", Version: "1.2"},
		Attributes: plait.Attributes{text("text", "a"), {Key: "number", Value: plait.DoubleValue(2.5)}, {Key: "yes", Value: plait.BoolValue(true)},
			{Key: "no", Value: plait.BoolValue(false)}, {Key: "whole", Value: plait.IntValue(-7)}, {Key: "bytes", Value: plait.BytesValue("\x00\x01")},
			{Key: "jaeger.debug", Value: plait.BoolValue(true)}},
		Events: []plait.Event{{TimeNanos: 1_795_000_000_000_100_000, Name: "retry", Attributes: plait.Attributes{{Key: "attempt", Value: plait.IntValue(2)}}}},
		Links:  []plait.Link{{TraceID: plait.TraceID{15: 9}, SpanID: plait.SpanID{7: 4}, Attributes: plait.Attributes{text("opentracing.ref_type", "follows_from")}}},
	}
	for name, d := range decoders {
		traces, err := d.decode(written(t, name, fullBatch()), nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff([]plait.Span{want}, traces.Spans, cmp.AllowUnexported(plait.Value{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestWhatTagsSayOfTheStatus(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		tags []*jaegerthrift.Tag
		want string
	}{
		{nil, `unset "" {}`},
		{[]*jaegerthrift.Tag{tag("error", true)}, `error "" {}`},
		{[]*jaegerthrift.Tag{tag("error", "true")}, `error "" {}`},
		{[]*jaegerthrift.Tag{tag("error", "no stock")}, `error "no stock" {"error":"no stock"}`},
		{[]*jaegerthrift.Tag{tag("error", false)}, `unset "" {"error":false}`},
		{[]*jaegerthrift.Tag{tag("error", "false")}, `unset "" {"error":"false"}`},
		{[]*jaegerthrift.Tag{tag("otel.status_code", "OK")}, `ok "" {}`},
		{[]*jaegerthrift.Tag{tag("otel.status_code", "ERROR"), tag("otel.status_description", "late")}, `error "late" {}`},
		{[]*jaegerthrift.Tag{tag("otel.status_code", "maybe"), tag("span.kind", "worker")}, `unset "" {"otel.status_code":"maybe","span.kind":"worker"}`},
	} {
		b := &jaegerthrift.Batch{Process: &jaegerthrift.Process{}, Spans: []*jaegerthrift.Span{{SpanId: 1, Tags: c.tags}}}
		traces, err := DecodeThrift(written(t, "binary", b), nil)
		if err != nil {
			t.Fatal(err)
		}
		s := traces.Spans[0]
		if got := fmt.Sprintf("%s %q %s", s.Status, s.StatusMessage, s.Attributes.AppendJSON(nil)); got != c.want {
			t.Errorf("%v: %s, want %s", c.tags, got, c.want)
		}
	}
}

func TestTheTypeOfATagSaysWhichOfItsValuesCounts(t *testing.T) {
	t.Parallel()
	var tags []*jaegerthrift.Tag
	for kind := range jaegerthrift.TagType(6) { // one more than there are
		tags = append(tags, &jaegerthrift.Tag{Key: fmt.Sprint(int(kind)), VType: kind,
			VStr: pointer("s"), VDouble: pointer(0.5), VBool: pointer(true), VLong: pointer(int64(7)), VBinary: []byte("b")})
	}
	tags = append(tags, &jaegerthrift.Tag{Key: "empty"})
	b := &jaegerthrift.Batch{Process: &jaegerthrift.Process{}, Spans: []*jaegerthrift.Span{{SpanId: 1, Tags: tags}}}
	traces, err := DecodeThrift(written(t, "binary", b), nil)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"0":"s","1":0.5,"2":true,"3":7,"4":{"$bytes":"Yg=="},"5":null,"empty":""}`
	if got := string(traces.Spans[0].Attributes.AppendJSON(nil)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestTheParentAmongReferences(t *testing.T) {
	t.Parallel()
	const child, follows = jaegerthrift.SpanRefType_CHILD_OF, jaegerthrift.SpanRefType_FOLLOWS_FROM
	ref := func(kind jaegerthrift.SpanRefType, trace, span int64) *jaegerthrift.SpanRef {
		return &jaegerthrift.SpanRef{RefType: kind, TraceIdLow: trace, SpanId: span}
	}
	for name, c := range map[string]struct {
		parent     int64
		references []*jaegerthrift.SpanRef
		want       string
	}{
		"none":                                  {0, nil, "0 []"},
		"told by itself":                        {5, nil, "5 []"},
		"told twice":                            {5, []*jaegerthrift.SpanRef{ref(child, 1, 5)}, "5 []"},
		"told by itself, beside references":     {5, []*jaegerthrift.SpanRef{ref(child, 1, 6), ref(follows, 1, 5)}, "5 [6 child_of]"},
		"the first of which it is a child":      {0, []*jaegerthrift.SpanRef{ref(child, 9, 4), ref(follows, 1, 5), ref(child, 1, 6), ref(child, 1, 7)}, "6 [4 child_of 5 follows_from 7 child_of]"},
		"a span that it follows, with no other": {0, []*jaegerthrift.SpanRef{ref(follows, 1, 5), ref(follows, 1, 6)}, "5 [6 follows_from]"},
		"none in its trace":                     {0, []*jaegerthrift.SpanRef{ref(child, 9, 4)}, "0 [4 child_of]"},
	} {
		b := &jaegerthrift.Batch{Process: &jaegerthrift.Process{}, Spans: []*jaegerthrift.Span{{TraceIdLow: 1, SpanId: 1, ParentSpanId: c.parent, References: c.references}}}
		traces, err := DecodeThrift(written(t, "binary", b), nil)
		if err != nil {
			t.Fatal(err)
		}
		var links []string
		for _, l := range traces.Spans[0].Links {
			links = append(links, fmt.Sprint(l.SpanID[7], " ", l.Attributes[0].Value.Str()))
		}
		if got := fmt.Sprint(traces.Spans[0].ParentSpanID[7], " ", links); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestTimesBeyondTheCalendarStayAtItsEnd(t *testing.T) {
	t.Parallel()
	b := &jaegerthrift.Batch{Process: &jaegerthrift.Process{}, Spans: []*jaegerthrift.Span{{SpanId: 1, StartTime: 1 << 60, Duration: 1 << 60}, {SpanId: 1, StartTime: 5, Duration: -3}}}
	traces, err := DecodeThrift(written(t, "binary", b), nil)
	if err != nil {
		t.Fatal(err)
	}
	if far, back := traces.Spans[0], traces.Spans[1]; far.EndNanos < far.StartNanos || far.EndNanos < 1<<62 || back.EndNanos != 2000 {
		t.Errorf("%d to %d, %d to %d", far.StartNanos, far.EndNanos, back.StartNanos, back.EndNanos)
	}
}

func TestWhatIsNoBatchIsRefused(t *testing.T) {
	t.Parallel()
	for name, d := range decoders {
		whole := written(t, name, fullBatch())
		for n := range len(whole) {
			if _, err := d.decode(whole[:n], nil); !errors.Is(err, plait.ErrInvalid) {
				t.Errorf("%s: %d of %d bytes: %v", name, n, len(whole), err)
			}
		}
		if _, err := d.decode(append(whole, 0), nil); err == nil || !strings.Contains(err.Error(), "more follows") {
			t.Errorf("%s: a batch and a byte: %v", name, err)
		}
	}
	if _, err := DecodeThrift([]byte("\x0f\x00\x02\x08\x00\x00\x00\x01\x00\x00\x00\x01\x00"), nil); err == nil || !strings.Contains(err.Error(), "want a list of structs") {
		t.Errorf("a list of numbers in the place of spans: %v", err)
	}
}

func TestMemoryIsAskedForWhileABatchIsRead(t *testing.T) {
	t.Parallel()
	refusal := errors.New("no more")
	const empty = 100_000
	for what, body := range map[string]string{
		"spans":   "\x0f\x00\x02\x0c\x00\x01\x86\xa0" + strings.Repeat("\x00", empty) + "\x00",
		"tags":    "\x0f\x00\x02\x0c\x00\x00\x00\x01" + "\x0f\x00\x0a\x0c\x00\x01\x86\xa0" + strings.Repeat("\x00", empty) + "\x00\x00",
		"process": "\x0c\x00\x01" + "\x0f\x00\x02\x0c\x00\x01\x86\xa0" + strings.Repeat("\x00", empty) + "\x00\x00",
	} {
		if _, err := DecodeThrift([]byte(body), nil); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		var asked int64
		_, err := DecodeThrift([]byte(body), func(n int64) error {
			if asked += n; asked > 1<<20 {
				return refusal
			}
			return nil
		})
		if !errors.Is(err, refusal) || asked > 3<<20 {
			t.Errorf("%s: %d bytes were asked for: %v", what, asked, err)
		}
	}
}

func FuzzDecodeThrift(f *testing.F) {
	for name := range decoders {
		f.Add(written(f, name, fullBatch()))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for name, d := range decoders {
			traces, err := d.decode(body, nil)
			if err != nil {
				if !errors.Is(err, plait.ErrInvalid) {
					t.Fatalf("%s: %v", name, err)
				}
				continue
			}
			for i := range traces.Spans {
				if s := &traces.Spans[i]; s.Resource == nil || s.Scope == nil {
					t.Fatalf("%s: %+v", name, s)
				}
			}
		}
	})
}

func BenchmarkDecodeThrift(b *testing.B) {
	batch := fullBatch()
	for len(batch.Spans) < 500 {
		batch.Spans = append(batch.Spans, batch.Spans[0])
	}
	for name, d := range decoders {
		b.Run(name, func(b *testing.B) {
			body := written(b, name, batch)
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if _, err := d.decode(body, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

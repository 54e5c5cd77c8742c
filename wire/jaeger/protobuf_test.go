package jaeger

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jaegertracing/jaeger-idl/model/v1"
	"github.com/jaegertracing/jaeger-idl/proto-gen/api_v2"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/plaithq/plait"
)

// fullRequest says in protobuf what fullBatch does in Thrift.
func fullRequest() *api_v2.PostSpansRequest {
	id := model.NewTraceID(1, 2)
	return &api_v2.PostSpansRequest{Batch: model.Batch{
		Process: model.NewProcess("shop", []model.KeyValue{model.String("hostname", "web-1"), model.String("jaeger.version", "Go-2.30.0")}),
		Spans: []*model.Span{{
			TraceID: id, SpanID: model.NewSpanID(1<<64 - 1), OperationName: "GET /cart", Flags: 3,
			StartTime: time.UnixMicro(1_795_000_000_000_001).UTC(), Duration: 1500 * time.Microsecond,
			References: []model.SpanRef{model.NewChildOfRef(id, model.NewSpanID(3)), model.NewFollowsFromRef(model.NewTraceID(0, 9), model.NewSpanID(4))},
			Tags: []model.KeyValue{
				model.String("text", "a"), model.Float64("number", 2.5), model.Bool("yes", true), model.Bool("no", false), model.Int64("whole", -7), model.Binary("bytes", []byte("\x00\x01")),
				model.String("span.kind", "Server"), model.Bool("error", true), model.String("otel.status_description", "refused"),
				model.String("w3c.tracestate", "a=b"), model.String("otel.scope.name", "net/http"), model.String("otel.library.version", "1.2"),
			},
			Logs: []model.Log{{Timestamp: time.UnixMicro(1_795_000_000_000_100).UTC(), Fields: []model.KeyValue{model.String("event", "retry"), model.Int64("attempt", 2)}}},
		}},
	}}
}

func marshal(t testing.TB, r *api_v2.PostSpansRequest) []byte {
	t.Helper()
	b, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestProtobufSaysTheSameAsThrift(t *testing.T) {
	t.Parallel()
	want, err := DecodeThrift(written(t, "binary", fullBatch()), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeProtobuf(marshal(t, fullRequest()), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Spans, got.Spans, cmp.AllowUnexported(plait.Value{})); diff != "" {
		t.Errorf("protobuf reads otherwise (-Thrift +protobuf):\n%s", diff)
	}
}

func TestASpansOwnProcessGoesBeforeThatOfTheBatch(t *testing.T) {
	t.Parallel()
	r := fullRequest()
	own := *r.Batch.Spans[0]
	own.Process = model.NewProcess("cart", nil)
	r.Batch.Spans = append(r.Batch.Spans, &own, r.Batch.Spans[0])
	got, err := DecodeProtobuf(marshal(t, r), nil)
	if err != nil || len(got.Spans) != 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	if first, second, third := got.Spans[0].Resource, got.Spans[1].Resource, got.Spans[2].Resource; first.Service() != "shop" || second.Service() != "cart" || third != first {
		t.Errorf("services %q, %q, %q", first.Service(), second.Service(), third.Service())
	}
}

func TestASpanOfProtobufWithoutAnIDIsRefusedAlone(t *testing.T) {
	t.Parallel()
	good := marshal(t, &api_v2.PostSpansRequest{Batch: model.Batch{Spans: fullRequest().Batch.Spans}})
	bad := protowire.AppendString(protowire.AppendTag(nil, 3, protowire.BytesType), "bad")
	bad = protowire.AppendString(protowire.AppendTag(bad, 1, protowire.BytesType), "short")
	list := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), bad)
	body := append(protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), list), good...)
	got, err := DecodeProtobuf(body, nil)
	if err != nil || len(got.Spans) != 1 || len(got.Refused) != 1 || got.Refused[0].Reason != `span 0 ("bad"): trace_id has 5 bytes, want 16` {
		t.Errorf("%+v, %v", got, err)
	}
	for n := range good {
		if _, err := DecodeProtobuf(good[:n], nil); err != nil && !errors.Is(err, plait.ErrInvalid) || err == nil && n != 0 {
			t.Errorf("%d of %d bytes: %v", n, len(good), err)
		}
	}
}

func TestMemoryIsAskedForWhileProtobufIsRead(t *testing.T) {
	t.Parallel()
	refusal := errors.New("no more")
	within := func(number protowire.Number, content string) string {
		return string(protowire.AppendString(protowire.AppendTag(nil, number, protowire.BytesType), content))
	}
	const many = 100_000
	for name, body := range map[string]string{
		"spans":      within(1, strings.Repeat(within(1, ""), many)),
		"tags":       within(1, within(1, strings.Repeat(within(8, ""), many))),
		"logs":       within(1, within(1, strings.Repeat(within(9, ""), many))),
		"references": within(1, within(1, strings.Repeat(within(4, ""), many))),
		"a process":  within(1, within(1, within(10, strings.Repeat(within(2, ""), many)))),
	} {
		if _, err := DecodeProtobuf([]byte(body), nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var asked int64
		_, err := DecodeProtobuf([]byte(body), func(n int64) error {
			if asked += n; asked > 1<<20 {
				return refusal
			}
			return nil
		})
		if !errors.Is(err, refusal) || asked > 3<<20 {
			t.Errorf("%s: %d bytes were asked for: %v", name, asked, err)
		}
	}
}

func TestTimesOfProtobufBeyondTheCalendarStayAtItsEnd(t *testing.T) {
	t.Parallel()
	within := func(number protowire.Number, content []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), content)
	}
	seconds := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1<<62)
	far := within(1, within(1, append(within(6, seconds), within(7, seconds)...)))
	got, err := DecodeProtobuf(far, nil)
	if err != nil || got.Spans[0].StartNanos < 1<<62 || got.Spans[0].EndNanos < got.Spans[0].StartNanos {
		t.Errorf("%+v, %v", got, err)
	}
}

func FuzzDecodeProtobuf(f *testing.F) {
	f.Add(marshal(f, fullRequest()))
	f.Fuzz(func(t *testing.T, body []byte) {
		traces, err := DecodeProtobuf(body, nil)
		if err != nil {
			if !errors.Is(err, plait.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		for i := range traces.Spans {
			if s := &traces.Spans[i]; s.Resource == nil || s.Scope == nil {
				t.Fatalf("%+v", s)
			}
		}
	})
}

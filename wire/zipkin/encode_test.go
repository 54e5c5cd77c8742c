package zipkin

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
)

func TestWhatCameInReadsBackTheSame(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"testdata/skew.json", "testdata/yelp.json"} {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		first, err := DecodeJSON(body, nil)
		if err != nil {
			t.Fatal(err)
		}
		encoded, err := EncodeJSON(first.Spans)
		if err != nil {
			t.Fatal(err)
		}
		second, err := DecodeJSON(encoded, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first.Spans, second.Spans, cmp.AllowUnexported(plait.Value{})); diff != "" {
			t.Errorf("%s reads back with other spans (-first +second):\n%s", file, diff)
		}
	}
}

func TestSpansBecomeZipkins(t *testing.T) {
	t.Parallel()
	text := func(key, value string) plait.Attribute {
		return plait.Attribute{Key: key, Value: plait.StringValue(value)}
	}
	shop := &plait.Resource{Attributes: plait.Attributes{text("service.name", "Shop"), text("host.ip", "10.0.0.1"), text("host.name", "a")}}
	base := plait.Span{TraceID: plait.TraceID{15: 1}, SpanID: plait.SpanID{7: 2}, StartNanos: 1_700_000_000_000_001_999, EndNanos: 1_700_000_000_000_002_000, Resource: shop}
	for name, c := range map[string]struct {
		change func(*plait.Span)
		want   string
	}{
		"a local span, below a microsecond": {func(*plait.Span) {},
			`"name":"","timestamp":1700000000000001,"duration":1,"localEndpoint":{"serviceName":"Shop","ipv4":"10.0.0.1"},"tags":{"host.name":"a"}`},
		"one without an end, parent or service": {func(s *plait.Span) { s.EndNanos, s.Resource = 0, &plait.Resource{} },
			`"name":"","timestamp":1700000000000001,"localEndpoint":{"serviceName":"unknown_service"}`},
		"a call that failed": {func(s *plait.Span) {
			s.Resource, s.ParentSpanID, s.Kind, s.Status, s.StatusMessage = &plait.Resource{}, plait.SpanID{7: 1}, plait.SpanKindClient, plait.StatusError, "refused"
			s.Attributes = plait.Attributes{text("peer.service", "cart"), text("network.peer.address", "::1"), {Key: "network.peer.port", Value: plait.IntValue(80)}, {Key: "n", Value: plait.DoubleValue(1)}}
		}, `"kind":"CLIENT","name":"","timestamp":1700000000000001,"duration":1,"localEndpoint":{"serviceName":"unknown_service"},` +
			`"remoteEndpoint":{"serviceName":"cart","ipv6":"::1","port":80},"tags":{"error":"refused","n":"1.0","otel.status_code":"ERROR"}`},
		"a call whose other side is named as OpenTelemetry does now": {func(s *plait.Span) {
			s.Resource, s.Attributes = &plait.Resource{}, plait.Attributes{text("server.address", "10.0.0.7"), text("service.peer.name", "cart")}
		}, `"name":"","timestamp":1700000000000001,"duration":1,"localEndpoint":{"serviceName":"unknown_service"},` +
			`"remoteEndpoint":{"serviceName":"cart"},"tags":{"server.address":"10.0.0.7","service.peer.name":"cart"}`},
		"a failure without a message": {func(s *plait.Span) { s.Resource, s.Status = &plait.Resource{}, plait.StatusError },
			`"name":"","timestamp":1700000000000001,"duration":1,"localEndpoint":{"serviceName":"unknown_service"},"tags":{"error":"true","otel.status_code":"ERROR"}`},
		"no failure": {func(s *plait.Span) {
			s.Resource, s.Status, s.Attributes = &plait.Resource{}, plait.StatusOK, plait.Attributes{{Key: "error", Value: plait.BoolValue(false)}}
		},
			`"name":"","timestamp":1700000000000001,"duration":1,"localEndpoint":{"serviceName":"unknown_service"},"tags":{"otel.status_code":"OK"}`},
		"events": {func(s *plait.Span) {
			s.Resource = &plait.Resource{}
			s.Events = []plait.Event{{TimeNanos: 1_700_000_000_000_002_000, Name: "retry"}, {TimeNanos: 1_700_000_000_000_003_000, Name: `a "b"`, Attributes: plait.Attributes{text("k", "v")}}}
		}, `"name":"","timestamp":1700000000000001,"duration":1,"localEndpoint":{"serviceName":"unknown_service"},` +
			`"annotations":[{"timestamp":1700000000000002,"value":"retry"},{"timestamp":1700000000000003,"value":"\"a \\\"b\\\"\": {\"k\":\"v\"}"}]`},
	} {
		s := base
		c.change(&s)
		got, err := EncodeJSON([]plait.Span{s})
		parent := ""
		if !s.ParentSpanID.IsZero() {
			parent = `"parentId":"0000000000000001",`
		}
		want := `[{"traceId":"00000000000000000000000000000001",` + parent + `"id":"0000000000000002",` + c.want + `}]`
		if err != nil || string(got) != want {
			t.Errorf("%s is written (%v)\n%s, want\n%s", name, err, got, want)
		}
	}
}

func TestAServersSpanThatCarriesItsClientsIDIsShared(t *testing.T) {
	t.Parallel()
	span := func(id byte, k plait.SpanKind) plait.Span {
		return plait.Span{SpanID: plait.SpanID{7: id}, Kind: k, Resource: &plait.Resource{}}
	}
	body, err := EncodeJSON([]plait.Span{span(1, plait.SpanKindServer), span(2, plait.SpanKindClient), span(2, plait.SpanKindServer), span(3, plait.SpanKindClient)})
	if err != nil {
		t.Fatal(err)
	}
	var got []struct{ Shared bool }
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&got); err != nil || got[0].Shared || got[1].Shared || !got[2].Shared || got[3].Shared {
		t.Errorf("written as %s (%v)", body, err)
	}
}

package datadog

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tinylib/msgp/msgp"
	"go.uber.org/goleak"

	"github.com/plaithq/plait"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// object is a map whose keys keep their order.
type object []any

// packed writes a value as MessagePack: objects, lists ([]any), texts, bytes, numbers and truth values.
func packed(t testing.TB, v any) []byte {
	t.Helper()
	return appendPacked(t, nil, v)
}

func appendPacked(t testing.TB, b []byte, v any) []byte {
	t.Helper()
	switch v := v.(type) {
	case object:
		b = msgp.AppendMapHeader(b, uint32(len(v)/2))
		for _, item := range v {
			b = appendPacked(t, b, item)
		}
		return b
	case []any:
		b = msgp.AppendArrayHeader(b, uint32(len(v)))
		for _, item := range v {
			b = appendPacked(t, b, item)
		}
		return b
	case int:
		return msgp.AppendInt64(b, int64(v))
	}
	b, err := msgp.AppendIntf(b, v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const start = 1_795_000_000_000_000_001

// full is a span with everything that format 0.4 has a field for.
func full() object {
	return object{
		"service", "shop", "name", "web.request", "resource", "GET /cart", "type", "web",
		"trace_id", uint64(0xf000000000000002), "span_id", uint64(math.MaxUint64), "parent_id", uint64(3),
		"start", int64(start), "duration", int64(1500), "error", int32(1),
		"meta", object{"env", "prod", "version", "1.2", "_dd.p.tid", "6a1b2c3d00000000", "error.message", "refused", "http.status_code", "500", "span.kind", "server"},
		"metrics", object{"_sampling_priority_v1", 1.0, "process_id", 42, "ratio", 0.5},
		"meta_struct", object{"appsec", []byte{0x80}},
		"span_links", []any{object{"trace_id", uint64(9), "trace_id_high", uint64(8), "span_id", uint64(7), "attributes", object{"a", "b"}, "tracestate", "x=y", "flags", 1}},
		"span_events", []any{object{"time_unix_nano", int64(start) + 5, "name", "retry", "attributes", object{
			"text", object{"type", 0, "string_value", "s"}, "yes", object{"type", 1, "bool_value", true}, "whole", object{"type", 2, "int_value", int64(-2)},
			"number", object{"type", 3, "double_value", 2.0},
			"list", object{"type", 4, "array_value", object{"values", []any{object{"type", 0, "string_value", "x"}, object{"type", 2, "int_value", 1}}}},
		}}},
		"field of tomorrow", []any{object{"a", nil}},
	}
}

func text(key, value string) plait.Attribute {
	return plait.Attribute{Key: key, Value: plait.StringValue(value)}
}

func number(key string, value int64) plait.Attribute {
	return plait.Attribute{Key: key, Value: plait.IntValue(value)}
}

func wantFull() plait.Span {
	return plait.Span{
		TraceID: plait.TraceID{0x6a, 0x1b, 0x2c, 0x3d, 8: 0xf0, 15: 2}, SpanID: plait.SpanID{255, 255, 255, 255, 255, 255, 255, 255}, ParentSpanID: plait.SpanID{7: 3},
		Name: "GET /cart", Kind: plait.SpanKindServer, StartNanos: start, EndNanos: start + 1500, Flags: 1,
		Status: plait.StatusError, StatusMessage: "refused", Scope: &plait.Scope{},
		Resource: &plait.Resource{Attributes: plait.Attributes{text("service.name", "shop"), text("deployment.environment.name", "prod"), text("service.version", "1.2"),
			text("container.id", "abc"), text("telemetry.sdk.name", "datadog"), text("telemetry.sdk.language", "nodejs"), text("telemetry.sdk.version", "5.1")}},
		Attributes: plait.Attributes{text("error.message", "refused"), text("http.status_code", "500"), number("_sampling_priority_v1", 1), number("process_id", 42),
			{Key: "ratio", Value: plait.DoubleValue(0.5)}, {Key: "appsec", Value: plait.BytesValue("\x80")}, text("operation.name", "web.request"), text("span.type", "web")},
		Links: []plait.Link{{TraceID: plait.TraceID{7: 8, 15: 9}, SpanID: plait.SpanID{7: 7}, Attributes: plait.Attributes{text("a", "b")}, TraceState: "x=y", Flags: 1}},
		Events: []plait.Event{{TimeNanos: start + 5, Name: "retry", Attributes: plait.Attributes{text("text", "s"), {Key: "yes", Value: plait.BoolValue(true)}, number("whole", -2),
			{Key: "number", Value: plait.DoubleValue(2)}, {Key: "list", Value: plait.ArrayValue(`["x",1]`)}}}},
	}
}

var sender = Tracer{Language: "javascript", Version: "5.1", ContainerID: "abc"}

func difference(want, got []plait.Span) string {
	return cmp.Diff(want, got, cmp.AllowUnexported(plait.Value{}))
}

func TestEveryFieldOfASpan(t *testing.T) {
	t.Parallel()
	traces, err := Decode(packed(t, []any{[]any{full()}}), sender, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := difference([]plait.Span{wantFull()}, traces.Spans); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// plainJSON is an object as JSON.
func plainJSON(t testing.TB, v any) string {
	t.Helper()
	switch v := v.(type) {
	case object:
		var fields []string
		for i := 0; i < len(v); i += 2 {
			fields = append(fields, plainJSON(t, v[i])+":"+plainJSON(t, v[i+1]))
		}
		return "{" + strings.Join(fields, ",") + "}"
	case []any:
		var items []string
		for _, item := range v {
			items = append(items, plainJSON(t, item))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case []byte:
		v2, err := json.Marshal(string(v))
		if err != nil {
			t.Fatal(err)
		}
		return string(v2)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestJSONSaysTheSame(t *testing.T) {
	t.Parallel()
	span := full()
	for i := range span {
		if span[i] == "meta_struct" { // bytes, for which JSON has nothing
			span[i] = "unknown"
		}
	}
	want, err := Decode(packed(t, []any{[]any{span}}), sender, nil)
	if err != nil {
		t.Fatal(err)
	}
	body := plainJSON(t, []any{[]any{span}})
	got, err := DecodeJSON([]byte(body), sender, nil)
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	if diff := difference(want.Spans, got.Spans); diff != "" {
		t.Errorf("JSON reads otherwise (-MessagePack +JSON):\n%s", diff)
	}
}

// indexedFull is full in format 0.5, whose links and events are JSON in tags.
func indexedFull() []any {
	texts := []any{"", "shop", "web.request", "GET /cart", "web", "env", "prod", "version", "1.2", "_dd.p.tid", "6a1b2c3d00000000", "error.message", "refused",
		"http.status_code", "500", "span.kind", "server", "_sampling_priority_v1", "process_id", "ratio",
		"_dd.span_links", `[{"trace_id":"00000000000000080000000000000009","span_id":"0000000000000007","attributes":{"a":"b"},"tracestate":"x=y","flags":1}]`,
		"events", fmt.Sprintf(`[{"name":"retry","time_unix_nano":%d,"attributes":{"text":"s","yes":true,"whole":-2,"number":2.0,"list":["x",1]}}]`, int64(start)+5)}
	return []any{texts, []any{[]any{[]any{1, 2, 3, uint64(0xf000000000000002), uint64(math.MaxUint64), uint64(3), int64(start), int64(1500), 1,
		object{5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 20, 21, 22, 23}, object{17, 1.0, 18, 42, 19, 0.5}, 4}}}}
}

func TestFormat05SaysTheSame(t *testing.T) {
	t.Parallel()
	traces, err := DecodeIndexed(packed(t, indexedFull()), sender, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := wantFull()
	want.Attributes = append(want.Attributes[:5:5], want.Attributes[6:]...) // without bytes
	if diff := difference([]plait.Span{want}, traces.Spans); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// payload is a span in format 0.7, with what is known of all of them behind it.
func payload(span object) object {
	chunk := object{"priority", 2, "origin", "synthetics", "spans", []any{span}, "tags", object{"_dd.p.tid", "6a1b2c3d00000000", "_dd.p.dm", "-1"}, "dropped_trace", false}
	return object{"container_id", "abc", "language_name", "javascript", "language_version", "22", "tracer_version", "5.1", "runtime_id", "run-1",
		"chunks", []any{chunk}, "tags", object{}, "env", "prod", "hostname", "web-1", "app_version", "1.2"}
}

func TestFormat07TellsOfTheSenderBehindItsTraces(t *testing.T) {
	t.Parallel()
	span := object{"service", "shop", "resource", "GET /cart", "trace_id", 2, "span_id", 1, "start", int64(start)}
	traces, err := DecodePayload(packed(t, payload(span)), Tracer{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := plait.Span{TraceID: plait.TraceID{0x6a, 0x1b, 0x2c, 0x3d, 15: 2}, SpanID: plait.SpanID{7: 1}, Name: "GET /cart", Kind: plait.SpanKindInternal,
		StartNanos: start, EndNanos: start, Flags: 1, Scope: &plait.Scope{},
		Resource: &plait.Resource{Attributes: plait.Attributes{text("service.name", "shop"), text("deployment.environment.name", "prod"), text("service.version", "1.2"),
			text("service.instance.id", "run-1"), text("host.name", "web-1"), text("container.id", "abc"), text("telemetry.sdk.name", "datadog"),
			text("telemetry.sdk.language", "nodejs"), text("telemetry.sdk.version", "5.1")}},
		Attributes: plait.Attributes{number("_sampling_priority_v1", 2), text("_dd.origin", "synthetics"), text("_dd.p.dm", "-1")}}
	if diff := difference([]plait.Span{want}, traces.Spans); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheUpperHalfOfAnIDIsThatOfAllSpansWithTheLowerHalf(t *testing.T) {
	t.Parallel()
	span := func(trace, id int, meta ...any) object {
		return object{"trace_id", trace, "span_id", id, "meta", object(meta)}
	}
	traces, err := Decode(packed(t, []any{
		[]any{span(1, 1), span(1, 2, "_dd.p.tid", "a"), span(1, 3)}, // told by the second
		[]any{span(2, 4)},                        // never told
		[]any{span(1, 5)},                        // told in another part of the trace
		[]any{span(3, 6, "_dd.p.tid", "no hex")}, // not readable
	}), Tracer{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range traces.Spans {
		s := &traces.Spans[i]
		got = append(got, fmt.Sprintf("%x:%d%s", s.TraceID[7], s.SpanID[7], s.Attributes.AppendJSON(nil)))
	}
	if want := `[a:1{} a:2{} a:3{} 0:4{} a:5{} 0:6{"_dd.p.tid":"no hex"}]`; fmt.Sprint(got) != want {
		t.Errorf("%v, want %s", got, want)
	}
}

func TestNamesAndKinds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, resource, kind, meta, want string }{
		{"web.request", "GET /cart", "web", "", `server "GET /cart" {"operation.name":"web.request","span.type":"web"}`},
		{"http.request", "GET /", "http", "", `client "GET /" {"operation.name":"http.request","span.type":"http"}`},
		{"http.request", "GET /", "http", "server", `server "GET /" {"operation.name":"http.request","span.type":"http"}`},
		{"postgres.query", "SELECT 7", "sql", "", `client "postgres.query" {"resource.name":"SELECT 7","span.type":"sql"}`},
		{"", "SELECT 7", "sql", "", `client "SELECT 7" {"span.type":"sql"}`},
		{"work", "work", "", "", `internal "work" {}`},
		{"work", "", "worker", "boss", `internal "work" {"span.kind":"boss","span.type":"worker"}`},
		{"kafka.consume", "orders", "queue", "consumer", `consumer "orders" {"operation.name":"kafka.consume","span.type":"queue"}`},
	} {
		meta := object{}
		if c.meta != "" {
			meta = object{"span.kind", c.meta}
		}
		traces, err := Decode(packed(t, []any{[]any{object{"name", c.name, "resource", c.resource, "type", c.kind, "trace_id", 1, "span_id", 1, "meta", meta}}}), Tracer{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		s := &traces.Spans[0]
		if got := fmt.Sprintf("%s %q %s", s.Kind, s.Name, s.Attributes.AppendJSON(nil)); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

func TestLinksAsTracersWriteThemIntoATag(t *testing.T) {
	t.Parallel()
	const (
		hexes   = `{"trace_id":"00000000000000080000000000000009","span_id":"0000000000000007"}`
		numbers = `{"trace_id":18446744073709551615,"trace_id_high":8,"span_id":7,"tracestate":"","flags":0}`
	)
	native := []any{object{"trace_id", 5, "span_id", 6}}
	for name, c := range map[string]struct {
		tag   string
		links []any
		want  string
	}{
		"in hex":             {"[" + hexes + "]", nil, "00000000000000080000000000000009:0000000000000007 {}"},
		"as numbers":         {"[" + numbers + "]", nil, "0000000000000008ffffffffffffffff:0000000000000007 {}"},
		"beside a field":     {"[" + numbers + "]", native, "00000000000000000000000000000005:0000000000000006 {}"},
		"without an id":      {`[{"trace_id":1}]`, nil, ` {"_dd.span_links":"[{\"trace_id\":1}]"}`},
		"with half of an id": {`[{"trace_id":"1","span_id":7}]`, nil, ` {"_dd.span_links":"[{\"trace_id\":\"1\",\"span_id\":7}]"}`},
		"as no JSON":         {"[" + hexes, nil, ` {"_dd.span_links":` + plainJSON(t, "["+hexes) + `}`},
	} {
		traces, err := Decode(packed(t, []any{[]any{object{"trace_id", 1, "span_id", 1, "meta", object{"_dd.span_links", c.tag}, "span_links", c.links}}}), Tracer{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		s, got := &traces.Spans[0], ""
		for _, l := range s.Links {
			got += l.TraceID.String() + ":" + l.SpanID.String()
		}
		if got += " " + string(s.Attributes.AppendJSON(nil)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestWhatIsWrongWithASpanIsThatSpansAlone(t *testing.T) {
	t.Parallel()
	good := object{"name", "good", "trace_id", 1, "span_id", 1}
	for want, bad := range map[string]any{
		`span 0 ("bad"): byte 17: str, want a map`:          object{"name", "bad", "meta", "text"},
		`span 0 ("bad"): byte 21: map, want a whole number`: object{"name", "bad", "trace_id", object{}},
		`span 0 (""): byte 2: int, want a map`:              7,
		`span 0 ("bad"): byte 20: array, want a string`:     object{"name", "bad", "meta", object{"a", []any{}}},
		`span 0 ("bad"): byte 23: str, want a whole number`: object{"name", "bad", "metrics", object{"a", "b"}},
		`span 0 ("bad"): byte 23: int, want a list`:         object{"name", "bad", "span_links", 9},
	} {
		traces, err := Decode(packed(t, []any{[]any{bad, good}}), Tracer{}, nil)
		if err != nil || len(traces.Spans) != 1 || len(traces.Refused) != 1 || traces.Refused[0].Reason != want {
			t.Errorf("%s: %+v, %v", want, traces, err)
		}
	}
	body := indexedFull()
	body[1] = []any{append(body[1].([]any)[0].([]any), []any{1, 2}, []any{99, 2, 3, 1, 1, 1, 1, 1, 1, object{}, object{}, 1})}
	traces, err := DecodeIndexed(packed(t, body), Tracer{}, nil)
	if err != nil || len(traces.Spans) != 1 || len(traces.Refused) != 2 || !strings.Contains(traces.Refused[0].Reason, "a span of 2 fields, want 12") ||
		!strings.Contains(traces.Refused[1].Reason, "there is no string of index 99 among the 24 of the request") {
		t.Errorf("format 0.5: %+v, %v", traces, err)
	}
}

func TestWhatIsNoRequestIsRefused(t *testing.T) {
	t.Parallel()
	decoders := map[string]func([]byte, Tracer, func(int64) error) (*plait.Traces, error){
		"0.4": Decode, "0.5": DecodeIndexed, "0.7": DecodePayload, "JSON": DecodeJSON,
	}
	for name, whole := range map[string][]byte{
		"0.4": packed(t, []any{[]any{full()}}), "0.5": packed(t, indexedFull()), "0.7": packed(t, payload(full())),
		"JSON": []byte(plainJSON(t, []any{[]any{full()}})),
	} {
		for n := range len(whole) {
			if _, err := decoders[name](whole[:n], Tracer{}, nil); !errors.Is(err, plait.ErrInvalid) {
				t.Errorf("%s: %d of %d bytes: %v", name, n, len(whole), err)
			}
		}
		if _, err := decoders[name](append(whole, ' '), Tracer{}, nil); (err == nil) != (name == "JSON") {
			t.Errorf("%s and a space: %v", name, err)
		}
	}
	for _, c := range []struct{ format, body, want string }{
		{"0.4", "\xdd\xff\xff\xff\xff", "read Datadog's traces: byte 5: a list of 4294967295 is longer than the 0 bytes that follow"},
		{"0.4", "\x91\x91" + strings.Repeat("\x91", 100_000), "read Datadog's traces: byte 100002: a list of 1 is longer than the 0 bytes that follow"},
		{"0.4", "\x80", "read Datadog's traces: byte 0: map, want a list"},
		{"0.5", "\x91\x90", "read Datadog's traces: byte 1: a list of 1, want strings and traces"},
		{"0.7", "\x81\xa6chunks\x91\x01", "read Datadog's traces: byte 9: int, want a map"},
		{"JSON", strings.Repeat("[", 100), "read Datadog's JSON: "},
		{"JSON", `[[{"duration":1e999}]]`, "1e999 is beyond all numbers"},
	} {
		if _, err := decoders[c.format]([]byte(c.body), Tracer{}, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.format, err, c.want)
		}
	}
}

func TestMemoryIsAskedForWhileSpansAreRead(t *testing.T) {
	t.Parallel()
	refusal := errors.New("no more")
	repeated := func(n int, item any) []any {
		list := make([]any, n)
		for i := range list {
			list[i] = item
		}
		return list
	}
	pairs := object(repeated(100_000, "a"))
	events := `[` + strings.Repeat(`{},`, 50_000) + `{}]`
	for name, c := range map[string]struct {
		decode func([]byte, Tracer, func(int64) error) (*plait.Traces, error)
		body   []byte
	}{
		"spans":           {Decode, packed(t, []any{repeated(50_000, object{})})},
		"tags":            {Decode, packed(t, []any{[]any{object{"meta", pairs}}})},
		"links":           {Decode, packed(t, []any{[]any{object{"span_links", repeated(50_000, object{})}}})},
		"events":          {Decode, packed(t, []any{[]any{object{"span_events", repeated(50_000, object{})}}})},
		"embedded events": {Decode, packed(t, []any{[]any{object{"meta", object{"events", events}}}})},
		"strings":         {DecodeIndexed, packed(t, []any{repeated(100_000, ""), []any{}})},
		"tags of a chunk": {DecodePayload, packed(t, object{"chunks", []any{object{"tags", pairs}}})},
		"JSON":            {DecodeJSON, []byte("[[" + strings.Repeat("[],", 400_000) + "[]]]")},
	} {
		var asked int64
		_, err := c.decode(c.body, Tracer{}, func(n int64) error {
			if asked += n; asked > 1<<20 {
				return refusal
			}
			return nil
		})
		if !errors.Is(err, refusal) || asked > 4<<20 {
			t.Errorf("%s: %d bytes were asked for: %v", name, asked, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(packed(f, []any{[]any{full()}}))
	f.Add(packed(f, indexedFull()))
	f.Add(packed(f, payload(full())))
	f.Add([]byte(plainJSON(f, []any{[]any{full()}})))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, decode := range []func([]byte, Tracer, func(int64) error) (*plait.Traces, error){Decode, DecodeIndexed, DecodePayload, DecodeJSON} {
			traces, err := decode(body, sender, nil)
			if err != nil {
				if !errors.Is(err, plait.ErrInvalid) {
					t.Fatal(err)
				}
				continue
			}
			for i := range traces.Spans {
				if s := &traces.Spans[i]; s.Resource == nil || s.Scope == nil || s.Kind == plait.SpanKindUnspecified {
					t.Fatalf("%+v", s)
				}
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	body := packed(b, []any{func() (spans []any) {
		for range 500 {
			spans = append(spans, full())
		}
		return spans
	}()})
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := Decode(body, sender, nil); err != nil {
			b.Fatal(err)
		}
	}
}

package zipkin

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/plaithq/plait"
)

// sentByOTel is a span with the given tags and annotation, read back in a line.
func sentByOTel(t *testing.T, tags map[string]string, annotation string) string {
	t.Helper()
	body, err := json.Marshal([]map[string]any{{
		"traceId": "1", "id": "2", "timestamp": 3, "tags": tags, "annotations": []map[string]any{{"timestamp": 4, "value": annotation}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	traces, err := DecodeJSON(body, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := traces.Spans[0]
	out := fmt.Sprintf("%s %q, scope %q %q, state %q, %s, event %q %s", s.Status, s.StatusMessage, s.Scope.Name, s.Scope.Version, s.TraceState,
		s.Attributes.AppendJSON(nil), s.Events[0].Name, s.Events[0].Attributes.AppendJSON(nil))
	for _, l := range s.Links {
		out += fmt.Sprintf(", link %s %s %q %s %d", l.TraceID, l.SpanID, l.TraceState, l.Attributes.AppendJSON(nil), l.DroppedAttributes)
	}
	return out
}

func TestWhatOpenTelemetrysExportersWriteIntoTags(t *testing.T) {
	t.Parallel()
	const link = "0102030405060708090a0b0c0d0e0f10|0102030405060708|l=1|"
	const scoped = `, scope "" "", state "", `
	for name, c := range map[string]struct {
		tags       map[string]string
		annotation string
		want       string
	}{
		"a failure by its code alone": {map[string]string{"otel.status_code": "ERROR"}, "e", `error ""` + scoped + `{}, event "e" {}`},
		"a failure with its message in the tag error": {map[string]string{"otel.status_code": "ERROR", "error": "no money"}, "e",
			`error "no money"` + scoped + `{"error":"no money"}, event "e" {}`},
		"the Collector's, with a description": {map[string]string{"otel.status_code": "STATUS_CODE_ERROR", "error": "true", "otel.status_description": "no money"}, "e",
			`error "no money"` + scoped + `{"error":"true"}, event "e" {}`},
		"the Collector's, without one": {map[string]string{"otel.status_code": "STATUS_CODE_ERROR", "error": "true"}, "e", `error ""` + scoped + `{"error":"true"}, event "e" {}`},
		"a success":                    {map[string]string{"otel.status_code": "OK"}, "e", `ok ""` + scoped + `{}, event "e" {}`},
		"no status":                    {map[string]string{"otel.status_code": "fine"}, "e", `unset ""` + scoped + `{"otel.status_code":"fine"}, event "e" {}`},
		"scope and trace state": {map[string]string{"otel.scope.name": "lib", "otel.scope.version": "1", "w3c.tracestate": "a=b", "span.kind": "internal"}, "e",
			`unset "", scope "lib" "1", state "a=b", {}, event "e" {}`},
		"scope by its old name": {map[string]string{"otel.library.name": "lib", "otel.library.version": "1"}, "e", `unset "", scope "lib" "1", state "", {}, event "e" {}`},
		"a kind of its own":     {map[string]string{"span.kind": "server"}, "e", `unset ""` + scoped + `{"span.kind":"server"}, event "e" {}`},
		"links": {map[string]string{"otlp.link.0": link + `{"why":"batch"}|2`, "otlp.link.1": link + "{}|0"}, "e",
			`unset ""` + scoped + `{}, event "e" {}, link 0102030405060708090a0b0c0d0e0f10 0102030405060708 "l=1" {"why":"batch"} 2, link 0102030405060708090a0b0c0d0e0f10 0102030405060708 "l=1" {} 0`},
		"links that are none": {map[string]string{"otlp.link.0": "x|y|z|{}|0", "otlp.link.1": link + "{}", "otlp.link.2": link + "{}|99999999999", "otlp.link.n": link + "{}|0"}, "e",
			`unset ""` + scoped + `{"otlp.link.0":"x|y|z|{}|0","otlp.link.1":"` + link + `{}","otlp.link.2":"` + link + `{}|99999999999","otlp.link.n":"` + link + `{}|0"}, event "e" {}`},
		"an event of the Collector's":      {nil, `exception|{"n":2,"m":"a|b"}|0`, `unset ""` + scoped + `{}, event "exception" {"n":2,"m":"a|b"}`},
		"an event of an SDK's":             {nil, `"cache miss": {"key":"cart"}`, `unset ""` + scoped + `{}, event "cache miss" {"key":"cart"}`},
		"annotations that only look alike": {nil, `a|{b|0`, `unset ""` + scoped + `{}, event "a|{b|0" {}`},
		"a quoted one":                     {nil, `"said": she`, `unset ""` + scoped + `{}, event "\"said\": she" {}`},
		"one that is a quotation":          {nil, `"so it goes"`, `unset ""` + scoped + `{}, event "\"so it goes\"" {}`},
	} {
		if got := sentByOTel(t, c.tags, c.annotation); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, c.want)
		}
	}
}

func TestAnEventReadsBackFromWhatItWasWrittenAs(t *testing.T) {
	t.Parallel()
	in := plait.Event{TimeNanos: 1000, Name: `say "hi": {}`, Attributes: plait.Attributes{{Key: "n", Value: plait.IntValue(2)}, {Key: "list", Value: plait.ArrayValue(`[1,"x"]`)}}}
	var r otelReader
	if out := r.event(annotation{nanos: 1000, value: eventText(&in)}); out.Name != in.Name || string(out.Attributes.AppendJSON(nil)) != string(in.Attributes.AppendJSON(nil)) {
		t.Errorf("%q reads back as %q %s", eventText(&in), out.Name, out.Attributes.AppendJSON(nil))
	}
}

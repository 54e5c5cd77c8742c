package tracecontext

import (
	"strings"
	"testing"

	"github.com/plaithq/plait"
)

func str(key, value string) plait.Attribute {
	return plait.Attribute{Key: key, Value: plait.StringValue(value)}
}

func TestFromLogReadsAttributes(t *testing.T) {
	t.Parallel()
	full := contextOf(t, traceHex, spanHex, 0)
	low := contextOf(t, traceLow, spanHex, 0)
	sampled := contextOf(t, traceHex, spanHex, Sampled)
	tests := map[string]struct {
		attributes plait.Attributes
		want       Context
	}{
		"OpenTelemetry":           {plait.Attributes{str("trace_id", traceHex), str("span_id", spanHex)}, full},
		"camel case":              {plait.Attributes{str("traceId", traceHex), str("spanId", spanHex)}, full},
		"Pascal case, upper hex":  {plait.Attributes{str("TraceId", strings.ToUpper(traceHex)), str("SpanID", strings.ToUpper(spanHex))}, full},
		"with 0x":                 {plait.Attributes{str("trace_id", "0x"+traceHex), str("span_id", "0X"+strings.ToUpper(spanHex))}, full},
		"with 0x, Datadog":        {plait.Attributes{str("dd.trace_id", "0x"+traceLow), str("dd.span_id", "0x"+spanHex), str("_dd.p.tid", "0x"+traceUpper)}, full},
		"kebab case":              {plait.Attributes{str("trace-id", traceHex), str("span-id", spanHex)}, full},
		"in a diagnostic context": {plait.Attributes{str("mdc.traceId", traceHex), str("mdc.spanId", spanHex)}, full},
		"as bytes": {plait.Attributes{
			{Key: "trace_id", Value: plait.BytesValue(string(full.TraceID[:]))},
			{Key: "span_id", Value: plait.BytesValue(string(full.SpanID[:]))}}, full},
		"Python":      {plait.Attributes{str("otelTraceID", traceHex), str("otelSpanID", spanHex)}, full},
		"Serilog":     {plait.Attributes{str("@tr", traceHex), str("@sp", spanHex)}, full},
		"traceparent": {plait.Attributes{str("traceparent", "00-"+traceHex+"-"+spanHex+"-01")}, sampled},
		"a header as semantic conventions have it": {plait.Attributes{{Key: "http.request.header.traceparent", Value: plait.ArrayValue(`["00-` + traceHex + "-" + spanHex + `-01"]`)}}, sampled},
		"headers as lists in a map": {plait.Attributes{{Key: "http.request.headers", Value: plait.MapValue(
			`{"X-B3-Spanid":["` + spanHex + `"],"X-B3-Traceid":["` + traceHex + `"]}`)}}, full},
		"B3":        {plait.Attributes{str("X-B3-TraceId", traceLow), str("X-B3-SpanId", spanHex)}, low},
		"B3 single": {plait.Attributes{str("b3", traceHex+"-"+spanHex+"-1")}, sampled},
		"Jaeger":    {plait.Attributes{str("uber-trace-id", traceHex+":f067aa0ba902b7:0:1")}, sampled},
		"Datadog":   {plait.Attributes{str("dd.trace_id", traceLowDec), str("dd.span_id", spanDec)}, low},
		"Datadog as integers": {plait.Attributes{
			{Key: "dd.trace_id", Value: plait.IntValue(-2180227475451730029)},
			{Key: "dd.span_id", Value: plait.IntValue(67667974448284343)}}, low},
		"Datadog with the upper half": {plait.Attributes{str("dd.span_id", spanDec), str("_dd.p.tid", traceUpper), str("dd.trace_id", traceLowDec)}, full},
		"Datadog in a map":            {plait.Attributes{{Key: "dd", Value: plait.MapValue(`{"span_id":"` + spanDec + `","trace_id":"` + traceLowDec + `"}`)}}, low},
		"Datadog with the upper half in a map": {plait.Attributes{
			{Key: "_dd", Value: plait.MapValue(`{"p":{"tid":"` + traceUpper + `"}}`)},
			{Key: "dd", Value: plait.MapValue(`{"span_id":"` + spanDec + `","trace_id":"` + traceLowDec + `"}`)}}, full},
		"Datadog with the upper half among attributes in a map": {plait.Attributes{{Key: "attributes", Value: plait.MapValue(
			`{"_dd.p.tid":"` + traceUpper + `","dd.span_id":"` + spanDec + `","dd.trace_id":"` + traceLowDec + `"}`)}}, full},
		"X-Ray":                      {plait.Attributes{str("xray_trace_id", "1-5759e988-bd862e3fe1be46a994272793"), str("span_id", spanHex)}, full},
		"X-Ray header":               {plait.Attributes{str("X-Amzn-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent="+spanHex+";Sampled=1")}, sampled},
		"Google Cloud":               {plait.Attributes{str("logging.googleapis.com/trace", "projects/p/traces/"+traceHex), str("logging.googleapis.com/spanId", spanHex)}, full},
		"Google Cloud, bare":         {plait.Attributes{str("logging.googleapis.com/trace", traceHex), str("logging.googleapis.com/spanId", spanHex)}, full},
		"Google Cloud header":        {plait.Attributes{str("X-Cloud-Trace-Context", traceHex+"/"+spanDec+";o=1")}, sampled},
		"Azure":                      {plait.Attributes{str("operation_Id", traceHex), str("operation_ParentId", spanHex)}, full},
		"Azure table columns":        {plait.Attributes{str("OperationId", traceHex), str("operation_ParentId", "|"+traceHex+"."+spanHex+".")}, full},
		"Azure table columns, short": {plait.Attributes{str("ParentId", spanHex), str("OperationId", traceHex)}, full},
		"Azure beside another":       {plait.Attributes{str("trace_id", traceHex), str("ParentId", spanHex), str("OperationId", traceHex)}, full},
		"a named span wins":          {plait.Attributes{str("ParentId", "1111111111111111"), str("OperationId", traceHex), str("span_id", spanHex)}, full},
		"another's parent":           {plait.Attributes{str("ParentId", spanHex), str("trace_id", traceHex)}, contextOf(t, traceHex, "", 0)},
		"a tree's parent": {plait.Attributes{str("OperationId", traceHex), str("node.ParentId", spanHex),
			{Key: "node", Value: plait.MapValue(`{"ParentId":"` + spanHex + `","parent":{"id":"` + spanHex + `"}}`)},
			{Key: "parent", Value: plait.MapValue(`{"id":"` + spanHex + `"}`)}}, contextOf(t, traceHex, "", 0)},
		"a root's parent":                 {plait.Attributes{str("ParentId", traceHex), str("OperationId", traceHex)}, contextOf(t, traceHex, "", 0)},
		"Azure header":                    {plait.Attributes{str("Request-Id", "|"+traceHex+"."+spanHex+".")}, full},
		"Elastic":                         {plait.Attributes{str("transaction.id", "1111111111111111"), str("span.id", spanHex), str("trace.id", traceHex)}, full},
		"Elastic outside of spans":        {plait.Attributes{str("transaction.id", spanHex), str("trace.id", traceHex)}, full},
		"Elastic, a payment's id":         {plait.Attributes{str("payment.transaction.id", "4711471147114"), str("trace.id", traceHex)}, contextOf(t, traceHex, "", 0)},
		"Elastic in a diagnostic context": {plait.Attributes{str("mdc.trace.id", traceHex), str("mdc.span.id", spanHex)}, full},
		"Elastic in a map":                {plait.Attributes{{Key: "labels", Value: plait.MapValue(`{"trace.id":"` + traceHex + `","transaction.id":"` + spanHex + `"}`)}}, full},
		"Honeycomb":                       {plait.Attributes{str("trace.trace_id", traceHex), str("trace.span_id", spanHex)}, full},
		"Dynatrace":                       {plait.Attributes{str("dt.trace_id", traceHex), str("dt.span_id", spanHex)}, full},
		"the wider of two ids":            {plait.Attributes{str("trace_id", traceLow), str("dt.trace_id", traceHex), str("span_id", spanHex)}, full},
		"zero beside a true one":          {plait.Attributes{str("trace_id", strings.Repeat("0", 32)), str("dd.trace_id", traceLowDec), str("dd.span_id", spanDec)}, low},
	}
	for name, tt := range tests {
		got, ok := FromLog(&plait.LogRecord{Attributes: tt.attributes, Body: plait.StringValue("done")})
		if !ok || got != tt.want {
			t.Errorf("%s: got %v %v %d %v, want %v %v %d", name, got.TraceID, got.SpanID, got.Sampled, ok,
				tt.want.TraceID, tt.want.SpanID, tt.want.Sampled)
		}
	}
}

func TestFromLogReadsBodies(t *testing.T) {
	t.Parallel()
	const xrayID = "1-5759e988-bd862e3fe1be46a994272793"
	full := contextOf(t, traceHex, spanHex, 0)
	low := contextOf(t, traceLow, spanHex, 0)
	traceOnly := contextOf(t, traceHex, "", 0)
	sampled := contextOf(t, traceHex, spanHex, Sampled)
	tests := map[string]Context{
		// Text.
		"16:48:42.407 INFO  t.s.Impl#518 TraceID: " + traceHex + " SpanID: " + spanHex + " [get][Route ID：f3d4d4ef-693b-4456-8eed-59c0d717dd08]": full,
		"paid trace_id=" + traceHex + " span_id=" + spanHex:                                         full,
		"paid trace_id=" + traceHex + ", span_id=" + spanHex + ".":                                  full,
		"level=info msg=paid trace_id=\"" + traceHex + "\" span_id=\"" + spanHex + "\"":             full,
		"[traceId=" + traceHex + ",spanId=" + spanHex + "] paid":                                    full,
		"paid {traceId: " + traceHex + "; spanId: " + spanHex + "}":                                 full,
		"Trace ID: " + traceHex + " Span ID: " + spanHex:                                            full,
		"paid trace_id=0x" + traceHex + ", span_id=0x" + spanHex + ".":                              full,
		"paid trace_id=0X" + strings.ToUpper(traceHex) + " span_id=0xf067aa0ba902b7":                full,
		"traceparent: 00-" + traceHex + "-" + spanHex + "-01":                                       sampled,
		"GET / HTTP/1.1 00-" + traceHex + "-" + spanHex + "-01":                                     sampled,
		"INFO [orders," + traceHex + "," + spanHex + ",true] 1 --- paid":                            full,
		"INFO [orders," + traceLow + "," + spanHex + "] 1 --- paid":                                 low,
		"INFO [orders] [nio-8080-exec-1] [" + traceHex + "-" + spanHex + "] c.a.Pay : paid":         full,
		"X-B3-TraceId: " + traceLow + " X-B3-SpanId: " + spanHex:                                    low,
		"b3=" + traceHex + "-" + spanHex + "-1 paid":                                                sampled,
		"uber-trace-id=" + traceHex + ":f067aa0ba902b7:0:1 paid":                                    sampled,
		"uber-trace-id: " + traceHex + "%3Af067aa0ba902b7%3A0%3A1":                                  sampled,
		"[dd.service=a dd.env=b dd.trace_id=" + traceLowDec + " dd.span_id=" + spanDec + "] paid":   low,
		"_dd.p.tid=" + traceUpper + " dd.trace_id=" + traceLowDec + " dd.span_id=" + spanDec:        full,
		"dd.trace_id=\"" + traceLowDec + "\" dd.span_id=\"" + spanDec + "\"":                        low,
		"AWS-XRAY-TRACE-ID: " + xrayID + "@" + spanHex + " paid":                                    full,
		"[" + xrayID + "] paid, span_id=" + spanHex:                                                 full,
		"header Root=" + xrayID + ";Parent=" + spanHex + ";Sampled=1 seen":                          sampled,
		"Self=1-67891234-12456789abcdef0123456789;Root=" + xrayID:                                   traceOnly,
		"RequestId: 8f50c3a4-0a9b-4e0e-9c0a-1f0c2b7f7a11 XRAY TraceId: " + xrayID + " SegmentId: x": traceOnly,
		"REPORT RequestId: 8f50c3a4-0a9b-4e0e-9c0a-1f0c2b7f7a11\tDuration: 5 ms\tBilled Duration: 6 ms\t\nXRAY TraceId: " + xrayID + "\tSegmentId: " + spanHex + "\tSampled: true\t\n": full,
		"REPORT RequestId: 8f50c3a4-0a9b-4e0e-9c0a-1f0c2b7f7a11 XRAY TraceId: " + xrayID + " SegmentId: " + spanHex + " Sampled: true":                                                 full,
		"trace_id=" + traceHex + " SegmentId: " + spanHex:                                  traceOnly,
		"XRAY TraceId: " + xrayID + " SegmentId: " + spanHex + " span_id=1111111111111111": contextOf(t, traceHex, "1111111111111111", 0),
		"XRAY TraceId: " + xrayID + " trace.SegmentId=" + spanHex:                          traceOnly,
		"X-Cloud-Trace-Context: " + traceHex + "/" + spanDec + ";o=1":                      sampled,
		"see projects/shop/traces/" + traceHex:                                             traceOnly,
		"Request-Id: |" + traceHex + "." + spanHex + ".":                                   full,
		"operation_Id=" + traceHex + " operation_ParentId=" + spanHex:                      full,
		"[!dt dt.trace_id=" + traceHex + ",dt.span_id=" + spanHex + "] paid":               full,
		"trace.id=" + traceHex + " transaction.id=" + spanHex:                              full,
		"trace_id=5759e988-bd86-2e3f-e1be-46a994272793 span_id=" + spanHex:                 full,

		// JSON.
		`{"msg":"paid","trace_id":"` + traceHex + `","span_id":"` + spanHex + `"}`:                                                                  full,
		` {"msg":"a \"quoted\" word","traceId" : "` + traceHex + `" , "spanId":"` + spanHex + `"}`:                                                  full,
		`{"dd":{"trace_id":"` + traceLowDec + `","span_id":"` + spanDec + `","service":"a"},"message":"m"}`:                                         low,
		`{"dd":{"trace_id":` + traceLowDec + `,"span_id":` + spanDec + `}}`:                                                                         low,
		`{"dd.trace_id":"` + traceLowDec + `","dd.span_id":"` + spanDec + `"}`:                                                                      low,
		`{"logging.googleapis.com/trace":"projects/p/traces/` + traceHex + `","logging.googleapis.com/spanId":"` + spanHex + `"}`:                   full,
		`{"logging.googleapis.com\/trace":"projects\/p\/traces\/` + traceHex + `","span_id":"` + spanHex + `"}`:                                     full,
		`{"trace":{"id":"` + traceHex + `"},"transaction":{"id":"1111111111111111"},"span":{"id":"` + spanHex + `"}}`:                               full,
		`{"message":"m","mdc":{"trace.id":"` + traceHex + `","span.id":"` + spanHex + `"}}`:                                                         full,
		`{"labels":{"trace.id":"` + traceHex + `","transaction.id":"` + spanHex + `"}}`:                                                             full,
		`{"context":{"dt.trace.id":"` + traceHex + `","dt.span.id":"` + spanHex + `"}}`:                                                             full,
		`{"mdc":{"trace":{"id":"` + traceHex + `"},"span":{"id":"` + spanHex + `"}}}`:                                                               full,
		`{"dd":{"trace_id":"` + traceLowDec + `","span_id":"` + spanDec + `"},"_dd":{"p":{"tid":"` + traceUpper + `"}}}`:                            full,
		`{"attributes":{"dd.trace_id":"` + traceLowDec + `","dd.span_id":` + spanDec + `,"_dd.p.tid":"` + traceUpper + `"}}`:                        full,
		`{"context":{"logging.googleapis.com/trace":"projects/p/traces/` + traceHex + `","logging.googleapis.com/spanId":"` + spanHex + `"}}`:       full,
		`{"request":{"headers":{"Traceparent":["00-` + traceHex + "-" + spanHex + `-01"],"accept":["a","b"]}}}`:                                     sampled,
		`{"headers":{"X-Datadog-Trace-Id":[ "` + traceLowDec + `" ],"X-Datadog-Parent-Id":["` + spanDec + `"]},"msg":"m"}`:                          low,
		`{"x-cloud-trace-context":["` + traceHex + `\/` + spanDec + `;o=1"],"a":1}`:                                                                 sampled,
		`{"b3":[],"traceparent":[["x"]],"uber-trace-id":[null],"Request-Id":["|` + traceHex + "." + spanHex + `."]}`:                                full,
		`{"headers":{"Traceparent":["00-` + traceHex + "-" + spanHex + `-01`:                                                                        sampled,
		`{"OperationId":"` + traceHex + `","ParentId":"` + spanHex + `","Message":"paid"}`:                                                          full,
		`{"trace_id":"` + traceHex + `","ParentId":"` + spanHex + `"}`:                                                                              traceOnly,
		`{"OperationId":"` + traceHex + `","node":{"ParentId":"` + spanHex + `"}}`:                                                                  traceOnly,
		`{"message":"REPORT Duration: 5 ms\tBilled Duration: 6 ms\t\nXRAY TraceId: ` + xrayID + `\tSegmentId: ` + spanHex + `\tSampled: true\t\n"}`: full,
		`{"message":"paid\ttrace_id=` + traceHex + `\nspan_id=` + spanHex + `\n"}`:                                                                  full,
		`{"message":"C:\\trace_id=` + traceHex + `"}`:                                                                                               traceOnly,
		`{"traceId":"0x` + traceHex + `","spanId":"0x` + spanHex + `"}`:                                                                             full,
		`{"context":{"tags":[{"a":"b"}],"trace_id":"` + traceHex + `","span_id":"` + spanHex + `"}}`:                                                full,
		`{"a":{"b":{"trace_id":"` + traceHex + `"}},"n":null,"x":[1,{"trace_id":"z"}],"span_id":"` + spanHex + `"}`:                                 full,
		`{"traceId":"V1npiL2GLj/hvkaplCcnkw==","spanId":"APBnqgupArc="}`:                                                                            full,
		`{"level":"info","message":"paid trace_id=` + traceHex + ` span_id=` + spanHex + `"}`:                                                       full,
		`{"log":"{\"trace_id\":\"` + traceHex + `\",\"span_id\":\"` + spanHex + `\"}\n","stream":"stdout"}`:                                         full,
		`{"trace_id":"` + traceHex + `","span_id":"` + spanHex + `","message":"cut sho`:                                                             full,
		`{orderId} trace_id=` + traceHex + ` span_id=` + spanHex:                                                                                    full,
		`{"link":{"trace_id":"11111111111111111111111111111111"},"trace_id":"` + traceHex + `","span_id":"` + spanHex + `"}`:                        full,
	}
	for body, want := range tests {
		bodies := []plait.Value{plait.StringValue(body)}
		if strings.HasPrefix(body, `{"`) {
			bodies = append(bodies, plait.MapValue(body))
		}
		for _, b := range bodies {
			got, ok := FromLog(&plait.LogRecord{Body: b})
			if !ok || got != want {
				t.Errorf("%s\n got %v %v %d %v, want %v %v %d", body, got.TraceID, got.SpanID, got.Sampled, ok,
					want.TraceID, want.SpanID, want.Sampled)
			}
		}
	}
}

func TestFromLogTakesNothingElseForATraceID(t *testing.T) {
	t.Parallel()
	bodies := []string{
		"",
		"request " + traceHex + " done",
		"request_id=" + traceHex + " order=5759e988-bd86-2e3f-e1be-46a994272793",
		"commit 5759e988bd862e3fe1be46a994272793aabbccdd",
		"X-Request-Id: " + traceHex,
		"Request-Id: " + traceHex,
		"correlation-id: " + traceHex,
		"trace_id=00000000000000000000000000000000 span_id=0000000000000000",
		"dd.trace_id=0 dd.span_id=0",
		"trace_id=- span_id=-",
		"trace_id=0x7ffd5e8a1234 is an address",
		"0x" + traceHex,
		"order=0x" + traceHex,
		"trace_id=" + traceHex + "00 is too long",
		"dd.trace_id=18446744073709551616",
		"GET /api/traces/" + traceHex + " 200",
		"span_id=" + spanHex,
		"parent_span_id=" + spanHex,
		"[" + traceHex + "]",
		"[a b," + traceHex + "," + spanHex + "]",
		"[orders,,,]",
		"2-5759e988-bd862e3fe1be46a994272793",
		"Self=1-67891234-12456789abcdef0123456789",
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01",
		`{"trace":"at main.go:1","id":"` + traceHex + `","user":{"id":"` + traceLow + `"}}`,
		`{"link":{"trace_id":"` + traceHex + `"}}`,
		`{"links":[{"trace_id":"` + traceHex + `"}]}`,
		`{"link":{"context":{"trace_id":"` + traceHex + `"}}}`,
		`{"link":{"mdc.trace_id":"` + traceHex + `"}}`,
		`{"parent":{"traceparent":"00-` + traceHex + "-" + spanHex + `-01"}}`,
		`{"a":{"b":{"c":{"d":{"trace_id":"` + traceHex + `"}}}}}`,
		`{"trace_id":null,"span_id":7,"order":{"root":"` + traceHex + `"}}`,
		`{"_dd.p.tid":"` + traceUpper + `"}`,
		`{"ParentId":"` + spanHex + `","SegmentId":"` + spanHex + `"}`,
		"ParentId=" + spanHex + " SegmentId=" + spanHex,
		`{"trace_id":["` + traceHex + `"]}`,
		`{"links":["00-` + traceHex + "-" + spanHex + `-01"]}`,
		`{"links":{"traceparent":["00-` + traceHex + "-" + spanHex + `-01"]}}`,
		`{"traceparent":[17,"00-` + traceHex + "-" + spanHex + `-01"]}`,
		`{"db":{"operation.id":"` + traceHex + `"}}`,
		`{"mdc":{"link.trace.id":"` + traceHex + `","trace.id.link":"` + traceHex + `"}}`,
		strings.Repeat("abcdefgh,", 1000),
		strings.Repeat("{", 1000),
	}
	for _, body := range bodies {
		if got, ok := FromLog(&plait.LogRecord{Body: plait.StringValue(body)}); ok {
			t.Errorf("%.200s: found %v", body, got.TraceID)
		}
	}
	attributes := plait.Attributes{
		str("request_id", traceHex), str("id", traceHex), str("parent.trace_id", traceHex), str("links.0.trace_id", traceHex), str("db.operation.id", traceHex), str("trace", "at main.go:1"),
		str("span_id", spanHex), str("trace_id", "42"), str("user.id", traceLow), str("stack.trace", traceHex[1:]),
		{Key: "otel.link", Value: plait.MapValue(`{"context":{"trace_id":"` + traceHex + `"}}`)},
		{Key: "link.traceparent", Value: plait.ArrayValue(`["00-` + traceHex + "-" + spanHex + `-01"]`)},
		{Key: "trace_id", Value: plait.ArrayValue(`["` + traceHex + `"]`)},
		{Key: "trace_id", Value: plait.IntValue(7)}, {Key: "trace_id", Value: plait.BoolValue(true)},
		{Key: "trace_id", Value: plait.DoubleValue(1e18)}, {Key: "trace_id", Value: plait.BytesValue("x")},
	}
	if got, ok := FromLog(&plait.LogRecord{Attributes: attributes}); ok {
		t.Errorf("found %v in attributes that name no trace", got.TraceID)
	}
}

func TestFromLogTrustsAttributesBeforeTheBody(t *testing.T) {
	t.Parallel()
	got, ok := FromLog(&plait.LogRecord{
		Attributes: plait.Attributes{str("dd.trace_id", traceLowDec)},
		Body:       plait.StringValue("trace_id=11111111111111111111111111111111"),
	})
	if want := contextOf(t, traceLow, "", 0); !ok || got != want {
		t.Errorf("got %v, want the attribute's %v", got, want)
	}
}

func TestFromLogFindsEachEcosystemsSpellings(t *testing.T) {
	t.Parallel()
	c := contextOf(t, traceHex, spanHex, Sampled)
	for i := range ecosystems {
		var line strings.Builder
		var attributes plait.Attributes
		for _, s := range ecosystems[i].spell(c) {
			line.WriteString(" " + s.Name + "=" + s.Value)
			attributes = append(attributes, str(s.Name, s.Value))
		}
		for place, rec := range map[string]*plait.LogRecord{
			"text":       {Body: plait.StringValue("paid" + line.String())},
			"attributes": {Attributes: attributes},
		} {
			got, ok := FromLog(rec)
			if !ok || got.TraceID != c.TraceID || got.SpanID != c.SpanID {
				t.Errorf("%s: in the %s of %q: got %v %v", ecosystems[i].name, place, line.String(), got.TraceID, got.SpanID)
			}
		}
	}
}

func FuzzFromLog(f *testing.F) {
	f.Add("trace_id", traceHex, `{"dd":{"trace_id":"`+traceLowDec+`"}}`)
	f.Add("X-Amzn-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793", "[orders,"+traceHex+","+spanHex+",true]")
	f.Add("dd", `{"a":{"b":[{"\"`, "TraceID: "+traceHex+" SpanID: "+spanHex)
	f.Fuzz(func(t *testing.T, key, value, body string) {
		for _, rec := range []*plait.LogRecord{
			{Attributes: plait.Attributes{str(key, value)}, Body: plait.StringValue(body)},
			{Attributes: plait.Attributes{{Key: key, Value: plait.MapValue(value)}}, Body: plait.MapValue(body)},
			{Attributes: plait.Attributes{{Key: key, Value: plait.BytesValue(value)}}, Body: plait.ArrayValue(body)},
		} {
			c, ok := FromLog(rec)
			if ok == c.TraceID.IsZero() {
				t.Errorf("found %v, %v", c, ok)
			}
		}
	})
}

const plainLine = "16:48:42.407 INFO  t.s.TravelServiceImpl#518 [getRouteByRouteId][Get Route By Id] " +
	"Route is: Route(id=f3d4d4ef-693b-4456-8eed-59c0d717dd08, stations=[shanghai, suzhou])"

func TestFromLogAllocatesNothing(t *testing.T) {
	rec := &plait.LogRecord{Body: plait.StringValue(plainLine), Attributes: plait.Attributes{
		str("user.id", "u-17"), str("order.id", "5759e988-bd86-2e3f-e1be-46a994272793"),
	}}
	if n := testing.AllocsPerRun(100, func() { FromLog(rec) }); n != 0 {
		t.Errorf("a record without ids costs %v allocations", n)
	}
}

func BenchmarkFromLog(b *testing.B) {
	records := map[string]*plait.LogRecord{
		"none/text": {Body: plait.StringValue("order 4711 paid by customer 17 with card ending 0042 after 3 attempts in 182 ms")},
		"none/uuid": {Body: plait.StringValue(plainLine)},
		"none/attributes": {Body: plait.StringValue("paid"), Attributes: plait.Attributes{
			str("user.id", "u-17"), str("http.route", "/cart"), str("code.function", "pay"), str("thread.name", "main"),
			str("order.id", "5759e988-bd86-2e3f-e1be-46a994272793"),
		}},
		"none/json": {Body: plait.StringValue(`{"level":"info","ts":"2026-11-21T10:00:00Z","caller":"pay.go:17","msg":"paid","order":4711,"user":{"id":"u-17","tier":"gold"}}`)},
		"none/labels": {Body: plait.StringValue(`{"kubernetes":{"pod":{"name":"a","id":"x"},"labels":{"app.kubernetes.io/component":"web",` +
			`"app.kubernetes.io/instance":"i","pod-template-hash":"abc"}},"tags":["a","b"],"request":{"headers":{"accept":["a"],"host":["h"]}},"msg":"paid"}`)},
		"text":       {Body: plait.StringValue(plainLine + " trace_id=" + traceHex + " span_id=" + spanHex)},
		"json":       {Body: plait.StringValue(`{"level":"info","msg":"paid","dd":{"trace_id":"` + traceLowDec + `","span_id":"` + spanDec + `"}}`)},
		"attributes": {Attributes: plait.Attributes{str("trace_id", traceHex), str("span_id", spanHex)}},
	}
	for name, rec := range records {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				FromLog(rec)
			}
		})
	}
}

package ingest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/openzipkin/zipkin-go"
	"github.com/openzipkin/zipkin-go/idgenerator"
	"github.com/openzipkin/zipkin-go/model"
	"github.com/openzipkin/zipkin-go/proto/zipkin_proto3"
	"github.com/openzipkin/zipkin-go/reporter"
	zipkinhttp "github.com/openzipkin/zipkin-go/reporter/http"

	"github.com/plaithq/plait"
)

func zipkinDoors() []traceDoor {
	const flaw = `{"traceId":"1","id":"no hex","name":"bad","timestamp":1795000000000000}`
	asJSON := func(text func(byte) string) (checkout, flawed func(testing.TB, byte) []byte) {
		return func(_ testing.TB, number byte) []byte { return []byte(text(number)) },
			func(_ testing.TB, number byte) []byte {
				return []byte(strings.TrimSuffix(text(number), "]") + "," + flaw + "]")
			}
	}
	second, flawedSecond := asJSON(zipkinJSON)
	first, flawedFirst := asJSON(zipkinFirst)
	const reason = `1 refused: span 2 ("bad"): id: span id`
	return []traceDoor{
		{name: "Zipkin v2 JSON", path: "/api/v2/spans", headers: []string{"Content-Type: application/json; charset=utf-8"}, code: http.StatusAccepted,
			checkout: second, flawed: flawedSecond, reason: reason, malformed: `{"traceId":"1"}`},
		{name: "Zipkin v2 protobuf", path: "/api/v2/spans", headers: []string{"Content-Type: application/x-protobuf"}, code: http.StatusAccepted,
			checkout: func(_ testing.TB, number byte) []byte { return zipkinProtobuf(number) },
			flawed: func(_ testing.TB, number byte) []byte {
				return joinBytes(zipkinProtobuf(number), pb(1, pb(5, "bad")))
			}, reason: `1 refused: span 2 ("bad"): trace_id has 0 bytes`, malformed: "hello"},
		{name: "Zipkin v1 JSON", path: "/api/v1/spans", headers: []string{"Content-Type: application/json"}, code: http.StatusAccepted,
			checkout: first, flawed: flawedFirst, reason: reason, malformed: `"spans"`},
	}
}

func zipkinJSON(number byte) string {
	return fmt.Sprintf(`[{"traceId":"%[1]s","id":"0102030405060701","kind":"SERVER","name":"GET /cart","timestamp":%[2]d,"duration":%[3]d,
	"localEndpoint":{"serviceName":"shop"},"tags":{"http.method":"GET"}},
	{"traceId":"%[1]s","id":"0102030405060702","parentId":"0102030405060701","kind":"CLIENT","name":"charge card","timestamp":%[4]d,"duration":%[5]d,
	"localEndpoint":{"serviceName":"shop"},"remoteEndpoint":{"serviceName":"bank"},"tags":{"error":"refused"}}]`,
		testTraceID(number), checkoutStart/1000, checkoutTook/1000, chargeStart/1000, chargeTook/1000)
}

func zipkinFirst(number byte) string {
	const shop = `"endpoint":{"serviceName":"shop"}`
	return fmt.Sprintf(`[{"traceId":"%[1]s","id":"0102030405060701","name":"GET /cart","timestamp":%[2]d,"duration":%[3]d,
	"annotations":[{"timestamp":%[2]d,"value":"sr",%[6]s}],"binaryAnnotations":[{"key":"http.method","value":"GET",%[6]s}]},
	{"traceId":"%[1]s","id":"0102030405060702","parentId":"0102030405060701","name":"charge card",
	"annotations":[{"timestamp":%[4]d,"value":"cs",%[6]s},{"timestamp":%[5]d,"value":"cr",%[6]s}],"binaryAnnotations":[{"key":"error","value":"refused",%[6]s}]}]`,
		testTraceID(number), checkoutStart/1000, checkoutTook/1000, chargeStart/1000, (chargeStart+chargeTook)/1000, shop)
}

func zipkinProtobuf(number byte) []byte {
	id := testTraceID(number)
	ids := func(span byte) []byte { return joinBytes(pb(1, id[:]), pb(3, []byte{1, 2, 3, 4, 5, 6, 7, span})) }
	shop := pb(8, pb(1, "shop"))
	tag := func(key, value string) []byte { return pb(11, joinBytes(pb(1, key), pb(2, value))) }
	return joinBytes(
		pb(1, joinBytes(ids(1), pbVarint(4, 2), pb(5, "GET /cart"), pbFixed(6, checkoutStart/1000), pbVarint(7, checkoutTook/1000),
			shop, tag("http.method", "GET"))),
		pb(1, joinBytes(ids(2), pb(2, []byte{1, 2, 3, 4, 5, 6, 7, 1}), pbVarint(4, 1), pb(5, "charge card"), pbFixed(6, chargeStart/1000), pbVarint(7, chargeTook/1000),
			shop, tag("error", "refused"))))
}

func TestZipkinsOwnClientSends(t *testing.T) {
	t.Parallel()
	ts := start(t)
	for name, serializer := range map[string]reporter.SpanSerializer{"JSON": reporter.JSONSerializer{}, "protobuf": zipkin_proto3.SpanSerializer{}} {
		for bits, ids := range map[string]idgenerator.IDGenerator{"64": idgenerator.NewRandom64(), "128": idgenerator.NewRandom128()} {
			t.Run(name+" "+bits, func(t *testing.T) {
				sender := zipkinhttp.NewReporter("http://"+ts.HTTPAddr().String()+"/api/v2/spans", zipkinhttp.Serializer(serializer))
				endpoint, err := zipkin.NewEndpoint("shop", "10.0.0.1:80")
				if err != nil {
					t.Fatal(err)
				}
				tracer, err := zipkin.NewTracer(sender, zipkin.WithLocalEndpoint(endpoint), zipkin.WithIDGenerator(ids))
				if err != nil {
					t.Fatal(err)
				}
				root := tracer.StartSpan("checkout", zipkin.Kind(model.Server))
				child := tracer.StartSpan("charge card", zipkin.Parent(root.Context()), zipkin.Kind(model.Client))
				child.Tag("card", "visa")
				child.Finish()
				root.Finish()
				if err := sender.Close(); err != nil {
					t.Fatal(err)
				}
				sent := root.Context().TraceID
				trace, err := ts.store.Trace(t.Context(), idOfHalves(sent.High, sent.Low), 10)
				if err != nil || len(trace.Spans) != 2 {
					t.Fatalf("%d spans are stored: %v", len(trace.Spans), err)
				}
				first, second := trace.Spans[0], trace.Spans[1]
				if card, _ := second.Attributes.Get("card"); first.Name != "checkout" || first.Kind != plait.SpanKindServer || first.Resource.Service() != "shop" ||
					second.Kind != plait.SpanKindClient || second.ParentSpanID != first.SpanID || card.Str() != "visa" {
					t.Errorf("stored: %+v", trace.Spans)
				}
			})
		}
	}
}

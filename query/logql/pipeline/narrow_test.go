package pipeline_test

import (
	"testing"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/logql"
	"github.com/plaithq/plait/query/logql/pipeline"
)

func TestTheStoreIsAskedForNoMoreThanAQueryMayKeep(t *testing.T) {
	t.Parallel()
	text := func(key, value string) plait.Attribute {
		return plait.Attribute{Key: key, Value: plait.StringValue(value)}
	}
	record := &plait.LogRecord{
		Body: plait.StringValue("payment refused"), Severity: 17, SeverityText: "ERROR",
		TraceID: plait.TraceID{0x4b, 15: 0x36}, SpanID: plait.SpanID{0xf0, 7: 1},
		Attributes: plait.Attributes{text("http.route", "/pay"), {Key: "n", Value: plait.IntValue(5)}},
		Resource:   &plait.Resource{Attributes: plait.Attributes{text("service.name", "cart"), text("k8s.pod.name", "p-1")}},
		Scope:      &plait.Scope{Name: "lib"},
	}
	for query, may := range map[string]bool{
		`{service_name="cart"}`:                                               true,
		`{service_name="shop"}`:                                               false,
		`{service_name=~"c.+", k8s_pod_name!="p-2", region=""}`:               true,
		`{service_name="cart", region!=""}`:                                   false,
		`{service_name="cart"} |= "refused" != "test"`:                        true,
		`{service_name="cart"} |= "Refused"`:                                  false,
		`{service_name="cart"} != "x" or "refused"`:                           false,
		`{service_name="cart"} |= "x" or "refused"`:                           true,
		`{service_name="cart"} |~ "x|refused"`:                                true,
		`{service_name="cart"} |~ "^x"`:                                       true, // the pipeline's business
		`{service_name="cart"} |= ""`:                                         true,
		`{service_name="cart"} != ""`:                                         false,
		`{service_name="cart"} |> "<_> x"`:                                    true,
		`{service_name="cart"} | http_route="/pay" and n="5"`:                 true,
		`{service_name="cart"} | http_route="/" or n="6"`:                     false,
		`{service_name="cart"} | http_route="/" or n>6`:                       true,
		`{service_name="cart"} | n>6`:                                         true,
		`{service_name="cart"} | trace_id="4b000000000000000000000000000036"`: true,
		`{service_name="cart"} | trace_id="4b000000000000000000000000000037"`: false,
		`{service_name="cart"} | trace_id="4b"`:                               true,
		`{service_name="cart"} | span_id="f000000000000001"`:                  true,
		`{service_name="cart"} | span_id="f000000000000002"`:                  false,
		`{service_name="cart"} | detected_level="error"`:                      true,
		`{service_name="cart"} | detected_level=~"warn|info"`:                 false,
		`{service_name="cart"} | severity_text="ERROR", scope_name="lib"`:     true,
		`{service_name="cart"} | logfmt | http_route="/" |= "x"`:              true,
		`{service_name="cart"} | drop n |= "x"`:                               true,
		`{service_name="cart"} | __error__="" | n_extracted="7"`:              true,
	} {
		l, err := logql.ParseLog(query)
		if err != nil {
			t.Fatal(err)
		}
		n, err := pipeline.Narrow(l)
		if err != nil {
			t.Fatal(err)
		}
		c, err := condition.CompileLogs(n)
		if err != nil {
			t.Errorf("%s: %s: %v", query, n, err)
		} else if c.Match(record) != may {
			t.Errorf("%s: %s is %v", query, n, !may)
		}
	}
}

package entry_test

import (
	"testing"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/logql"
	"github.com/plaithq/plait/query/logql/entry"
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
	mapping, err := entry.NewMapping(entry.DefaultLabels())
	if err != nil {
		t.Fatal(err)
	}
	for query, may := range map[string]bool{
		`{service_name="cart"}`:                                                            true,
		`{service_name="shop"}`:                                                            false,
		`{service_name=~"c.+", k8s_pod_name!="p-2", region=""}`:                            true,
		`{service_name="cart", region!=""}`:                                                false,
		`{service_name="cart"} |= "refused" != "test"`:                                     true,
		`{service_name="cart"} |= "Refused"`:                                               false,
		`{service_name="cart"} != "x" or "refused"`:                                        false,
		`{service_name="cart"} |= "x" or "refused"`:                                        true,
		`{service_name="cart"} |~ "x|refused"`:                                             true,
		`{service_name="cart"} |~ "^x"`:                                                    true, // the pipeline's business
		`{service_name="cart"} |= ""`:                                                      true,
		`{service_name="cart"} != ""`:                                                      false,
		`{service_name="cart"} |> "<_> x"`:                                                 true,
		`{service_name="cart"} | http_route="/pay" and n="5"`:                              true,
		`{service_name="cart"} | http_route="/" or n="6"`:                                  false,
		`{service_name="cart"} | http_route="/" or n>6`:                                    true,
		`{service_name="cart"} | http_route=~"/pay|/"`:                                     true,
		`{service_name="cart"} | http_route=~"/|6"`:                                        false,
		`{service_name="cart"} | n=~"5.0|6"`:                                               true, // the pipeline's business
		`{service_name="cart"} | trace_id=~"4b000000000000000000000000000036|4b"`:          true,
		`{service_name="cart"} | trace_id=~"4b000000000000000000000000000037|4b"`:          false,
		`{service_name="cart"} | trace_id=""`:                                              false,
		`{service_name="cart"} | json | trace_id="" or n="6"`:                              false,
		`{service_name="cart"} | trace_id=~"|4b000000000000000000000000000037"`:            false,
		`{service_name="cart"} | trace_id=~"|4b000000000000000000000000000036"`:            true,
		`{service_name="cart"} | span_id=""`:                                               false,
		`{service_name="cart"} | label_format trace_id=n | trace_id=""`:                    true, // the pipeline's business
		`{service_name="cart"} | trace_id=~"4b.*"`:                                         true,
		`{service_name="cart"} | trace_id!="4b000000000000000000000000000036"`:             true, // the pipeline's business
		`{service_name="cart"} | json | user_id="refused"`:                                 true,
		`{service_name="cart"} | json | user_id="u-1"`:                                     false,
		`{service_name="cart"} | json | user_id=~"u-1|u-2"`:                                false,
		`{service_name="cart"} | json | user_id="u/1"`:                                     true,
		`{service_name="cart"} | json | user_id!="u-1"`:                                    true,
		`{service_name="cart"} | json | user_id=""`:                                        true,
		`{service_name="cart"} | line_format "{{.x}}" | json | user_id="u-1"`:              true,
		`{service_name="cart"} | line_format "{{.x}}" | json | span_id="f000000000000002"`: true,
		`{service_name="cart"} | json | http_route="/pay"`:                                 true,
		`{service_name="cart"} | n>6`:                                                      true,
		`{service_name="cart"} | trace_id="4b000000000000000000000000000036"`:              true,
		`{service_name="cart"} | trace_id="4b000000000000000000000000000037"`:              false,
		`{service_name="cart"} | trace_id="4b"`:                                            false,
		`{service_name="cart"} | span_id="f000000000000001"`:                               true,
		`{service_name="cart"} | span_id="f000000000000002"`:                               false,
		`{service_name="cart"} | detected_level="error"`:                                   true,
		`{service_name="cart"} | detected_level=~"warn|info"`:                              false,
		`{service_name="cart"} | severity_text="ERROR", scope_name="lib"`:                  true,
		`{service_name="cart"} | logfmt | http_route="/" |= "x"`:                           false,
		`{service_name="cart"} | drop n |= "x"`:                                            false,
		`{service_name="cart"} | __error__="" | n_extracted="7"`:                           true,
		`{region!="eu", service_name="cart"}`:                                              true,
		`{http_route="/pay"}`:                                                              false,
		`{service_name="cart"} | n="5.0"`:                                                  true, // the pipeline's business
		`{service_name="cart"} |= "4B000000000000000000000000000036"`:                      true, // of the record's trace
		`{service_name="cart"} |= "f000000000000001"`:                                      true,
		`{service_name="cart"} |= "4b000000000000000000000000000037"`:                      false,
		`{service_name="cart"} | json | logfmt | drop __error__ | trace_id="4b000000000000000000000000000036" | span_id="f000000000000002"`:                                      false,
		`{service_name="cart"} | json | detected_level="warn"`:                                                                                                                   false,
		"{service_name=\"cart\"} | label_format x=`{{ contains \"4b000000000000000000000000000037\" __line__  }}` | x=\"true\" OR trace_id=\"4b000000000000000000000000000037\"": false,
		"{service_name=\"cart\"} | label_format x=`{{ contains \"refused\" __line__  }}` | x=\"true\" OR trace_id=\"4b000000000000000000000000000037\"":                          true,
		"{service_name=\"cart\"} | label_format x=`{{ contains \"a\" __line__  }}` | x=\"true\" OR trace_id=\"4b000000000000000000000000000036\"":                                true,
		`{service_name="cart"} | distinct n |= "x"`:        true,
		`{service_name="cart"} | line_format "x" |= "nil"`: true,
	} {
		l, err := logql.ParseLog(query)
		if err != nil {
			t.Fatal(err)
		}
		n, err := mapping.Narrow(l)
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

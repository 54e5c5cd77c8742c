package condition_test

import (
	"testing"
	"time"

	"github.com/plaithq/plait"
	. "github.com/plaithq/plait/query/condition"
)

// busySpan is one as instrumented services send them.
func busySpan() *plait.Span {
	s := spanWith(has("http.request.method", "GET", "url.path", "/cart/42", "http.response.status_code", 503, "user.id", "u-4711", "retry", true,
		"server.address", "cart.shop.svc", "server.port", 8080, "tags", plait.ArrayValue(`["gold","silver"]`)), "k8s.pod.name", "cart-7", "deployment.environment", "production")
	s.TraceID, s.SpanID, s.Kind, s.Status = plait.TraceID{1}, plait.SpanID{2}, plait.SpanKindServer, plait.StatusError
	s.StartNanos, s.EndNanos = 1_700_000_000_000_000_000, 1_700_000_000_250_000_000
	return s
}

// hot are the leaves that most questions ask, each of which fits busySpan or seems to.
var hot = map[string]Node{
	"service":         equal(Field{Name: Service}, String("cart")),
	"name":            equal(Field{Name: SpanName}, String("GET /cart")),
	"status":          equal(Field{Name: SpanStatus}, Status(plait.StatusError)),
	"duration":        compare(Field{Name: SpanDuration}, OpGreater, Duration(100*time.Millisecond)),
	"traceID":         equal(Field{Name: TraceID}, OfTrace(plait.TraceID{1})),
	"attributeInt":    equal(own("http.response.status_code"), Int(503)),
	"attributeString": equal(own("user.id"), String("u-4711")),
	"attributeSaid":   equal(Field{Name: SpanAttribute, Key: "http.response.status_code", Lookup: LookupDotted}, Said("503")),
	"attributeAbsent": SpanOrResource("nobody.has.it", func(f Field) Node { return equal(f, String("x")) }),
	"regexpWords":     compare(Field{Name: SpanName}, OpRegexp, String("GET /cart|POST /cart|GET /")),
	"regexpPrefix":    compare(own("url.path"), OpRegexp, String("/cart/.*")),
	"regexp":          compare(own("url.path"), OpRegexp, String(`/cart/\d+`)),
	"label":           must(Label(own("user.id"), "!=", "nobody")),
	"and": And{equal(Field{Name: Service}, String("cart")), equal(Field{Name: SpanKind}, Kind(plait.SpanKindServer)),
		compare(own("http.response.status_code"), OpGreaterOrEqual, Int(500))},
}

const logLine = `2026-11-21T10:00:00Z level=error msg="payment refused by the bank, will be tried again" order=4711 user=u-42 elapsed=250ms attempt=3 of=5`

var hotOnLogs = map[string]Node{
	"bodyContains":     compare(Field{Name: LogBody}, OpContains, String("tried again")),
	"bodyContainsFold": compare(Field{Name: LogBody}, OpContainsFold, String("TRIED again")),
	"bodyLacks":        compare(Field{Name: LogBody}, OpContainsFold, String("timeout")),
	"bodyWord":         compare(Field{Name: LogBody}, OpHasWord, String("4711")),
	"severity":         compare(Field{Name: LogSeverity}, OpGreaterOrEqual, Int(13)),
	"level":            must(Label(Field{Name: LogLevel}, "=~", "error|warn")),
}

func TestHotLeavesAllocateNothing(t *testing.T) { // not in parallel: allocations are counted
	v, r := &SpanView{Span: busySpan()}, line(logLine)
	for name, n := range hot {
		c := must(CompileSpans(n))
		if allocated := testing.AllocsPerRun(100, func() { c.Match(v) }); allocated > 0 {
			t.Errorf("%s: %v allocations a span", name, allocated)
		}
	}
	for name, n := range hotOnLogs {
		c := must(CompileLogs(n))
		if allocated := testing.AllocsPerRun(100, func() { c.Match(r) }); allocated > 0 {
			t.Errorf("%s: %v allocations a record", name, allocated)
		}
	}
}

func BenchmarkMatchSpan(b *testing.B) {
	v := &SpanView{Span: busySpan()}
	for name, n := range hot {
		c := must(CompileSpans(n))
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.Match(v)
			}
		})
	}
}

func BenchmarkMatchLog(b *testing.B) {
	r := line(logLine)
	for name, n := range hotOnLogs {
		c := must(CompileLogs(n))
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.Match(r)
			}
		})
	}
}

func BenchmarkSimplify(b *testing.B) {
	n := And{hot["and"], hot["attributeAbsent"], hot["regexpWords"], Not{Or{hot["name"], hot["duration"]}}}
	b.ReportAllocs()
	for b.Loop() {
		Simplify(n)
	}
}
